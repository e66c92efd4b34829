//! Endpoint patterns of faults.

/// Whether `METHOD path` matches `pattern`: `METHOD /path`, where `*` stands for anything but a slash, `**` for
/// anything, and a method or path of just `*` for all.
pub(super) fn matches(pattern: &str, method: &str, path: &str) -> bool {
    let (wanted, glob) = pattern.trim().split_once(' ').unwrap_or(("*", pattern.trim()));
    let glob = glob.trim();
    (wanted == "*" || wanted.eq_ignore_ascii_case(method)) && (glob == "*" || fits(glob, path))
}

fn fits(glob: &str, path: &str) -> bool {
    let Some(star) = glob.find('*') else {
        return glob == path;
    };
    let (head, rest) = glob.split_at(star);
    let Some(path) = path.strip_prefix(head) else {
        return false;
    };
    let (rest, crosses) = match rest.strip_prefix("**") {
        Some(rest) => (rest, true),
        None => (rest.strip_prefix('*').unwrap_or(rest), false),
    };
    for (at, c) in path.char_indices() {
        if path.get(at..).is_some_and(|tail| fits(rest, tail)) {
            return true;
        }
        if c == '/' && !crosses {
            return false;
        }
    }
    fits(rest, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_segments() {
        for (pattern, method, path, expected) in [
            ("PATCH /a/*", "PATCH", "/a/b", true),
            ("PATCH /a/*", "GET", "/a/b", false),
            ("PATCH /a/*", "PATCH", "/a/b/c", false),
            ("PATCH /a/**", "PATCH", "/a/b/c", true),
            ("* /a/*/c", "POST", "/a/b/c", true),
            ("POST *", "POST", "/x/y", true),
            ("/a", "GET", "/a", true),
            ("GET /a", "GET", "/ab", false),
            ("GET /a*", "GET", "/a", true),
        ] {
            assert_eq!(matches(pattern, method, path), expected, "{pattern} {method} {path}");
        }
    }
}
