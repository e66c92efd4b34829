//! The lists of e-mail addresses and phone numbers, of which one each is the primary one.

use super::wire::Item;
use crate::model::{
    field::{Patch, Value},
    normal,
};

/// The fields an address stands in: the primary one, all others.
pub(super) const EMAILS: [&str; 2] = ["email", "other_emails"];

/// The fields a number stands in: the one to use, the one of the mobile phone.
pub(super) const PHONES: [&str; 2] = ["phone", "mobile_phone"];

/// The label of mobile phones.
const MOBILE: &str = "mobile";

/// The primary address, and the others.
pub(super) fn emails(items: &[Item]) -> (Option<&str>, Vec<String>) {
    let place = primary(items, |_| true);
    let others = items.iter().enumerate().filter(|(at, _)| Some(*at) != place).map(|(_, item)| item.value.clone());
    (place.and_then(|place| items.get(place)).map(|item| item.value.as_str()), others.collect())
}

/// The number to use, and the one of the mobile phone; further ones are nobody's.
pub(super) fn phones(items: &[Item]) -> [Option<&str>; 2] {
    [false, true]
        .map(|mobile| primary(items, |item| is_mobile(item) == mobile).and_then(|at| items.get(at)).map(|item| item.value.as_str()))
}

/// Changes addresses as a patch says; nothing if it says nothing of them. An address that stays keeps its label.
pub(super) fn patched_emails(items: &[Item], patch: &Patch) -> Option<Vec<Item>> {
    let [first, others] = EMAILS.map(|name| patch.get(&name.into()));
    if first.is_none() && others.is_none() {
        return None;
    }
    let (own, rest) = emails(items);
    let own = first.map_or_else(|| own.map(str::to_owned), |value| value.as_ref().and_then(Value::as_text).map(str::to_owned));
    let rest = others.map_or(rest, |value| value.as_ref().map(|list| list.elements().to_vec()).unwrap_or_default());
    let label = |value: &str| items.iter().find(|item| same(&item.value, value)).map_or("work", |item| item.label.as_str()).to_owned();
    let mut all = rest;
    all.retain(|email| own.as_ref().is_none_or(|own| !same(own, email)));
    all.splice(..0, own);
    Some(all.into_iter().enumerate().map(|(at, value)| Item { primary: at == 0, label: label(&value), value }).collect())
}

/// Changes numbers as a patch says; nothing if it says nothing of them. All others stay.
pub(super) fn patched_phones(items: &[Item], patch: &Patch) -> Option<Vec<Item>> {
    let mut all = items.to_vec();
    let mut touched = false;
    for (name, mobile) in PHONES.into_iter().zip([false, true]) {
        let Some(value) = patch.get(&name.into()) else { continue };
        touched = true;
        let at = primary(&all, |item| is_mobile(item) == mobile);
        match (value.as_ref().and_then(Value::as_text), at) {
            (Some(value), Some(at)) => all.iter_mut().skip(at).take(1).for_each(|item| value.clone_into(&mut item.value)),
            (Some(value), None) => {
                let label = if mobile { MOBILE } else { "work" };
                all.push(Item { value: value.to_owned(), primary: false, label: label.to_owned() });
            }
            (None, Some(at)) => drop(all.remove(at)),
            (None, None) => {}
        }
    }
    touched.then(|| with_a_primary(all))
}

/// Where there is none, the first is the primary one.
fn with_a_primary(mut items: Vec<Item>) -> Vec<Item> {
    if items.iter().all(|item| !item.primary)
        && let Some(first) = items.first_mut()
    {
        first.primary = true;
    }
    items
}

/// Returns the place of the primary one of these, else of the first.
fn primary(items: &[Item], is_meant: impl Fn(&Item) -> bool) -> Option<usize> {
    let meant = || items.iter().enumerate().filter(|(_, item)| !item.value.is_empty() && is_meant(item));
    meant().find(|(_, item)| item.primary).or_else(|| meant().next()).map(|(at, _)| at)
}

fn is_mobile(item: &Item) -> bool {
    item.label.eq_ignore_ascii_case(MOBILE)
}

fn same(one: &str, other: &str) -> bool {
    normal::email(one) == normal::email(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(value: &str, primary: bool, label: &str) -> Item {
        Item { value: value.to_owned(), primary, label: label.to_owned() }
    }

    fn shown(items: Option<Vec<Item>>) -> Vec<String> {
        let mark = |item: &Item| if item.primary { "*" } else { "" };
        items.unwrap().iter().map(|item| format!("{}{}:{}", mark(item), item.label, item.value)).collect()
    }

    fn patch(fields: &[(&str, Option<&str>)]) -> Patch {
        fields.iter().map(|(name, value)| ((*name).into(), value.and_then(Value::text))).collect()
    }

    #[test]
    fn a_changed_address_leaves_the_others_and_their_labels() {
        let items = [item("home@x.io", false, "home"), item("ada@x.io", true, "work")];
        assert_eq!(emails(&items), (Some("ada@x.io"), vec!["home@x.io".to_owned()]));
        let changed = patched_emails(&items, &patch(&[("email", Some("new@x.io"))]));
        assert_eq!(shown(changed), ["*work:new@x.io", "home:home@x.io"]);
        let gone = patched_emails(&items, &patch(&[("email", None)]));
        assert_eq!(shown(gone), ["*home:home@x.io"]);
        let swapped =
            Patch::from([("email".into(), Value::text("HOME@x.io")), ("other_emails".into(), Value::list(["home@x.io".to_owned()]))]);
        assert_eq!(shown(patched_emails(&items, &swapped)), ["*home:HOME@x.io"]);
        assert!(patched_emails(&items, &patch(&[("phone", None)])).is_none());
    }

    #[test]
    fn a_number_is_changed_in_its_place() {
        let items = [item("1", true, "work"), item("2", false, "Mobile"), item("3", false, "fax")];
        assert_eq!(phones(&items), [Some("1"), Some("2")]);
        let changed = patched_phones(&items, &patch(&[("mobile_phone", Some("9"))]));
        assert_eq!(shown(changed), ["*work:1", "Mobile:9", "fax:3"]);
        let gone = patched_phones(&items, &patch(&[("phone", None)]));
        assert_eq!(shown(gone), ["*Mobile:2", "fax:3"]);
        assert_eq!(phones(&[item("2", true, "mobile")]), [None, Some("2")]);
        assert_eq!(shown(patched_phones(&[], &patch(&[("mobile_phone", Some("2"))]))), ["*mobile:2"]);
    }
}
