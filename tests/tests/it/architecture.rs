//! The dependency table of `docs/architecture.md`, checked over the sources.

use super::source::{Source, names_in, sources, text};

/// Which areas of the common crate each area may name; itself it always may.
const TABLE: [(&str, &[&str]); 9] = [
    ("model", &[]),
    ("mapping", &["model"]),
    ("sync", &["model", "mapping"]),
    ("ports", &["model"]),
    ("flows", &["model", "mapping", "sync", "ports"]),
    ("adapters", &["model", "ports", "adapters::aws", "adapters::http"]),
    ("webhook", &["model", "ports", "config"]),
    ("config", &["ports"]),
    ("telemetry", &["config"]),
];

/// What functions may name of the common crate.
const FOR_FUNCTIONS: [&str; 7] = ["app", "config", "flows", "model", "ports", "telemetry", "webhook"];

/// Crates that do I/O, tell the time or throw dice.
const IMPURE: [&str; 8] = ["async_trait", "governor", "rand", "reqwest", "tokio", "tracing", "uuid", "wiremock"];

/// Returns the area a path belongs to: `model`, or an adapter, `adapters::wix`.
fn area(path: &[String]) -> String {
    match path {
        [first, second, ..] if first == "adapters" => format!("{first}::{second}"),
        [first, ..] => first.clone(),
        [] => String::new(),
    }
}

fn is_sdk(name: &str) -> bool {
    name.starts_with("aws_sdk") || name.starts_with("aws_smithy") || name == "aws_config" || name == "reqwest"
}

fn is_lambda(name: &str) -> bool {
    name.starts_with("lambda_") || name == "aws_lambda_events"
}

fn externals(source: &Source) -> impl Iterator<Item = &str> {
    source.external.iter().filter_map(|path| path.first()).map(String::as_str)
}

/// Names every source that names something it may not.
fn offenders(sources: &[Source], forbidden: impl Fn(&str) -> bool) -> Vec<String> {
    let named = sources.iter().flat_map(|source| externals(source).map(move |name| (source, name)));
    named.filter(|(_, name)| forbidden(name)).map(|(source, name)| format!("{} names {name}", source.file)).collect()
}

fn violations(source: &Source) -> Vec<String> {
    let own = area(&source.module);
    if own.is_empty() || own == "app" || source.module == ["adapters"] {
        return Vec::new();
    }
    let row = source.module.first().and_then(|name| TABLE.iter().find(|(area, _)| area == name));
    let Some((_, allowed)) = row else { return vec![format!("{} is not in the table", source.file)] };
    let named = source.internal.iter().map(|path| area(path));
    let forbidden = named.filter(|named| *named != own && !named.is_empty() && !allowed.contains(&named.as_str()));
    forbidden.map(|named| format!("{} names {named}", source.file)).collect()
}

#[test]
fn the_common_crate_keeps_to_the_table() {
    let sources = sources("shared/src");
    assert!(sources.len() > 50, "the sources are read");
    assert_eq!(sources.iter().flat_map(violations).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn decisions_are_pure() {
    let pure = ["model", "mapping", "sync"];
    let sources: Vec<_> = sources("shared/src").into_iter().filter(|source| pure.contains(&area(&source.module).as_str())).collect();
    assert_eq!(offenders(&sources, |name| IMPURE.contains(&name) || is_sdk(name)), Vec::<String>::new());
}

#[test]
fn functions_only_translate() {
    for function in names_in("functions") {
        let sources = sources(&format!("functions/{function}/src"));
        assert_eq!(offenders(&sources, is_sdk), Vec::<String>::new());
        let common =
            sources.iter().flat_map(|source| &source.external).filter(|path| path.first().is_some_and(|name| name == "contact_bridge"));
        for area in common.filter_map(|path| path.get(1)) {
            assert!(FOR_FUNCTIONS.contains(&area.as_str()), "{function} names contact_bridge::{area}");
        }
    }
}

#[test]
fn main_is_short() {
    for function in names_in("functions") {
        let lines = text(&format!("functions/{function}/src/main.rs")).lines().count();
        assert!(lines <= 25, "{function}: {lines} lines");
    }
}

#[test]
fn lambda_stays_at_the_edge() {
    let inner: Vec<_> = ["shared/src", "tests/src"].into_iter().flat_map(sources).collect();
    assert_eq!(offenders(&inner, is_lambda), Vec::<String>::new());
}

#[test]
fn simulated_vendors_know_nothing_of_the_bridge() {
    let vendors: Vec<_> = sources("local/src").into_iter().filter(|source| area(&source.module) == "vendors").collect();
    assert!(!vendors.is_empty(), "the vendors are read");
    assert_eq!(
        offenders(&vendors, |name| name == "contact_bridge" || name.ends_with("_intake") || name.ends_with("_sync")),
        Vec::<String>::new()
    );
    for source in &vendors {
        let other = source.internal.iter().map(|path| area(path)).find(|area| area != "vendors" && !area.is_empty());
        assert_eq!(other, None, "{}", source.file);
    }
}
