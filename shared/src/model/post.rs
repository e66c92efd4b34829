//! What is posted to a conversation, and what is found there.

use std::fmt;

use jiff::Timestamp;

use super::{
    message::{Author, Media},
    site::inbox::{Badge, Visibility},
};

/// The longest text of one item, counted as JavaScript does, which is the strictest reading of "characters":
/// <https://dev.wix.com/docs/rest/crm/communication/inbox/messages/message-object>.
pub const LONGEST_TEXT: usize = 16_384;

/// A message as it is to stand in a conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Post {
    /// What it says.
    pub body: Body,
    /// Who is shown as its author.
    pub author: Author,
    /// Who sees it.
    pub visibility: Visibility,
    /// What marks it.
    pub badge: Option<Badge>,
    /// Whether people are notified.
    pub notify: bool,
}

/// What a post says.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// A message: its items, in order, at least one.
    Basic(Vec<Item>),
    /// An activity: one line.
    Minimal {
        /// The line.
        text: String,
        /// The address of the icon beside it.
        icon: Option<String>,
        /// Where it leads.
        link: Option<String>,
    },
}

/// One item of a message.
#[derive(Clone, PartialEq, Eq)]
pub enum Item {
    /// Words, at most [`LONGEST_TEXT`].
    Text(String),
    /// A picture.
    Image(Media),
    /// Any other file.
    File(Media),
}

/// One item of a message that stands in a conversation. Of pictures and files only that they are there: their addresses may be new ones.
#[derive(Clone, PartialEq, Eq)]
pub enum Said {
    /// Words.
    Text(String),
    /// A picture.
    Image,
    /// Any other file.
    File,
}

/// A message that stands in a conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Posted {
    /// Its place: later ones have higher numbers, in all conversations of a site.
    pub place: u64,
    /// When it was posted, by the vendor's clock, where that tells.
    pub at: Option<Timestamp>,
    /// What it says, in order.
    pub said: Vec<Said>,
}

impl Post {
    /// Returns what is to be found in the conversation when this was posted.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        match &self.body {
            Body::Basic(items) => items.iter().map(Item::said).collect(),
            Body::Minimal { text, .. } => vec![Said::Text(text.clone())],
        }
    }

    /// Returns the same post with the addresses of pictures and files as words, for those that the Inbox cannot fetch; `None` if there are
    /// none.
    #[must_use]
    pub fn with_links(&self) -> Option<Self> {
        let Body::Basic(items) = &self.body else { return None };
        if items.iter().all(|item| matches!(item, Item::Text(_))) {
            return None;
        }
        let linked = |item: &Item| match item {
            Item::Text(text) => Item::Text(text.clone()),
            Item::Image(media) | Item::File(media) => Item::Text(media.url.clone()),
        };
        Some(Self { body: Body::Basic(items.iter().map(linked).collect()), ..self.clone() })
    }
}

impl Item {
    fn said(&self) -> Said {
        match self {
            Self::Text(text) => Said::Text(text.clone()),
            Self::Image(_) => Said::Image,
            Self::File(_) => Said::File,
        }
    }
}

/// Shows nothing of what it says.
impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").field("author", &self.author).field("visibility", &self.visibility).finish_non_exhaustive()
    }
}

/// Shows nothing of what it says.
impl fmt::Debug for Posted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Posted").field("place", &self.place).field("at", &self.at).finish_non_exhaustive()
    }
}
