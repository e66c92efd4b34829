//! Faults on the calls the simulator receives and the webhooks it sends, counted down as they hit.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::glob;

/// A fault waiting for its calls or deliveries.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `METHOD /path/*`; `*` is anything but a slash, `**` anything. Absent = every call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What goes wrong.
    pub kind: FaultKind,
    /// How many calls it hits.
    #[serde(default = "one")]
    pub times: u32,
    /// How many matching calls it lets pass first.
    #[serde(default)]
    pub after: u32,
    /// Only calls or webhooks of this site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Whose calls it hits.
    #[serde(default)]
    pub actor: Actor,
    /// Webhook faults: only this event type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// `status`: the status to answer with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `status`: the `Retry-After` header, seconds or an HTTP date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
    /// `status`: the body instead of the vendor's usual one; a text is sent as an HTML page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// `timeout`, `delay`, `webhook_delay`: how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// `webhook_repeat`: how many copies more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// `webhook_reorder`: the seed of the shuffle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Nothing is done and an error status comes back.
    Status,
    /// The call is done, then the connection closes without an answer.
    LoseReply,
    /// The call is done and the answer's body breaks off.
    Cut,
    /// Nothing is done and a 200 with an HTML page comes back.
    NotJson,
    /// The call is done and the answer comes `ms` too late (default a minute); on a manual clock it never comes.
    Timeout,
    /// The answer comes `ms` late; on a manual clock it only carries the header `x-sim-delay-ms`.
    Delay,
    /// A webhook is never sent.
    WebhookDrop,
    /// A webhook is sent `n` times more (default once).
    WebhookRepeat,
    /// A webhook is sent `ms` later.
    WebhookDelay,
    /// The webhooks due in one round are sent in a shuffled order.
    WebhookReorder,
}

impl FaultKind {
    fn is_webhook(self) -> bool {
        matches!(self, Self::WebhookDrop | Self::WebhookRepeat | Self::WebhookDelay | Self::WebhookReorder)
    }
}

/// Whose calls a fault hits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    /// Programs' calls.
    #[default]
    App,
    /// A person's calls (`x-actor: user`).
    User,
}

/// What to do with one webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookFault {
    /// Copies to send; 0 = dropped.
    pub copies: u32,
    /// Milliseconds to hold it back.
    pub delay_ms: u64,
}

impl Fault {
    /// A fault of `kind` that hits the next call of `endpoint` once.
    #[must_use]
    pub fn once(kind: FaultKind, endpoint: &str) -> Self {
        Self { endpoint: Some(endpoint.to_owned()), ..Self::any(kind) }
    }

    /// A fault of `kind` that hits the next call or webhook whatever it is.
    #[must_use]
    pub fn any(kind: FaultKind) -> Self {
        Self {
            endpoint: None,
            kind,
            times: 1,
            after: 0,
            site: None,
            actor: Actor::App,
            event: None,
            status: None,
            retry_after: None,
            body: None,
            ms: None,
            n: None,
            seed: None,
        }
    }

    /// A fault that answers the next call of `endpoint` with `status`.
    #[must_use]
    pub fn status(status: u16, endpoint: &str) -> Self {
        Self { status: Some(status), ..Self::once(FaultKind::Status, endpoint) }
    }

    fn check(&self) -> Result<(), String> {
        match self.kind {
            FaultKind::Status if !self.status.is_some_and(|s| (400..600).contains(&s)) => Err("status: must be 400 to 599".to_owned()),
            FaultKind::Delay | FaultKind::WebhookDelay if self.ms.is_none() => Err("ms: is required".to_owned()),
            _ if self.times == 0 => Err("times: must be at least 1".to_owned()),
            _ => Ok(()),
        }
    }

    /// Counts one matching call; true when the fault hits it.
    fn strike(&mut self) -> bool {
        if self.after > 0 {
            self.after -= 1;
            return false;
        }
        let hits = self.times > 0;
        self.times = self.times.saturating_sub(1);
        hits
    }

    fn is_for_site(&self, site: Option<&str>) -> bool {
        self.site.is_none() || self.site.as_deref() == site
    }
}

/// The list of waiting faults.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    waiting: Arc<Mutex<Vec<Fault>>>,
}

