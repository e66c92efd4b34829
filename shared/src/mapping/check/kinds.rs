//! Kinds of values: an example of each, what fits into each, and which value of one does not fit into another.

use super::A_DAY;
use crate::{
    mapping::{codec::Codec, country, date},
    model::{
        field::Kind,
        ids::{Pair, Side},
    },
};

/// Returns a value of a kind; of a list, two elements.
pub(super) fn sample(kind: &Kind) -> String {
    match kind {
        Kind::Text => "Ada Lovelace".to_owned(),
        Kind::Email => "ada@example.com".to_owned(),
        Kind::Phone => "+1 212-736-5000".to_owned(),
        Kind::Date => A_DAY.to_owned(),
        Kind::Number => "12.5".to_owned(),
        Kind::Url => "https://example.com/ada".to_owned(),
        Kind::Choice(options) => options.first().cloned().unwrap_or_else(|| "gold".to_owned()),
        Kind::Choices(options) if options.is_empty() => "gold, silver".to_owned(),
        Kind::Choices(options) => options.iter().take(2).cloned().collect::<Vec<_>>().join(", "),
        Kind::List(of) => match &**of {
            Kind::Email => "ada@example.com, ada@example.org".to_owned(),
            Kind::Phone => "+1 212-736-5000, +43 1 58858".to_owned(),
            of => format!("{}, Grace Hopper", sample(of)),
        },
    }
}

/// Tells whether a text can be a value of the kind, or an element of it.
pub(super) fn fits(kind: &Kind, text: &str) -> bool {
    match kind {
        Kind::Text => true,
        Kind::Email => text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty()) && is_word(text),
        Kind::Phone => text.chars().filter(char::is_ascii_digit).count() >= 5 && !text.contains('@') && !date::is_iso(text),
        Kind::Date => date::is_iso(text),
        Kind::Number => text.parse::<f64>().is_ok_and(f64::is_finite),
        Kind::Url => is_word(text) && (text.starts_with("https://") || text.starts_with("http://")),
        Kind::Choice(options) | Kind::Choices(options) => options.iter().any(|option| option == text),
        Kind::List(of) => fits(of, text),
    }
}

fn is_word(text: &str) -> bool {
    !text.contains(char::is_whitespace)
}

/// Returns a value of the other side's kind that does not become one of `to`'s.
pub(super) fn breaking(codec: &Codec, to: Side, kinds: Pair<&Kind>) -> Option<String> {
    let (from, to_kind) = (element(kinds.of(to.opposite())), element(kinds.of(to)));
    if is_trusted(codec, &from, &to_kind) {
        return None;
    }
    let arrives = |value: &String| codec.convert(to, value, None).is_ok_and(|converted| fits(&to_kind, &converted));
    samples(codec, to.opposite(), &from).into_iter().find(|value| !arrives(value))
}

/// Tells whether a conversion may fail for single values without being wrong: many CRMs keep addresses and numbers in plain texts.
fn is_trusted(codec: &Codec, from: &Kind, to: &Kind) -> bool {
    let plain = matches!(codec, Codec::Keep | Codec::Trim | Codec::Lower | Codec::Upper | Codec::Phone);
    plain && *from == Kind::Text && matches!(to, Kind::Email | Kind::Phone | Kind::Url)
}

/// Returns values of a kind that a transform should convert; those it was made for, where the kind can hold them.
fn samples(codec: &Codec, side: Side, kind: &Kind) -> Vec<String> {
    let made_for: Vec<_> = match codec {
        Codec::Date(pattern) => date::convert(pattern.as_ref(), side, A_DAY).into_iter().collect(),
        Codec::Country => country::all(side).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    match kind {
        Kind::Choice(options) => options.clone(),
        kind if made_for.iter().any(|value| fits(kind, value)) => made_for,
        kind => vec![sample(kind)],
    }
}

/// Returns the kind of a list's elements, or of the value itself.
fn element(kind: &Kind) -> Kind {
    match kind {
        Kind::List(of) => (**of).clone(),
        Kind::Choices(options) => Kind::Choice(options.clone()),
        kind => kind.clone(),
    }
}

/// Returns an element of a list that a separator could tear apart: one that consists of what such elements consist of.
pub(super) fn torn(list: &Kind, token: &str) -> Option<String> {
    let kind = element(list);
    let punctuation = match kind {
        Kind::Email => "!#$%&'*+/=?^_`{|}~-@.",
        Kind::Phone => "+-(). /#*",
        Kind::Date | Kind::Number => "+-.",
        Kind::Url => "-._~:/?#[]@!$&'()*+,;=%",
        Kind::Text | Kind::Choice(_) | Kind::Choices(_) | Kind::List(_) => ".-_",
    };
    if let Kind::Choice(options) = &kind
        && let Some(option) = options.iter().find(|option| option.contains(token))
    {
        return Some(option.clone());
    }
    let possible = token.chars().all(|char| char.is_alphanumeric() || punctuation.contains(char));
    let sample = if matches!(kind, Kind::Text) { "custom.new-customer".to_owned() } else { sample(&kind) };
    possible.then(|| if sample.contains(token) { sample } else { format!("{sample}{token}1") })
}
