//! Control calls on subscriptions: what addressees and the mailer do.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    super::{
        auth::{Asked, Identity, person},
        control::told,
        items::looks_like_email,
        mails::OfSite,
        refusal::Refusal,
        state::World,
    },
    ledger::{DELIVERABILITIES, STATUSES, SUBSCRIBED, Wish},
};
use crate::vendors::kit::{ControlError, parse_object, text_of};

pub(in super::super) const CALLS: &[(&str, &str)] = &[
    ("GET /_control/subscriptions?site=", "what is known of each address"),
    (
        "POST /_control/subscriptions",
        "{\"site\"?, \"email\", \"subscriptionStatus\"?, \"deliverabilityStatus\"?}: by the addressee or the mailer, not by an app",
    ),
    ("POST /_control/subscriptions/confirm", "{\"site\"?, \"email\"}: the addressee of a confirmation mail confirms"),
    ("POST /_control/subscriptions/click", "{\"link\"}: the addressee follows an unsubscribe link"),
];

type Reply = Result<Json<Value>, ControlError>;

pub(in super::super) fn routes() -> Router<World> {
    Router::new()
        .route("/_control/subscriptions", get(show).post(change))
        .route("/_control/subscriptions/confirm", post(confirm))
        .route("/_control/subscriptions/click", post(click))
}

async fn show(State(world): State<World>, Query(of): Query<OfSite>) -> Reply {
    Ok(Json(json!({"subscriptions": world.all_subscriptions(of.site.as_deref())?})))
}

async fn change(State(world): State<World>, body: Bytes) -> Reply {
    let request = Value::Object(parse_object(&body)?);
    let word = |key: &str, words: &[&'static str]| match request.get(key).and_then(Value::as_str) {
        None => Ok(None),
        Some(sent) => {
            words.iter().copied().find(|word| *word == sent).map(Some).ok_or(ControlError(format!("{key}: is not a known value")))
        }
    };
    // A call cannot set it, and the documents have it among what an answer may hold.
    let statuses = [&["UNKNOWN"], STATUSES].concat();
    let (status, deliverability) = (word("subscriptionStatus", &statuses)?, word("deliverabilityStatus", DELIVERABILITIES)?);
    world.set_subscription(site(&request), text_of(&request, "email")?, status, deliverability).map(Json)
}

async fn confirm(State(world): State<World>, body: Bytes) -> Reply {
    let request = Value::Object(parse_object(&body)?);
    world.confirm(site(&request), text_of(&request, "email")?).map(Json)
}

async fn click(State(world): State<World>, body: Bytes) -> Reply {
    let request = Value::Object(parse_object(&body)?);
    world.click(text_of(&request, "link")?)?;
    Ok(Json(json!({})))
}

fn site(request: &Value) -> Option<&str> {
    request.get("site").and_then(Value::as_str)
}

impl World {
    pub(in super::super) fn all_subscriptions(&self, site: Option<&str>) -> Result<Vec<Value>, ControlError> {
        self.of_sites(site, |site| {
            let with_site = |mut shown: Value| {
                if let Value::Object(shown) = &mut shown {
                    shown.insert("site".to_owned(), site.instance_id.clone().into());
                }
                shown
            };
            site.subscriptions.all().map(|known| with_site(known.to_json())).collect()
        })
    }

    pub(in super::super) fn set_subscription(
        &self,
        site: Option<&str>,
        email: &str,
        status: Option<&'static str>,
        deliverability: Option<&'static str>,
    ) -> Result<Value, ControlError> {
        if !looks_like_email(email) {
            return Err("email: must be an e-mail address".into());
        }
        let asked = self.addressee(site)?;
        let wish = Wish { email: email.to_owned(), status, deliverability };
        self.at(&asked, |desk| Ok(desk.upsert(&wish)?.to_json())).map_err(told)
    }

    pub(in super::super) fn confirm(&self, site: Option<&str>, email: &str) -> Result<Value, ControlError> {
        let asked = self.addressee(site)?;
        let wish = Wish { email: email.to_owned(), status: Some(SUBSCRIBED), deliverability: None };
        self.at(&asked, |desk| {
            if desk.site.subscriptions.standing(email).status != "PENDING" {
                return Err(Refusal::bare(400, "email: waits for no confirmation"));
            }
            Ok(desk.upsert(&wish)?.to_json())
        })
        .map_err(told)
    }

    pub(in super::super) fn click(&self, link: &str) -> Result<(), ControlError> {
        let link = url::Url::parse(link).map_err(|_| "link: must be a link")?;
        let part = |name: &str| link.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let asked = self.addressee(Some(&part("metaSiteId").unwrap_or_default()))?;
        self.follow(&asked, &part("unsubscribeToken").unwrap_or_default()).map_err(told)
    }

    /// Somebody at a browser.
    fn addressee(&self, site: Option<&str>) -> Result<Asked, ControlError> {
        let at_site = person(self, site).map_err(told)?;
        Ok(Asked { identity: Identity::Visitor(self.ids.guid()), ..at_site })
    }
}
