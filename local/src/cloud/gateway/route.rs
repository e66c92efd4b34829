//! Routes of an HTTP API
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>).

use std::collections::BTreeMap;

use axum::http::Method;

use crate::cloud::Function;

/// A route: which requests go to which function.
#[derive(Clone)]
pub struct Route {
    key: String,
    function: Function,
}

impl Route {
    /// A route with a key such as `POST /webhooks/hubspot/{site}`, `ANY /{rest+}` or `$default`.
    pub fn new(key: impl Into<String>, function: Function) -> Self {
        Self { key: key.into(), function }
    }

    /// The route's key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn function(&self) -> &Function {
        &self.function
    }

    /// The path parameters, if the route matches.
    pub(super) fn matches(&self, method: &Method, path: &str) -> Option<BTreeMap<String, String>> {
        if self.key == "$default" {
            return Some(BTreeMap::new());
        }
        let (wanted, template) = self.key.split_once(' ')?;
        let is_method = wanted == "ANY" || wanted == method.as_str();
        if is_method { parameters(template, path) } else { None }
    }
}

fn parameters(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut rest = path.strip_prefix('/')?;
    let mut more = true;
    for wanted in template.strip_prefix('/')?.split('/') {
        if !more {
            return None;
        }
        let name = wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
        if let Some(greedy) = name.and_then(|name| name.strip_suffix('+')) {
            found.insert(greedy.to_owned(), rest.to_owned());
            return Some(found);
        }
        let (segment, tail) = rest.split_once('/').map_or((rest, None), |(segment, tail)| (segment, Some(tail)));
        match name {
            Some(name) if !segment.is_empty() => {
                drop(found.insert(name.to_owned(), segment.to_owned()));
            }
            None if segment == wanted => {}
            _ => return None,
        }
        more = tail.is_some();
        rest = tail.unwrap_or_default();
    }
    if more { None } else { Some(found) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::function;

    #[test]
    fn routes_match_by_method_and_segments() {
        let cases = [
            ("POST /webhooks/wix", "POST", "/webhooks/wix", Some("")),
            ("POST /webhooks/wix", "GET", "/webhooks/wix", None),
            ("POST /webhooks/wix", "POST", "/webhooks/wix/more", None),
            ("POST /webhooks/wix", "POST", "/webhooks", None),
            ("POST /webhooks/hubspot/{site}", "POST", "/webhooks/hubspot/s-1", Some("site=s-1")),
            ("POST /webhooks/hubspot/{site}", "POST", "/webhooks/hubspot/", None),
            ("ANY /{rest+}", "PUT", "/a/b/c", Some("rest=a/b/c")),
            ("$default", "GET", "/any/thing", Some("")),
        ];
        for (key, method, path, expected) in cases {
            let route = Route::new(key, function(async |event| Ok(event)));
            let method = method.parse().expect("a method");
            let found = route.matches(&method, path);
            let found = found.map(|found| {
                let pairs = found.into_iter().map(|(name, value)| name + "=" + &value);
                pairs.collect::<String>()
            });
            assert_eq!(found.as_deref(), expected, "{key} {path}");
        }
    }
}
