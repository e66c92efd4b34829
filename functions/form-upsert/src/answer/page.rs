//! A plain page, for browsers of forms without a page of their own.

use contact_bridge::flows::form::Invalid;
use lambda_http::{
    Body, Response,
    http::{HeaderValue, StatusCode, header},
};

/// Nothing on the page loads anything or runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors *";

/// Shows thanks, or what is wrong.
pub(super) fn show(status: StatusCode, errors: &[Invalid]) -> Response<Body> {
    let (title, text) = match status.as_u16() {
        200 | 202 => ("Thank you", "Your message has arrived."),
        400 => ("Please check your entries", "Go back and correct what is named here:"),
        429 => ("Please wait a moment", "This form was sent too often. Try again in a minute."),
        503 => ("Please try again", "Your message could not be stored. Go back and send it again."),
        _ => ("This form cannot be sent", "Your message has not arrived."),
    };
    let item = |error: &Invalid| format!("<li><strong>{}</strong> {}</li>", escaped(&error.field), escaped(&error.rule));
    let items = errors.iter().map(item).collect::<String>();
    let list = if items.is_empty() { String::new() } else { format!("<ul>{items}</ul>") };
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>body{{font:1.1rem/1.6 system-ui,sans-serif;margin:15vh auto;max-width:34rem;padding:0 1rem}}</style>\
         </head><body><main><h1>{title}</h1><p>{text}</p>{list}</main></body></html>"
    );
    let mut response = super::answer(status, Body::Text(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// Makes a text that is nothing but text in HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_calls_its_fields_is_text_and_nothing_else() {
        let error = Invalid { field: "<script>\"&".to_owned(), rule: "must be there".to_owned() };
        let page = show(StatusCode::BAD_REQUEST, &[error]);
        let Body::Text(body) = page.body() else { panic!("a page is text") };
        assert!(body.contains("<strong>&lt;script&gt;&quot;&amp;</strong> must be there"), "{body}");
    }
}
