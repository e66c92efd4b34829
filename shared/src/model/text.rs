//! Cutting texts.

use unicode_segmentation::UnicodeSegmentation;

/// Cuts a text into pieces of at most `limit`, each behind a blank where there is one, else between two characters as people see them.
/// Joined they are the text again. `weigh` says what a character counts; one that counts more than `limit` is a piece of its own.
#[must_use]
pub fn split(text: &str, limit: usize, weigh: fn(char) -> usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(end) = first_piece(rest, limit, weigh) {
        let (piece, behind) = rest.split_at(end);
        pieces.push(piece);
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// Returns where the first piece ends; `None` if all of the text is one.
fn first_piece(text: &str, limit: usize, weigh: fn(char) -> usize) -> Option<usize> {
    let mut weight = 0;
    let mut behind_blank = None;
    for (at, letter) in text.char_indices() {
        weight += weigh(letter);
        if weight > limit {
            return Some(behind_blank.unwrap_or_else(|| between_characters(text, at)));
        }
        if letter.is_whitespace() {
            behind_blank = Some(at + letter.len_utf8());
        }
    }
    None
}

/// Returns the last place not behind `most` that is between two characters as people see them. What they see as one may be longer than any
/// limit; then it is cut all the same.
fn between_characters(text: &str, most: usize) -> usize {
    // A long way back there is a whole one, or there is none.
    const LONGEST: usize = 256;
    let from = (most.saturating_sub(LONGEST)..=most).find(|at| text.is_char_boundary(*at)).unwrap_or(most);
    let (before, around) = text.split_at(from);
    let ends = around.grapheme_indices(true).map(|(at, _)| before.len() + at);
    let end = ends.take_while(|at| *at <= most).last().filter(|at| *at > from).unwrap_or(most);
    end.max(text.chars().next().map_or(0, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn characters(_: char) -> usize {
        1
    }

    #[test]
    fn a_text_is_cut_behind_a_blank_or_between_characters() {
        for (text, limit, expected) in [
            ("", 5, vec![]),
            ("hello", 5, vec!["hello"]),
            ("hello world", 7, vec!["hello ", "world"]),
            ("hello world", 5, vec!["hello", " ", "world"]),
            ("one two three", 8, vec!["one two ", "three"]),
            ("שלום עולם", 6, vec!["שלום ", "עולם"]),
            ("無間斷的文字", 4, vec!["無間斷的", "文字"]),
            ("a👩‍👩‍👧b", 3, vec!["a", "👩‍👩", "\u{200d}👧b"]),
            ("ab👩‍👩‍👧", 6, vec!["ab", "👩‍👩‍👧"]),
            ("e\u{301}e\u{301}", 3, vec!["e\u{301}", "e\u{301}"]),
        ] {
            assert_eq!(split(text, limit, characters), expected, "{text}");
        }
    }

    #[test]
    fn a_character_that_counts_too_much_is_a_piece_of_its_own() {
        assert_eq!(split("abc", 2, |_| 3), ["a", "b", "c"]);
    }

    proptest! {
        #[test]
        fn pieces_are_within_the_limit_and_make_the_text(text in ".{0,300}", limit in 4_usize..40) {
            let pieces = split(&text, limit, char::len_utf8);
            prop_assert_eq!(pieces.concat(), text.as_str());
            prop_assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.len() <= limit));
        }
    }
}
