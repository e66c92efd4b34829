//! A message or an activity of an external service into the Inbox of a site, once and in its turn.
//!
//! Wix has no key that makes a repeated post harmless. Before a message is posted its claim is taken, and after that the claim is done with; a
//! claim that was left in between means that nobody knows whether the message stands there, and then the conversation is looked at first. What is
//! known to stand there is noted as the message's own, so that of two that say the same none is taken for the other.
//! Messages of one sender wait for each other, so that what fails for a while is not overtaken.

mod compose;
mod outcome;
mod recipients;
mod same;

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use self::outcome::Stop;
pub use self::outcome::{Effect, Outcome, Parked, Skip};
use super::queue::{Later, Patience};
use crate::{
    model::{
        contact::MatchKey,
        fingerprint::{Digest, Key},
        ids::{ConversationId, RecordId},
        message::Message,
        post::Post,
        site::{Site, Status, inbox::Source},
    },
    ports::{Claim, ClaimStore, Clock, ErrorKind, Inbox, LinkStore, Place, StoreError, StoreResult, Ticket},
    sync::SKEW,
};

/// How long a message is tried. With the growing delay that is about a day; several of the longest fit into the time for which those behind wait for a
/// message.
pub const PATIENCE: Patience = Patience { tries: 300, longest: Duration::from_mins(5) };
/// How long a claim is its taker's. Longer than a worker lives, and than a listing of messages may lag: what was posted before shows then.
const CLAIM_TIME: SignedDuration = SignedDuration::from_mins(6);
/// A message that did not line up again for so long is lost, and nobody waits for it: longer than the queue holds one back.
const LOST: SignedDuration = SignedDuration::from_mins(30);
/// How long a message waits for the one before it, at first and at most.
const WAIT: (SignedDuration, SignedDuration) = (SignedDuration::from_secs(2), SignedDuration::from_secs(30));
/// How long a message waits for each of those before it: in a long line nobody looks all the time.
const EACH: SignedDuration = SignedDuration::from_secs(1);
/// So often what a message needs is looked for before it is parked: a contact with the address, a conversation with it, the part before it. With the
/// growing delay that is some eight minutes, longer than Wix's index of contacts lags behind.
const SEARCHES: u32 = 8;
/// When to look again at a paused site.
const PAUSED: SignedDuration = SignedDuration::from_mins(15);
/// When to look again for a source that the settings do not have yet.
const UNKNOWN_SOURCE: SignedDuration = SignedDuration::from_mins(1);

/// One site's relay.
#[derive(Clone)]
pub struct Relay {
    /// The site's settings.
    pub site: Site,
    /// Its fingerprint key.
    pub key: Key,
    /// Its contacts and conversations.
    pub inbox: Arc<dyn Inbox>,
    /// Claims and lines.
    pub claims: Arc<dyn ClaimStore>,
    /// Where it is noted that Wix wants to be left alone.
    pub links: Arc<dyn LinkStore>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// A random text for each claim.
    pub owner: Arc<dyn Fn() -> String + Send + Sync>,
}

/// A message whose turn it is: what is known of it in the table.
struct Turn {
    message: Digest,
    line: Digest,
    place: Place,
    /// The claim as it is stored.
    claim: Claim,
    /// Whether the message may stand in a conversation already.
    in_doubt: bool,
}

type Step<T> = Result<T, Stop>;

impl Relay {
    /// Relays one message and says what came of it. Never fails: what cannot be done now is for later, what can never be done says why.
    pub async fn relay(&self, message: &Message) -> Outcome {
        match self.try_relay(message).await {
            Ok(effect) => Outcome::Done(effect),
            Err(stop) => self.settle(message, stop).await,
        }
    }

    /// Keeps a message's place in the line while nothing may be sent to Wix before `until`, so that none that comes later is posted before it.
    pub async fn wait(&self, message: &Message, until: Timestamp) -> Outcome {
        match self.line_up(message).await {
            Ok(_) | Err(Stop::Later(_)) => Outcome::Later(Later { until, reason: "Wix wants to be left alone", counts: false }),
            Err(stop) => self.settle(message, stop).await,
        }
    }

    async fn try_relay(&self, message: &Message) -> Step<Effect> {
        let source = match self.source(message) {
            Err(Stop::Later(later)) => {
                // It waits where those behind it see it.
                self.line_up(message).await?;
                return Err(Stop::Later(later));
            }
            source => source?,
        };
        let line = self.line_up(message).await?;
        let known = self.known(message).await?;
        let contacts = self.contacts(message, source, known.as_ref()).await?;
        self.ensure_part_before(message).await?;
        let turn = self.take(message, line, known, contacts).await?;
        match self.deliver(turn, &compose::post(message, source)).await {
            // Who was made a moment ago may not be known everywhere.
            Err(Stop::Park(Parked::NoConversation)) if message.searches < SEARCHES => Err(self.not_yet("no conversation is opened yet")),
            ended => ended,
        }
    }

