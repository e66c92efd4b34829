//! Whether a message stands in a conversation, although the vendor may have dressed its text.

use unicode_normalization::UnicodeNormalization;

use crate::model::post::{Posted, Said};

/// A text that was cut is still known by so many letters.
const ENOUGH: usize = 200;

/// Finds what was to be said among what was posted, oldest first; returns the place where it ends. Its items may have become messages of their
/// own.
pub(super) fn find(said: &[Said], posted: &[Posted]) -> Option<u64> {
    let shown: Vec<(u64, &Said)> = posted.iter().flat_map(|posted| posted.said.iter().map(|said| (posted.place, said))).collect();
    let found = shown.windows(said.len().max(1)).find(|window| window.iter().zip(said).all(|((_, shown), said)| is_same(said, shown)));
    found.filter(|_| !said.is_empty()).and_then(|window| window.last()).map(|(place, _)| *place)
}

fn is_same(said: &Said, shown: &Said) -> bool {
    match (said, shown) {
        (Said::Text(said), Said::Text(shown)) => is_same_text(said, shown),
        (Said::Image, Said::Image) | (Said::File, Said::File) => true,
        (Said::Text(_) | Said::Image | Said::File, _) => false,
    }
}

/// Compares letters and digits alone; where there are none, everything but blanks.
fn is_same_text(said: &str, shown: &str) -> bool {
    let (said, shown) = (plain(said), plain(shown));
    let letters = |text: &str| text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let (own, other) = (letters(&said), letters(&shown));
    if own.is_empty() && other.is_empty() {
        let visible = |text: &str| text.chars().filter(|letter| !is_unseen(*letter)).collect::<String>();
        return visible(&said) == visible(&shown);
    }
    own == other || (other.len() >= ENOUGH && own.starts_with(&other))
}

/// Returns a text without what a server may have put on it: entities of HTML, composed characters.
fn plain(text: &str) -> String {
    const ENTITIES: [(&str, &str); 6] = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    let clear = ENTITIES.iter().fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter));
    clear.nfkd().collect()
}

/// Blanks, and what only says how the character before it looks.
fn is_unseen(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control() || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Said {
        Said::Text(text.to_owned())
    }

    fn posted(place: u64, said: &[Said]) -> Posted {
        Posted { place, at: None, said: said.to_vec() }
    }

    #[test]
    fn a_text_is_known_whatever_the_server_did_to_it() {
        let long = "a very long text ".repeat(100);
        for (said, shown, expected) in [
            ("Hello, world!", "Hello, world!", true),
            (" Hello,\n world! ", "hello, world!", true),
            ("Fish & <chips> \"now\"", "Fish &amp; &lt;chips&gt; &quot;now&quot;", true),
            ("Zoë", "Zoe\u{308}", true),
            ("ﬁne ½", "fine 1⁄2", true),
            ("👍", "👍\u{fe0f}", true),
            ("👍", "👎", false),
            ("👍", "ok", false),
            ("שלום", "שלום ", true),
            ("yes", "no", false),
            ("yes", "yes please", false),
            ("yes please", "yes", false),
            (&long, &long[..500], true),
        ] {
            assert_eq!(find(&[text(said)], &[posted(7, &[text(shown)])]), expected.then_some(7), "{said} {shown}");
        }
    }

    #[test]
    fn items_are_found_together_and_apart() {
        let said = [text("one"), text("two"), Said::Image];
        assert_eq!(find(&said, &[posted(1, &[text("zero")]), posted(2, &said)]), Some(2));
        assert_eq!(find(&said, &[posted(1, &[text("one")]), posted(2, &[text("two")]), posted(3, &[Said::Image])]), Some(3));
        assert_eq!(find(&said, &[posted(1, &[text("one")]), posted(3, &[Said::Image])]), None);
        assert_eq!(find(&[Said::Image], &[posted(1, &[Said::File])]), None);
        assert_eq!(find(&[], &[posted(1, &[text("one")])]), None);
    }
}
