//! One contact at a time.

use contact_bridge::model::{
    contact::{Found, MatchKey},
    field::{Field, Value},
};

use super::bench::{Bench, draft, patch, text};

type Verdict = anyhow::Result<()>;

pub async fn what_was_made_is_read_as_it_was_made(bench: &Bench) -> Verdict {
    let draft = bench.ada(&[(bench.names.phone, "+16465550132"), (bench.names.company, "Works"), (bench.names.more, "")]);
    let made = bench.make(&draft).await?;
    let read = bench.present(&made.id).await?;
    assert_eq!((&made.counterpart, &read.counterpart), (&Some(draft.counterpart.clone()), &Some(draft.counterpart.clone())));
    for (field, value) in &draft.fields {
        assert_eq!((made.get(field), read.get(field)), (Some(value), Some(value)), "{field}");
    }
    assert!(read.created_at.is_some() && bench.count() == 1);
    Ok(())
}

pub async fn who_has_no_name_is_made_all_the_same(bench: &Bench) -> Verdict {
    for (number, field, value) in [(1, bench.names.email, "ada@example.com"), (2, bench.names.last, "Stone")] {
        let made = bench.make(&draft(&format!("w-{number}"), [(field, value)].iter())).await?;
        let read = bench.present(&made.id).await?;
        let names = [text(&read, bench.names.first), text(&read, bench.names.last)];
        assert_eq!(names, ["", if field == bench.names.last { value } else { "" }], "{field}");
        assert_eq!(text(&read, field), value);
    }
    Ok(())
}

pub async fn what_is_not_there_is_absent(bench: &Bench) -> Verdict {
    for id in ["999999999", "no-id", "1/merge", "..", ""] {
        assert!(matches!(bench.crm.contacts.get(&id.into()).await?, Found::Absent), "{id}");
    }
    assert!(bench.crm.contacts.find_counterpart(&"w-nobody".into()).await?.is_none());
    assert!(bench.crm.contacts.find(&MatchKey::Email("nobody@example.com".to_owned())).await?.is_empty());
    Ok(())
}

pub async fn a_patch_changes_what_it_names(bench: &Bench) -> Verdict {
    let names = &bench.names;
    let made = bench.make(&bench.ada(&[(names.phone, "+16465550132"), (names.company, "Works")])).await?;
    let change = patch(&[(names.last, Some("van der Berg")), (names.email, Some("eve@example.com")), (names.company, Some("Mills"))]);
    let returned = bench.crm.contacts.update(&made, &change).await?;
    let read = bench.present(&made.id).await?;
    for contact in [&returned, &read] {
        let seen = [names.first, names.last, names.email, names.company, names.phone].map(|name| text(contact, name));
        assert_eq!(seen, ["Ada", "van der Berg", "eve@example.com", "Mills", "+16465550132"]);
        assert_eq!(contact.counterpart, made.counterpart);
    }
    Ok(())
}

pub async fn a_patch_clears(bench: &Bench) -> Verdict {
    let names = &bench.names;
    let made = bench.make(&bench.ada(&[(names.phone, "+16465550132"), (names.company, "Works")])).await?;
    let change = patch(&[(names.first, None), (names.last, None), (names.phone, None), (names.company, None)]);
    bench.crm.contacts.update(&made, &change).await?;
    let read = bench.present(&made.id).await?;
    let left = [names.first, names.last, names.phone, names.company].map(|name| text(&read, name));
    assert_eq!((left, text(&read, names.email)), ([""; 4], "ada@example.com"));
    Ok(())
}

pub async fn the_counterpart_is_replaced(bench: &Bench) -> Verdict {
    let made = bench.make(&bench.ada(&[])).await?;
    let marked = bench.crm.contacts.set_counterpart(&made, &"w-other".into()).await?;
    assert_eq!((marked.counterpart, text(&bench.present(&made.id).await?, bench.names.first)), (Some("w-other".into()), "Ada"));
    let found = bench.crm.contacts.find_counterpart(&"w-other".into()).await?;
    assert_eq!(found.map(|found| found.id), Some(made.id));
    assert!(bench.crm.contacts.find_counterpart(&"w-ada".into()).await?.is_none());
    Ok(())
}

pub async fn a_deleted_record_is_gone(bench: &Bench) -> Verdict {
    let made = bench.make(&bench.ada(&[])).await?;
    for _ in 0..2 {
        bench.crm.contacts.delete(&made.id).await?;
        assert!(matches!(bench.crm.contacts.get(&made.id).await?, Found::Absent));
    }
    assert!(bench.crm.contacts.find(&MatchKey::Email("ada@example.com".to_owned())).await?.is_empty());
    assert!(bench.crm.contacts.find_counterpart(&"w-ada".into()).await?.is_none());
    Ok(())
}