    /// Returns the settings of the message's source.
    fn source(&self, message: &Message) -> Step<&Source> {
        if self.site.status != Status::Installed {
            return Err(Stop::Skip(Skip::Removed));
        }
        if self.site.paused {
            return Err(self.later(PAUSED, "the site is paused"));
        }
        let source = self.site.inbox.get(&message.source).filter(|source| source.kind == message.service);
        let source = source.ok_or_else(|| self.later(UNKNOWN_SOURCE, "the settings have no such source").counted())?;
        if source.enabled { Ok(source) } else { Err(Stop::Skip(Skip::Disabled)) }
    }

    /// Returns the line the message waits in: that of its sender.
    fn line_of(&self, message: &Message) -> Step<Digest> {
        let key = message.who.keys(self.site.default_country.as_deref()).into_iter().next().ok_or(Stop::Park(Parked::NoAddress))?;
        Ok(match key {
            MatchKey::Email(email) => self.key.digest("line:email", &email),
            MatchKey::Phone(phone) => self.key.digest("line:phone", &phone),
        })
    }

    /// Takes a place in the line. Whoever wrote earlier goes first, as long as they are there.
    async fn line_up(&self, message: &Message) -> Step<Digest> {
        let now = self.clock.now();
        let (line, own) = (self.line_of(message)?, Ticket { place: self.place_of(message), since: now });
        let mut ahead = self.claims.line_up(&self.site.site, &line, &own, now - LOST).await?;
        // The service may have sent it twice, with another time.
        ahead.retain(|other| other.place.message != own.place.message);
        let Some(latest) = ahead.iter().map(|other| other.since).max() else { return Ok(line) };
        let least = WAIT.0.max(EACH * i32::try_from(ahead.len()).unwrap_or(i32::MAX));
        let wait = now.duration_since(latest).clamp(least, WAIT.1.max(least));
        Err(self.later(wait, "an earlier message of the sender waits"))
    }

    fn place_of(&self, message: &Message) -> Place {
        let (at, order, part) = message.turn();
        Place { at, order, part, message: message.digest(&self.key) }
    }

    /// A later part of a long message waits until the one before it stands there, unless that one was given up.
    async fn ensure_part_before(&self, message: &Message) -> Step<()> {
        let Some(before) = message.part.checked_sub(1) else { return Ok(()) };
        let before = self.claims.claim(&self.site.site, &message.digest_of_part(&self.key, before)).await?;
        if before.is_some_and(|claim| claim.owner.is_none()) {
            return Ok(());
        }
        if message.searches >= SEARCHES {
            return Err(Stop::Park(Parked::PartBeforeMissing));
        }
        Err(self.not_yet("the part before it is not there yet"))
    }

    /// Returns the claim that somebody left, if anybody did.
    async fn known(&self, message: &Message) -> Step<Option<Claim>> {
        let known = self.claims.claim(&self.site.site, &message.digest(&self.key)).await?;
        match known {
            Some(Claim { owner: None, .. }) => Err(Stop::Skip(Skip::Repeated)),
            Some(claim) if claim.until > self.clock.now() => {
                Err(self.until(claim.until, "another worker has it, or nobody knows what became of it"))
            }
            known => Ok(known),
        }
    }

    /// Takes the claim. From here on a worker that ends without a word leaves it in doubt whether the message stands there.
    async fn take(&self, message: &Message, line: Digest, known: Option<Claim>, left: Vec<RecordId>) -> Step<Turn> {
        let now = self.clock.now();
        let since = known.as_ref().map_or(now, |known| known.since);
        let claim = Claim { owner: Some((self.owner)()), until: now + CLAIM_TIME, since, left };
        let digest = message.digest(&self.key);
        self.claims.swap_claim(&self.site.site, &digest, known.as_ref(), Some(&claim)).await?;
        Ok(Turn { message: digest, line, place: self.place_of(message), claim, in_doubt: known.is_some() })
    }

    /// Posts the message to every conversation it belongs to, and hands the turn on.
    async fn deliver(&self, mut turn: Turn, post: &Post) -> Step<Effect> {
        // A part of a text may be nothing but blanks: then it stands there already.
        let contacts = if post.said().is_empty() { Vec::new() } else { turn.claim.left.clone() };
        let mut unreached = None;
        for (nth, contact) in contacts.iter().enumerate() {
            match self.post_once(&turn, contact, post).await {
                Ok(()) => {}
                // The others are not to wait for one with whom there is no conversation.
                Err(Stop::Park(reason)) => {
                    unreached = Some(reason);
                    continue;
                }
                Err(stop) => return Err(self.let_go(turn, stop).await),
            }
            // For the last one, the end is noted at once.
            if nth + 1 < contacts.len() || unreached.is_some() {
                self.note_reached(&mut turn, contact).await?;
            }
        }
        if let Some(reason) = unreached {
            return Err(self.let_go(turn, Stop::Park(reason)).await);
        }
        self.finish(&turn).await?;
        Ok(Effect::Posted { contacts: contacts.len() })
    }

