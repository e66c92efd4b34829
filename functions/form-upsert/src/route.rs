//! What a path asks for.

use contact_bridge::model::ids::{FormId, SiteId, SubmissionId};

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// A form of a site.
    Form(SiteId, FormId),
    /// What became of a submission.
    Submission(SiteId, SubmissionId),
}

impl Route {
    const ROOT: &'static str = "/forms/";
    const LONGEST: usize = 64;

    /// Returns the part of a path below the public URL, without the stage or base path a gateway may put in front.
    pub fn tail(path: &str) -> Option<&str> {
        path.find(Self::ROOT).and_then(|start| path.get(start..))
    }

    /// Reads a path.
    pub fn of_path(path: &str) -> Option<Self> {
        let parts: Vec<_> = Self::tail(path)?.strip_prefix(Self::ROOT)?.split('/').collect();
        match parts.as_slice() {
            [site, form] if is_plain(site) && is_plain(form) => Some(Self::Form(SiteId::new(*site), FormId::new(*form))),
            [site, "submissions", id] if is_plain(site) => Some(Self::Submission(SiteId::new(*site), SubmissionId::parse(id)?)),
            _ => None,
        }
    }
}

fn is_plain(text: &str) -> bool {
    (1..=Route::LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_the_form_or_the_submission() {
        let id = "0123456789abcdef01234567";
        for (path, expected) in [
            ("/forms/s-1/contact", Some(Route::Form("s-1".into(), "contact".into()))),
            ("/prod/forms/s-1/contact", Some(Route::Form("s-1".into(), "contact".into()))),
            ("/forms/s-1/submissions", Some(Route::Form("s-1".into(), "submissions".into()))),
            (&format!("/forms/s-1/submissions/{id}"), Some(Route::Submission("s-1".into(), SubmissionId::new(id)))),
            ("/forms/s-1/submissions/x", None),
            ("/forms/s-1/forms/contact", None),
            ("/forms/s-1", None),
            ("/forms/s-1/", None),
            ("/forms//contact", None),
            ("/forms/s-1/a%2Fb", None),
            ("/webhooks/wix", None),
        ] {
            assert_eq!(Route::of_path(path), expected, "{path}");
        }
    }
}