impl Faults {
    /// Adds a fault.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn add(&self, fault: Fault) -> Result<(), String> {
        fault.check()?;
        self.with(|waiting| waiting.push(fault));
        Ok(())
    }

    /// Removes all faults.
    pub fn clear(&self) {
        self.with(Vec::clear);
    }

    /// The faults still waiting.
    #[must_use]
    pub fn waiting(&self) -> Vec<Fault> {
        self.with(|waiting| waiting.clone())
    }

    /// The fault that hits this call, if one does; it is counted down.
    #[must_use]
    pub fn hit(&self, method: &str, path: &str, site: Option<&str>, actor: Actor) -> Option<Fault> {
        self.first_struck(|fault| {
            !fault.kind.is_webhook()
                && fault.actor == actor
                && fault.is_for_site(site)
                && fault.endpoint.as_deref().is_none_or(|pattern| glob::matches(pattern, method, path))
        })
    }

    /// What happens to a webhook of `event`; the faults that hit it are counted down.
    #[must_use]
    pub fn hit_webhook(&self, site: &str, event: &str) -> WebhookFault {
        let strike = |kind| {
            self.first_struck(|fault| {
                fault.kind == kind && fault.is_for_site(Some(site)) && fault.event.as_deref().is_none_or(|wanted| wanted == event)
            })
        };
        if strike(FaultKind::WebhookDrop).is_some() {
            return WebhookFault { copies: 0, delay_ms: 0 };
        }
        let more = strike(FaultKind::WebhookRepeat).map_or(0, |fault| fault.n.unwrap_or(1));
        let delay_ms = strike(FaultKind::WebhookDelay).and_then(|fault| fault.ms).unwrap_or_default();
        WebhookFault { copies: 1 + more, delay_ms }
    }

    /// The seed to shuffle this round of webhooks with, if it is to be shuffled.
    #[must_use]
    pub fn hit_round(&self) -> Option<u64> {
        self.first_struck(|fault| fault.kind == FaultKind::WebhookReorder).map(|fault| fault.seed.unwrap_or(1))
    }

    fn first_struck(&self, matches: impl Fn(&Fault) -> bool) -> Option<Fault> {
        self.with(|waiting| {
            let mut hit = None;
            for fault in waiting.iter_mut().filter(|fault| matches(fault)) {
                if fault.strike() {
                    hit = Some(fault.clone());
                    break;
                }
            }
            waiting.retain(|fault| fault.times > 0);
            hit
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<Fault>) -> T) -> T {
        act(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_lets_calls_pass_then_hits_and_is_spent() {
        let faults = Faults::default();
        faults.add(Fault { after: 1, times: 2, ..Fault::status(503, "GET /a/*") }).unwrap();
        let hits: Vec<bool> = (0..4).map(|_| faults.hit("GET", "/a/b", None, Actor::App).is_some()).collect();
        assert_eq!(hits, [false, true, true, false]);
        assert!(faults.waiting().is_empty());
    }

    #[test]
    fn a_fault_spares_other_sites_and_people() {
        let faults = Faults::default();
        faults.add(Fault { site: Some("s1".into()), ..Fault::any(FaultKind::Cut) }).unwrap();
        assert!(faults.hit("GET", "/", Some("s2"), Actor::App).is_none());
        assert!(faults.hit("GET", "/", Some("s1"), Actor::User).is_none());
        assert!(faults.hit("GET", "/", Some("s1"), Actor::App).is_some());
    }

    #[test]
    fn webhook_faults_add_up() {
        let faults = Faults::default();
        faults.add(Fault { n: Some(2), ..Fault::any(FaultKind::WebhookRepeat) }).unwrap();
        faults.add(Fault { ms: Some(9), ..Fault::any(FaultKind::WebhookDelay) }).unwrap();
        assert_eq!(faults.hit_webhook("s", "e"), WebhookFault { copies: 3, delay_ms: 9 });
        assert_eq!(faults.hit_webhook("s", "e"), WebhookFault { copies: 1, delay_ms: 0 });
    }

    #[test]
    fn a_status_fault_needs_a_status() {
        assert!(Faults::default().add(Fault::any(FaultKind::Status)).unwrap_err().starts_with("status"));
    }
}