    /// Posts to the conversation with a contact, unless an attempt that nobody heard the end of has done so.
    async fn post_once(&self, turn: &Turn, contact: &RecordId, post: &Post) -> Step<()> {
        let conversation = self.inbox.conversation_with(contact).await.map_err(Stop::of_contact)?;
        if turn.in_doubt && self.stands(turn, &conversation, post).await? {
            return Ok(());
        }
        let Some(place) = self.post(&conversation, post).await.map_err(Stop::of_post)? else { return Ok(()) };
        match self.own(turn, &[place]).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.later(WAIT.0, "another message that says the same was taken for it")),
            Err(error) => Err(Stop::Doubt(error)),
        }
    }

    /// Looks for the message in a conversation: what says the same and is not known to be another message.
    async fn stands(&self, turn: &Turn, conversation: &ConversationId, post: &Post) -> Step<bool> {
        let posted = self.inbox.posted(conversation, turn.claim.since - SKEW).await?;
        let shapes = [Some(post.clone()), post.with_links()];
        let places: Vec<_> = shapes.iter().flatten().flat_map(|shape| same::places(&shape.said(), &posted)).collect();
        Ok(!places.is_empty() && self.own(turn, &places).await?)
    }

    /// A picture that Wix cannot fetch is better as a link than not at all.
    async fn post(&self, conversation: &ConversationId, post: &Post) -> StoreResult<Option<u64>> {
        let outcome = self.inbox.post(conversation, post).await;
        match (outcome, post.with_links()) {
            (Err(StoreError { kind: ErrorKind::Invalid(_), .. }), Some(linked)) => self.inbox.post(conversation, &linked).await,
            (outcome, _) => outcome,
        }
    }

    async fn own(&self, turn: &Turn, places: &[u64]) -> StoreResult<bool> {
        self.claims.own_post(&self.site.site, places, &turn.message, self.clock.now()).await
    }

    async fn note_reached(&self, turn: &mut Turn, contact: &RecordId) -> Step<()> {
        let mut claim = turn.claim.clone();
        claim.left.retain(|left| left != contact);
        self.claims.swap_claim(&self.site.site, &turn.message, Some(&turn.claim), Some(&claim)).await?;
        turn.claim = claim;
        turn.in_doubt = true;
        Ok(())
    }

    /// The message stands where it belongs: the next one of the line has its turn, and nobody posts this one again.
    async fn finish(&self, turn: &Turn) -> Step<()> {
        self.claims.step_out(&self.site.site, &turn.line, &turn.place).await?;
        let done = Claim { owner: None, until: self.clock.now(), left: Vec::new(), ..turn.claim.clone() };
        self.claims.swap_claim(&self.site.site, &turn.message, Some(&turn.claim), Some(&done)).await?;
        Ok(())
    }

    /// Gives the claim back, unless a post may be out there that nobody knows of: then it is kept until one would show.
    async fn let_go(&self, turn: Turn, stop: Stop) -> Stop {
        if matches!(stop, Stop::Doubt(_)) {
            return self.until(turn.claim.until, "nobody knows whether it was posted").counted();
        }
        // Without a doubt nothing is there to be remembered. With one, a contact that is gone by now is looked for anew, once what stands in
        // the conversations that were reached can be seen.
        let (left, until) = match stop {
            Stop::Gone(_) => (Vec::new(), turn.claim.until),
            Stop::Later(_) | Stop::NotYet(_) | Stop::Skip(_) | Stop::Park(_) | Stop::Doubt(_) | Stop::Failed(_) => {
                (turn.claim.left.clone(), self.clock.now())
            }
        };
        let free = turn.in_doubt.then(|| Claim { until, left, ..turn.claim.clone() });
        match self.claims.swap_claim(&self.site.site, &turn.message, Some(&turn.claim), free.as_ref()).await {
            Ok(()) => stop,
            Err(failure) => failure.into(),
        }
    }

    fn later(&self, after: SignedDuration, reason: &'static str) -> Stop {
        self.until(self.clock.now() + after, reason)
    }

    /// What the message needs is not there yet.
    fn not_yet(&self, reason: &'static str) -> Stop {
        Stop::NotYet(Later { until: self.clock.now() + WAIT.0, reason, counts: true })
    }

    #[expect(clippy::unused_self, reason = "reads like its sibling")]
    fn until(&self, until: Timestamp, reason: &'static str) -> Stop {
        Stop::Later(Later { until, reason, counts: false })
    }
}
