use super::*;

type Pairs<'a> = &'a [(&'a str, &'a [&'a str])];

fn fields(pairs: Pairs<'_>) -> Fields {
    let value = |name: &str, texts: &[&str]| match (name, texts) {
        ("emails" | "phones" | "labels", texts) => Value::List(texts.iter().map(|text| (*text).to_owned()).collect()),
        (_, texts) => Value::Text(texts.concat()),
    };
    pairs.iter().map(|(name, texts)| (Field::from(*name), value(name, texts))).collect()
}

fn values(pairs: Pairs<'_>) -> Values {
    pairs.iter().map(|(name, texts)| (Field::from(*name), texts.iter().map(|text| (*text).to_owned()).collect())).collect()
}

const KEEP: Rules<'static> = Rules { override_filled: false, labels: &[], country: Some("US") };
const OVERRIDE: Rules<'static> = Rules { override_filled: true, ..KEEP };

/// What changes, as `field=value`, and which fields are rejected.
fn decided(known: Pairs<'_>, sent: Pairs<'_>, rules: Rules<'_>) -> (Vec<String>, Vec<String>) {
    let upsert = decide(&fields(known), &values(sent), rules);
    let text = |value: &Option<Value>| value.as_ref().map(|value| value.elements().join("|")).unwrap_or_default();
    let patch = upsert.patch.iter().map(|(field, value)| format!("{field}={}", text(value))).collect();
    let rejected: Vec<_> = upsert.rejected.iter().map(|rejected| rejected.field.to_string()).collect();
    let sent: Vec<_> = upsert.accepted.iter().map(ToString::to_string).chain(rejected.iter().cloned()).collect();
    assert_eq!(sent.len(), values_len(&upsert), "a field is accepted or rejected, not both: {sent:?}");
    (patch, rejected)
}

fn values_len(upsert: &Upsert) -> usize {
    upsert.accepted.iter().chain(upsert.rejected.iter().map(|rejected| &rejected.field)).collect::<BTreeSet<_>>().len()
}

/// What is tried, what is known, what is sent, by which rules; what changes, what is rejected.
type Case<'a> = (&'a str, Pairs<'a>, Pairs<'a>, Rules<'a>, &'a [&'a str], &'a [&'a str]);

fn check(cases: &[Case<'_>]) {
    for (name, known, sent, rules, patch, rejected) in cases {
        let (changes, refused) = decided(known, sent, *rules);
        assert_eq!((changes, refused), (texts(patch), texts(rejected)), "{name}");
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn single_values_are_filled_kept_or_overridden() {
    check(&[
        ("empty is filled", &[], &[("company", &["Mills"])], KEEP, &["company=Mills"], &[]),
        ("equal stays", &[("company", &["Mills"])], &[("company", &["Mills"])], KEEP, &[], &[]),
        ("blanks are no difference", &[("company", &["Mills "])], &[("company", &["Mills"])], KEEP, &[], &[]),
        ("filled is kept and reported", &[("company", &["Mills"])], &[("company", &["Looms"])], KEEP, &[], &["company"]),
        ("filled is overridden", &[("company", &["Mills"])], &[("company", &["Looms"])], OVERRIDE, &["company=Looms"], &[]),
        (
            "names are single each",
            &[("name.first", &["Ada"])],
            &[("name.first", &["A."]), ("name.last", &["Byron"])],
            KEEP,
            &["name.last=Byron"],
            &["name.first"],
        ),
        ("a group of boxes is one text", &[], &[("custom.likes", &["tea", " ", "cake"])], KEEP, &["custom.likes=tea, cake"], &[]),
        ("a number is a text here", &[("custom.age", &["36"])], &[("custom.age", &["36"])], KEEP, &[], &[]),
    ]);
}

#[test]
fn emails_are_added() {
    check(&[
        (
            "the first is the primary one",
            &[],
            &[("email", &["a@x.org"]), ("emails", &["b@x.org"])],
            KEEP,
            &["email=a@x.org", "emails=b@x.org"],
            &[],
        ),
        ("case makes no other address", &[("email", &["A@x.org"])], &[("email", &["a@X.org"])], OVERRIDE, &[], &[]),
        (
            "another one is added, not put in its place",
            &[("email", &["a@x.org"])],
            &[("email", &["b@x.org"])],
            OVERRIDE,
            &["emails=b@x.org"],
            &[],
        ),
        (
            "those there are stay",
            &[("email", &["a@x.org"]), ("emails", &["c@x.org"])],
            &[("email", &["b@x.org"])],
            KEEP,
            &["emails=c@x.org|b@x.org"],
            &[],
        ),
        (
            "one that is there among the others",
            &[("email", &["a@x.org"]), ("emails", &["b@x.org"])],
            &[("email", &["b@x.org"])],
            KEEP,
            &[],
            &[],
        ),
        ("twice the same is once", &[], &[("email", &["a@x.org", "A@x.org"])], KEEP, &["email=a@x.org"], &[]),
    ]);
}

#[test]
fn phones_are_added_by_number() {
    check(&[
        ("the first is the primary one", &[], &[("phone", &["646-555-0132"])], KEEP, &["phone=646-555-0132"], &[]),
        ("spelling makes no other number", &[("phone", &["+16465550132"])], &[("phone", &["(646) 555-0132"])], KEEP, &[], &[]),
        ("another one is added", &[("phone", &["+16465550132"])], &[("phone", &["212-736-5000"])], OVERRIDE, &["phones=212-736-5000"], &[]),
        (
            "a tag is filled",
            &[("phone", &["+16465550132"])],
            &[("phone.mobile", &["212-736-5000"])],
            KEEP,
            &["phone.mobile=212-736-5000"],
            &[],
        ),
        (
            "a filled tag's other number is added without it",
            &[("phone", &["+16465550132"]), ("phone.mobile", &["+13105550100"]), ("phones", &["+13105550100"])],
            &[("phone.mobile", &["212-736-5000"])],
            OVERRIDE,
            &["phones=+13105550100|212-736-5000"],
            &[],
        ),
        ("a number that is there needs no tag", &[("phone", &["+16465550132"])], &[("phone.work", &["646 555 0132"])], KEEP, &[], &[]),
        ("what cannot be parsed is compared as it is", &[("phone", &["ext 7"])], &[("phone", &["ext 7"])], KEEP, &[], &[]),
    ]);
}

#[test]
fn postal_addresses_are_added_whole() {
    const YORK: (&str, &[&str]) = ("address.city", &["York"]);
    check(&[
        ("the first one", &[], &[YORK, ("address.line", &["1 High St"])], KEEP, &["address.city=York", "address.line=1 High St"], &[]),
        (
            "case and commas make no other address",
            &[YORK, ("address.line", &["1 High St."])],
            &[("address.line", &["1 high st"])],
            KEEP,
            &[],
            &[],
        ),
        ("another one goes behind", &[YORK], &[("address.city", &["Rome"])], OVERRIDE, &["address.new.city=Rome"], &[]),
        ("one that is there behind", &[YORK, ("address.2.city", &["Rome"])], &[("address.city", &["Rome"])], KEEP, &[], &[]),
        (
            "parts of two addresses are not mixed",
            &[YORK],
            &[YORK, ("address.postalCode", &["YO1"])],
            KEEP,
            &["address.new.city=York", "address.new.postalCode=YO1"],
            &[],
        ),
        ("a free tag takes it", &[YORK], &[("address.work.city", &["Rome"])], KEEP, &["address.work.city=Rome"], &[]),
        (
            "of two that need the spot behind, one is reported",
            &[YORK, ("address.work.city", &["Bonn"])],
            &[("address.city", &["Rome"]), ("address.work.city", &["Oslo"])],
            KEEP,
            &["address.new.city=Rome"],
            &["address.work.city"],
        ),
    ]);
}

#[test]
fn labels_are_added() {
    let labels = ["custom.lead".to_owned(), "custom.vip".to_owned()];
    let rules = Rules { labels: &labels, ..KEEP };
    check(&[
        ("to none", &[], &[], rules, &["labels=custom.lead|custom.vip"], &[]),
        ("to others", &[("labels", &["custom.vip", "custom.old"])], &[], rules, &["labels=custom.vip|custom.old|custom.lead"], &[]),
        ("not twice", &[("labels", &["custom.vip", "custom.lead"])], &[], rules, &[], &[]),
    ]);
}

#[test]
fn what_was_decided_changes_nothing_the_next_time() {
    let sent = values(&[
        ("email", &["a@x.org", "b@x.org"]),
        ("phone", &["646-555-0132"]),
        ("phone.mobile", &["212-736-5000"]),
        ("address.city", &["York"]),
        ("name.first", &["Ada"]),
    ]);
    let first = decide(&Fields::new(), &sent, KEEP);
    let mut known: Fields = first.patch.into_iter().filter_map(|(field, value)| Some((field, value?))).collect();
    // A contact shows a tagged number among the others as well.
    known.insert("phones".into(), Value::List(vec!["212-736-5000".to_owned()]));
    assert_eq!(decide(&known, &sent, KEEP).patch, Patch::new());
}

#[test]
fn what_is_refused_is_left_out_as_far_as_it_is_new() {
    let known = fields(&[("email", &["a@x.org"]), ("company", &["Mills"])]);
    let sent =
        values(&[("email", &["a@x.org"]), ("emails", &["b@x.org"]), ("company", &["Mills"]), ("phone", &["1"]), ("birthdate", &["x"])]);
    for (refused, dropped) in [
        (&["emails"][..], &["emails"][..]),
        (&["email"], &["emails"]),
        (&["phone.mobile"], &["phone"]),
        (&["birthdate", "phone"], &["birthdate", "phone"]),
        (&["company"], &[]),
        (&["custom.unknown"], &["birthdate", "emails", "phone"]),
        (&[], &["birthdate", "emails", "phone"]),
    ] {
        let mut left = sent.clone();
        let refused: Vec<_> = refused.iter().map(|name| Field::from(*name)).collect();
        let gone = drop_refused(&mut left, &refused, &known, None);
        assert_eq!(gone.iter().map(Field::as_str).collect::<Vec<_>>(), dropped, "{refused:?}");
        assert!(left.contains_key(&Field::from("email")) && dropped.iter().all(|name| !left.contains_key(&Field::from(*name))));
    }
}