pub async fn who_is_erased_leaves_nothing_to_read(bench: &Bench) -> Verdict {
    let made = bench.make(&bench.ada(&[(bench.names.phone, "+16465550132"), (bench.names.company, "Works")])).await?;
    for _ in 0..2 {
        bench.crm.contacts.erase(&made.id).await?;
        assert!(matches!(bench.crm.contacts.get(&made.id).await?, Found::Absent));
    }
    let all = serde_json::to_string(&bench.all())?;
    assert!(["Ada", "Stone", "ada@example.com", "5550132", "Works", "w-ada"].iter().all(|value| !all.contains(value)), "{all}");
    Ok(())
}

pub async fn a_merge_keeps_the_winner(bench: &Bench) -> Verdict {
    let names = &bench.names;
    let winner = bench.make(&bench.ada(&[(names.company, "Works")])).await?;
    let loser =
        bench.make(&draft("w-2", [(names.first, "Ann"), (names.email, "ann@example.com"), (names.phone, "+16465550132")].iter())).await?;
    let merged = bench.crm.contacts.merge(&winner, &loser.id).await?;
    let read = bench.present(&merged.id).await?;
    for contact in [&merged, &read] {
        let seen = [names.first, names.email, names.company, names.phone].map(|name| text(contact, name));
        assert_eq!(seen, ["Ada", "ada@example.com", "Works", "+16465550132"]);
    }
    assert_eq!(read.get(&Field::new(names.more)).map(Value::elements), Some(&["ann@example.com".to_owned()][..]));
    assert!(!matches!(bench.crm.contacts.get(&loser.id).await?, Found::Present(_)) && bench.count() == 1);
    Ok(())
}

pub async fn people_are_found_by_their_keys(bench: &Bench) -> Verdict {
    let made = bench.make(&bench.ada(&[(bench.names.phone, "+16465550132")])).await?;
    bench.make(&bench.person(1)).await?;
    let (email, phone) = (|text: &str| MatchKey::Email(text.to_owned()), |text: &str| MatchKey::Phone(text.to_owned()));
    for key in [email("ada@example.com"), email(" ADA@Example.com"), phone("+16465550132"), phone("(646) 555-0132")] {
        let found: Vec<_> = bench.crm.contacts.find(&key).await?.into_iter().map(|found| found.id).collect();
        assert_eq!(found, std::slice::from_ref(&made.id));
    }
    for key in [email("da@example.com"), email("ada@example.co"), email(""), phone("+16465550133"), phone("")] {
        assert!(bench.crm.contacts.find(&key).await?.is_empty());
    }
    Ok(())
}

pub async fn of_several_the_oldest_comes_first(bench: &Bench) -> Verdict {
    let mut made = Vec::new();
    for number in 0..3 {
        let person = bench.person(number);
        let person = draft(person.counterpart.as_str(), [(bench.names.first, "Ada"), (bench.names.phone, "+16465550132")].iter());
        made.push(bench.make(&person).await?.id);
        bench.stack.clock().advance(std::time::Duration::from_secs(5));
    }
    let key = MatchKey::Phone("+16465550132".to_owned());
    let ids = |found: Vec<contact_bridge::model::contact::Contact>| found.into_iter().map(|found| found.id).collect::<Vec<_>>();
    assert_eq!(ids(bench.crm.contacts.find(&key).await?), made);
    let many = bench.crm.upload.find_many(std::slice::from_ref(&key)).await?;
    assert_eq!(many.into_values().map(ids).collect::<Vec<_>>(), [made]);
    Ok(())
}

pub async fn what_the_bridge_needs_is_made_once(bench: &Bench) -> Verdict {
    let (name, before) = (bench.crm.contacts.set_up().await?, bench.crm.contacts.schema().await?);
    assert_eq!((bench.crm.contacts.set_up().await?, bench.crm.contacts.schema().await?), (name, before.clone()));
    assert!(before.iter().any(|spec| spec.field.as_str() == bench.names.company && spec.writable));
    Ok(())
}

pub async fn a_field_that_is_not_there_is_named(bench: &Bench) -> Verdict {
    let fields = [bench.names.email, bench.names.company, "nonsense"].map(Field::from);
    assert_eq!(bench.crm.contacts.lacks(&fields).await?, [Field::from("nonsense")]);
    Ok(())
}
