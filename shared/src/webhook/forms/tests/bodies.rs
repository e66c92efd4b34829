//! Bodies of plain forms.

use super::*;

fn read(kind: &str, body: impl Into<Vec<u8>>) -> Result<Vec<String>, (u16, String, String)> {
    let filled = Post::new(kind, body).query("token=t").opened(&token(), &["t"]);
    filled.map(|filled| lines(&filled)).map_err(|refusal| (refusal.status().as_u16(), refusal.field().to_owned(), refusal.rule()))
}

fn text(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

const URLENCODED: &str = "application/x-www-form-urlencoded";

#[test]
fn json_is_read_flat() {
    let nested = r#"{"name": {"first": "Ada"}, "ok": true, "n": [1, 2.5], "gone": null}"#;
    assert_eq!(read("application/json", nested), Ok(text(&["n=1", "n=2.5", "name.first=Ada", "ok=true"])));
    assert_eq!(read("Application/JSON; charset=utf-8", r#"{"a": [{"b": "c"}]}"#), Ok(text(&["a.0.b=c"])));
    for body in [&b"[1]"[..], b"\"x\"", b"null"] {
        assert_eq!(read("application/json", body).unwrap_err().2, "must be a JSON object");
    }
    for body in [&b"{"[..], b"", b"{\"a\": \"\xff\"}", b"{} x", "[".repeat(100_000).as_bytes()] {
        assert_eq!(read("application/json", body), Err((400, "body".to_owned(), "must be JSON in UTF-8".to_owned())));
    }
}

#[test]
fn urlencoded_is_read_in_order_and_with_repeats() {
    assert_eq!(read(URLENCODED, "a=1+2&b=%C3%A9&a=&c"), Ok(text(&["a=1 2", "b=é", "a=", "c="])));
    assert_eq!(read(URLENCODED, "emoji=%F0%9F%90%9D&name=%D7%A2%D7%93%D7%94"), Ok(text(&["emoji=🐝", "name=עדה"])));
    assert_eq!(read(URLENCODED, "a=1&b=%FF"), Err((400, "b".to_owned(), "must be text in UTF-8".to_owned())));
    assert_eq!(read(URLENCODED, b"b=\xff".to_vec()), Err((400, "b".to_owned(), "must be text in UTF-8".to_owned())));
}

fn multipart(parts: &[&str]) -> Vec<u8> {
    let lines: Vec<_> = parts.iter().flat_map(|part| ["--xyz", part]).chain(["--xyz--", ""]).collect();
    lines.join("\r\n").into_bytes()
}

#[test]
fn multipart_is_read_without_its_files() {
    let body = multipart(&[
        "content-disposition: form-data; name=\"a\"\r\n\r\n1\r\n2",
        "content-disposition: form-data; name=\"cv\"; filename=\"cv.pdf\"\r\ncontent-type: application/pdf\r\n\r\n%PDF",
        "content-disposition: form-data; name=\"b\"\r\ncontent-type: text/plain; charset=utf-8\r\n\r\n🐝",
    ]);
    assert_eq!(read("multipart/form-data; boundary=xyz", body), Ok(text(&["a=1\r\n2", "b=🐝"])));
    let mut foreign = multipart(&["content-disposition: form-data; name=\"b\"\r\n\r\n?"]);
    let place = foreign.iter().position(|byte| *byte == b'?').unwrap();
    foreign[place] = 0xff;
    assert_eq!(read("multipart/form-data; boundary=xyz", foreign).unwrap_err().1, "b");
    assert_eq!(read("multipart/form-data", "x").unwrap_err().2, "must have a boundary in its content type");
    for body in ["", "--xyz", "--xyz\r\n\r\n", "--abc--", "--xyz\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1"] {
        assert_eq!(read("multipart/form-data; boundary=xyz", body).unwrap_err().2, "must be well-formed multipart/form-data", "{body}");
    }
}

#[test]
fn another_type_is_refused() {
    for kind in ["text/plain", "text/html", "application/xml", "", "json"] {
        assert_eq!(read(kind, "{}").unwrap_err(), (415, "content-type".to_owned(), Refusal::Type.rule()), "{kind}");
    }
    let mut post = Post::new("x/y", "{}").query("token=t");
    post.headers.remove("content-type");
    assert_eq!(post.refused(&token(), &["t"]), Refusal::Type);
}

#[test]
fn no_more_fields_are_read_than_the_form_takes() {
    let refused = |body: &str, kind: &str| read(kind, body).unwrap_err();
    let expected = (400, "body".to_owned(), "must not have more than 4 fields".to_owned());
    assert_eq!(refused("a&b&c&d&e", URLENCODED), expected);
    assert_eq!(refused(r#"{"a": [1, 2, 3, 4, 5]}"#, "application/json"), expected);
    let part = "content-disposition: form-data; name=\"a\"\r\n\r\n1";
    assert_eq!(read("multipart/form-data; boundary=xyz", multipart(&[part; 5])).unwrap_err(), expected);
    assert!(read(URLENCODED, "a&b&c&d").is_ok());
}
