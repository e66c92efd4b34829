//! Query and upsert, <https://dev.wix.com/docs/rest/crm/marketing/email-marketing/email-subscriptions/query-email-subscriptions>.

use std::collections::BTreeSet;

use axum::{Json, body::Bytes, extract::State};
use serde_json::{Map, Value, json};

use super::{
    super::{
        auth::Asked,
        contacts::Reply,
        items::looks_like_email,
        listing::PageSize,
        naming::camel_object,
        refusal::{Refusal, body_object, integer, object, texts},
        sent::{Sent, Unit},
        state::{Desk, World},
    },
    ledger::{DELIVERABILITIES, STATUSES, Standing, Subscription, Wish},
};

/// Most rows of one bulk call.
const MOST_ROWS: usize = 100;
const PAGE: PageSize = PageSize { default: 50, most: 1000 };

pub(super) async fn upsert(State(world): State<World>, asked: Asked, body: Bytes) -> Reply {
    let request = camel_object(body_object(&body)?);
    let wish = Wish::read(&Sent::request(&request, Unit::Characters).required("subscription")?)?;
    world.at(&asked, |desk| Ok(Json(json!({"subscription": desk.upsert(&wish)?.to_json()}))))
}

pub(super) async fn bulk_upsert(State(world): State<World>, asked: Asked, body: Bytes) -> Reply {
    let request = camel_object(body_object(&body)?);
    let rows = Sent::request(&request, Unit::Characters).objects("subscriptions", 1..=MOST_ROWS)?;
    let wishes: Vec<Result<Wish, Refusal>> = rows.iter().map(Wish::read).collect();
    if world.is("bulk_invalid_row", "request")
        && let Some(Err(refusal)) = wishes.iter().find(|wish| wish.is_err())
    {
        return Err(refusal.clone());
    }
    world.at(&asked, |desk| {
        let done: Vec<Result<Subscription, Refusal>> =
            wishes.iter().map(|wish| desk.upsert(wish.as_ref().map_err(Refusal::clone)?)).collect();
        Ok(Json(bulk_answer(&done, world.is("subscription_keys", "samples"))))
    })
}

pub(super) async fn query(State(world): State<World>, asked: Asked, body: Bytes) -> Reply {
    let request = camel_object(body_object(&body)?);
    world.at(&asked, |desk| {
        let (mut found, paging) = (desk.asked_for(&request)?, object(&request, "paging")?);
        let empty = Map::new();
        let (limit, offset) = page(paging.unwrap_or(&empty))?;
        found.sort_by(|a, b| (a.created_ms, &a.email).cmp(&(b.created_ms, &b.email)));
        let total = found.len();
        let shown: Vec<Value> = found.iter().skip(offset).take(limit).map(Subscription::to_json).collect();
        let metadata = json!({"count": shown.len(), "offset": offset, "total": total, "tooManyToCount": false});
        let key = if world.is("subscription_keys", "samples") { "email_subscriptions" } else { "subscriptions" };
        Ok(Json(json!({key: shown, "metadata": metadata})))
    })
}

impl Wish {
    /// Reads a subscription; the zero status `UNKNOWN` is as good as none.
    fn read(sent: &Sent<'_>) -> Result<Self, Refusal> {
        let email = sent.required_text("email", 1..=320)?;
        if !looks_like_email(&email) {
            return Err(Refusal::format(&sent.path("email"), "EMAIL"));
        }
        let status = sent.word("subscriptionStatus", STATUSES)?;
        Ok(Self { email, status, deliverability: sent.word("deliverabilityStatus", DELIVERABILITIES)? })
    }
}

/// The answer by the types, or as the samples of the documents print it: plain subscriptions, failures left out.
fn bulk_answer(done: &[Result<Subscription, Refusal>], as_samples: bool) -> Value {
    let row = |(index, result): (usize, &Result<Subscription, Refusal>)| match result {
        Ok(subscription) => json!({"originalIndex": index, "emailSubscription": subscription.to_json()}),
        Err(refusal) => json!({"originalIndex": index, "error": {"errorCode": error_code(refusal), "message": refusal.message()}}),
    };
    let success = done.iter().flatten().count();
    let metadata = json!({"totalSuccess": success, "totalFailure": done.len() - success});
    if as_samples {
        return json!({"subscriptions": done.iter().flatten().map(Subscription::to_json).collect::<Vec<_>>(), "metadata": metadata});
    }
    json!({"results": done.iter().enumerate().map(row).collect::<Vec<_>>(), "metadata": metadata})
}

fn error_code(refusal: &Refusal) -> String {
    Some(refusal.code()).filter(|code| !code.is_empty()).unwrap_or_else(|| "INVALID_ARGUMENT".to_owned())
}

fn page(paging: &Map<String, Value>) -> Result<(usize, usize), Refusal> {
    let illegal = || Refusal::coded(400, "ILLEGAL_LIMIT", &format!("limit must be 1 to {}.", PAGE.most));
    let limit = integer(paging, "limit")?.unwrap_or(PAGE.default);
    let limit = Some(limit).filter(|limit| (1..=PAGE.most).contains(limit)).ok_or_else(illegal)?;
    let offset = integer(paging, "offset")?.unwrap_or_default();
    Ok((usize::try_from(limit).map_err(|_| illegal())?, usize::try_from(offset).map_err(|_| illegal())?))
}

impl Desk<'_> {
    /// The subscriptions the filter names, which sits at the top level here and knows only `email` and `$in`.
    fn asked_for(&self, request: &Map<String, Value>) -> Result<Vec<Subscription>, Refusal> {
        let Some(filter) = object(request, "filter")?.filter(|filter| !filter.is_empty()) else {
            if self.world.is("unfiltered_subscriptions", "400") {
                return Err(Refusal::field("filter", "REQUIRED_FIELD", "must not be empty", &json!({})));
            }
            return Ok(self.site.subscriptions.all().cloned().collect());
        };
        let unsupported = || Refusal::coded(400, "UNSUPPORTED_FILTER", "Only email with $in is supported.");
        let email = object(filter, "email").map_err(|_| unsupported())?.ok_or_else(unsupported)?;
        if filter.len() != 1 || email.keys().ne(["$in"]) {
            return Err(unsupported());
        }
        let emails = texts(email, "$in")?;
        let most = usize::try_from(self.world.core.switches.number("in_limit")).unwrap_or_default();
        if most > 0 && emails.len() > most {
            return Err(Refusal::coded(400, "UNSUPPORTED_FILTER_VALUE", &format!("$in must not hold more than {most} values.")));
        }
        let emails: BTreeSet<String> = emails.iter().map(|email| email.to_lowercase()).collect();
        Ok(emails.iter().filter_map(|email| self.subscription(email)).collect())
    }

    /// The subscription of an address; one that was never heard of may be shown as not set if a contact has it.
    fn subscription(&self, email: &str) -> Option<Subscription> {
        let known = self.site.subscriptions.get(email).cloned();
        let of_contact = || {
            let contact = self.with_email(email).into_iter().next().filter(|_| self.world.is("unknown_subscription", "not_set"))?;
            let (id, email, created_ms) = (contact.id, email.to_owned(), contact.created_ms);
            Some(Subscription { id, email, standing: Standing::default(), created_ms, updated_ms: created_ms })
        };
        known.or_else(of_contact)
    }
}
