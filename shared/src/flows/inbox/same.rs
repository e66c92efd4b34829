//! Whether a message stands in a conversation, although the vendor may have dressed its text.

use unicode_normalization::UnicodeNormalization;

use crate::model::post::{Posted, Said};

/// A text that was cut is still known by so many letters.
const ENOUGH: usize = 200;

/// Finds what was to be said among what was posted, oldest first; returns the places where it ends. Its items may have become messages of their
/// own.
pub(super) fn places(said: &[Said], posted: &[Posted]) -> Vec<u64> {
    let shown: Vec<(u64, &Said)> = posted.iter().flat_map(|posted| posted.said.iter().map(|said| (posted.place, said))).collect();
    let found = shown.windows(said.len().max(1)).filter(|window| window.iter().zip(said).all(|((_, shown), said)| is_same(said, shown)));
    found.filter(|_| !said.is_empty()).filter_map(|window| window.last()).map(|(place, _)| *place).collect()
}

fn is_same(said: &Said, shown: &Said) -> bool {
    match (said, shown) {
        (Said::Text(said), Said::Text(shown)) => is_same_text(said, shown),
        (Said::Image, Said::Image) | (Said::File, Said::File) => true,
        (Said::Text(_) | Said::Image | Said::File, _) => false,
    }
}

/// Compares what is seen, and not how it is written.
fn is_same_text(said: &str, shown: &str) -> bool {
    let visible = |text: &str| plain(text).chars().filter(|letter| !is_unseen(*letter)).collect::<String>();
    let (said, shown) = (visible(said), visible(shown));
    said == shown || (shown.len() >= ENOUGH && said.starts_with(&shown))
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
            (" Hello,\n world! ", "Hello, world!", true),
            ("Hello, world!", "hello world", false),
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
            assert_eq!(!places(&[text(said)], &[posted(7, &[text(shown)])]).is_empty(), expected, "{said} {shown}");
        }
    }

    #[test]
    fn items_are_found_together_and_apart() {
        let said = [text("one"), text("two"), Said::Image];
        assert_eq!(places(&said, &[posted(1, &[text("zero")]), posted(2, &said)]), [2]);
        assert_eq!(places(&said, &[posted(1, &[text("one")]), posted(2, &[text("two")]), posted(3, &[Said::Image])]), [3]);
        assert!(places(&said, &[posted(1, &[text("one")]), posted(3, &[Said::Image])]).is_empty());
        assert!(places(&[Said::Image], &[posted(1, &[Said::File])]).is_empty());
        assert!(places(&[], &[posted(1, &[text("one")])]).is_empty());
    }

    #[test]
    fn whoever_said_it_more_often_is_found_as_often() {
        let all = [posted(1, &[text("Ok!")]), posted(2, &[text("ok")]), posted(3, &[text("no")]), posted(4, &[text("ok ")])];
        assert_eq!(places(&[text("ok")], &all), [2, 4]);
    }
}
