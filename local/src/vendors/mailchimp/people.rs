//! What people do outside the API: the links in mails, the forms, the complaints, and the owner's campaigns.

use serde_json::{Map, Value, json};

use super::{
    mail::Kind,
    member::{Member, hash_of},
    problem::Problem,
    status::{Actor, Status},
    wish::Wish,
    world::{Desk, World},
};
use crate::vendors::kit::{ControlError, text_of};

impl World {
    /// A person's act by name, in the audience `list`, or the first of `site`.
    pub fn act(&self, act: &str, request: &Value) -> Result<Value, ControlError> {
        match act {
            "unsubscribe" => self.person(request, |desk, member| desk.leave(&member, Status::Unsubscribed, "manual")),
            "complain" => self.person(request, |desk, member| {
                let unsubscribes = desk.world.core.switches.flag("complaint_is_unsubscribe");
                desk.leave(&member, if unsubscribes { Status::Unsubscribed } else { Status::Cleaned }, "abuse");
            }),
            "bounce" => self.person(request, |desk, member| desk.leave(&member, Status::Cleaned, "hard")),
            "confirm" => self.confirm(request),
            "signup" => self.sign_up(request),
            "campaign" => self.campaign(request),
            _ => Err("act: must be unsubscribe, complain, bounce, confirm, signup or campaign".into()),
        }
    }

    fn person(&self, request: &Value, act: impl FnOnce(&mut Desk<'_>, Member)) -> Result<Value, ControlError> {
        let hash = hash_of(text_of(request, "email")?);
        self.desk(request, Actor::Contact, |desk| {
            desk.campaign = request.get("campaign").and_then(Value::as_str).map(str::to_owned);
            let member = desk.find(&hash).map_err(|_| ControlError::from("email: no such member"))?;
            act(desk, member);
            let member = desk.find(&hash).map_err(|_| ControlError::from("email: no such member"))?;
            Ok(json!({"status": member.status.name()}))
        })
    }

    /// Whoever was asked says yes.
    fn confirm(&self, request: &Value) -> Result<Value, ControlError> {
        let mut pending = true;
        let done = self.person(request, |desk, member| {
            pending = member.status == Status::Pending;
            if pending {
                let confirmed = desk.subscribed(member.clone());
                desk.settle(Some(&member), confirmed);
            }
        })?;
        if pending { Ok(done) } else { Err("email: was not asked".into()) }
    }

    /// The hosted form: asks first where the audience has double opt-in.
    fn sign_up(&self, request: &Value) -> Result<Value, ControlError> {
        let email = text_of(request, "email")?.to_owned();
        let mut body = Map::from_iter([("email_address".to_owned(), Value::from(email.as_str()))]);
        body.extend(request.get("merge_fields").map(|values| ("merge_fields".to_owned(), values.clone())));
        let wish = Wish::read(&body, false).map_err(told)?;
        self.desk(request, Actor::Contact, |desk| {
            let asks = desk.list.options.double_optin;
            let status = Some(if asks { Status::Pending } else { Status::Subscribed });
            let written = match desk.find(&hash_of(&email)) {
                Ok(member) if member.status == Status::Subscribed => desk.change(&member, &wish, None),
                Ok(member) => desk.change(&member, &wish, status),
                Err(_) => desk.add(&wish, status),
            };
            Ok(json!({"status": written.map_err(told)?.member.status.name()}))
        })
    }

    /// The owner sends a campaign to every subscriber.
    fn campaign(&self, request: &Value) -> Result<Value, ControlError> {
        let subject = request.get("subject").and_then(Value::as_str).unwrap_or("News").to_owned();
        let id = self.ids.letters(10);
        self.desk(request, Actor::Admin, |desk| {
            let subscribers = desk.list.current().filter(|member| member.status == Status::Subscribed);
            let emails: Vec<String> = subscribers.map(|member| member.email.clone()).collect();
            for email in &emails {
                desk.mail(email, Kind::Campaign);
            }
            desk.tell_campaign(&id, &subject);
            Ok(json!({"campaign": id, "mailed": emails.len()}))
        })
    }

    /// Works in the audience a control call names.
    pub fn desk<T>(
        &self,
        request: &Value,
        actor: Actor,
        act: impl FnOnce(&mut Desk<'_>) -> Result<T, ControlError>,
    ) -> Result<T, ControlError> {
        let text = |name: &str| request.get(name).and_then(Value::as_str);
        self.with(|state| {
            let named = text("list").or_else(|| text("site").filter(|site| state.lists.contains_key(*site)));
            let list = if let Some(list) = named {
                list.to_owned()
            } else {
                let account = state.account(text("site")).ok_or("site: unknown")?;
                account.lists.first().map(|list| list.id.clone()).ok_or("list: the account has none")?
            };
            let mut done = Err("list: unknown".into());
            // An unknown audience is all that can be refused here, and then nothing was done.
            let _ = self.at(state, &list, actor, |desk| {
                done = act(desk);
                Ok(())
            });
            done
        })
    }
}

impl Desk<'_> {
    /// A person leaves or cannot be reached: only itself can come back.
    fn leave(&mut self, before: &Member, status: Status, reason: &'static str) {
        let mut after = Member { status, compliance: true, reason: Some(reason), ..before.clone() };
        if before.status != status {
            after.unsubscribed_ms = Some(self.now_ms);
        }
        self.settle(Some(before), after);
    }

    fn subscribed(&self, member: Member) -> Member {
        Member { status: Status::Subscribed, compliance: false, reason: None, opted_in_ms: Some(self.now_ms), ..member }
    }
}

/// A refusal of the API as a control call tells it.
pub(super) fn told(problem: Problem) -> ControlError {
    let (field, message) = problem.errors.first().cloned().unwrap_or(("email".to_owned(), problem.detail));
    ControlError(format!("{field}: {message}"))
}
