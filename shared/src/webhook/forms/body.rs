//! Bodies of forms: JSON, URL-encoded and multipart.

use bytes::Bytes;
use futures::{FutureExt, stream};
use http::header::CONTENT_TYPE;
use multer::{Field, Multipart, parse_boundary};
use url::form_urlencoded;

use super::{Refusal, json};
use crate::{model::submission::Entries, webhook::Request};

const UTF_8: &str = "must be text in UTF-8";

/// Entries that are not taken beyond a number.
pub(super) struct Bounded {
    entries: Entries,
    most: usize,
}

impl Bounded {
    pub fn new(most: usize) -> Self {
        Self { entries: Entries::default(), most }
    }

    /// Adds a text, unless there are as many as there may be.
    pub fn push(&mut self, name: impl Into<String>, text: impl Into<String>) -> Result<(), Refusal> {
        if self.entries.len() >= self.most {
            return Err(Refusal::TooMany { most: self.most });
        }
        self.entries.push(name, text);
        Ok(())
    }

    pub fn into_entries(self) -> Entries {
        self.entries
    }
}

/// Reads a body by its type.
pub(super) fn read(request: &Request<'_>, into: Bounded) -> Result<Entries, Refusal> {
    let kind = content_type(request);
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" => json::read(request.body, into),
        "application/x-www-form-urlencoded" => urlencoded(request.body, into),
        "multipart/form-data" => multipart(request.body, kind, into),
        _ => Err(Refusal::Type),
    }
}

fn content_type<'a>(request: &'a Request<'_>) -> &'a str {
    request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn urlencoded(body: &[u8], mut into: Bounded) -> Result<Entries, Refusal> {
    for (name, text) in form_urlencoded::parse(body) {
        // The decoder puts this in the place of what is no UTF-8.
        if text.contains(char::REPLACEMENT_CHARACTER) || name.contains(char::REPLACEMENT_CHARACTER) {
            // A body that is no form at all would be the name.
            let field = if name.contains(char::REPLACEMENT_CHARACTER) { "body".to_owned() } else { name.into_owned() };
            return Err(Refusal::Unreadable { field, rule: UTF_8 });
        }
        into.push(name, text)?;
    }
    Ok(into.into_entries())
}

fn multipart(body: &[u8], kind: &str, into: Bounded) -> Result<Entries, Refusal> {
    let boundary = parse_boundary(kind).map_err(|_| Refusal::body("must have a boundary in its content type"))?;
    // Everything is there already, so nothing is ever waited for.
    parts(Bytes::copy_from_slice(body), boundary, into).now_or_never().unwrap_or_else(|| Err(malformed()))
}

async fn parts(body: Bytes, boundary: String, mut into: Bounded) -> Result<Entries, Refusal> {
    let mut multipart = Multipart::new(stream::iter([Ok::<_, std::convert::Infallible>(body)]), boundary);
    while let Some(part) = multipart.next_field().await.map_err(|_| malformed())? {
        if let Some((name, text)) = text_part(part).await? {
            into.push(name, text)?;
        }
    }
    Ok(into.into_entries())
}

/// Returns the name and the text of a part; files are left out.
async fn text_part(part: Field<'_>) -> Result<Option<(String, String)>, Refusal> {
    let (Some(name), None) = (part.name().map(str::to_owned), part.file_name()) else { return Ok(None) };
    let bytes = part.bytes().await.map_err(|_| malformed())?;
    let text = String::from_utf8(bytes.into()).map_err(|_| Refusal::Unreadable { field: name.clone(), rule: UTF_8 })?;
    Ok(Some((name, text)))
}

fn malformed() -> Refusal {
    Refusal::body("must be well-formed multipart/form-data")
}
