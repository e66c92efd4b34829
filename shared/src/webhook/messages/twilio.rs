//! Twilio: SMS and WhatsApp.
//!
//! <https://www.twilio.com/docs/usage/security#validating-requests>, <https://www.twilio.com/docs/messaging/guides/webhook-request>

mod signature;

use std::collections::BTreeMap;

use url::form_urlencoded;

use super::{Answer, Delivery, Draft, Trust};
use crate::{
    model::message::{Author, Content, Media, Person},
    webhook::{Request, WebhookError, json},
};

/// The most pictures and files of one message.
const MOST_MEDIA: usize = 10;
/// What stands before a number of WhatsApp.
const WHATSAPP: &str = "whatsapp:";

pub(super) struct Service;

impl super::Service for Service {
    fn name(&self) -> &'static str {
        "twilio"
    }

    fn verify(&self, request: &Request<'_>, trust: &Trust<'_>) -> Result<(), WebhookError> {
        signature::check(request, trust)
    }

    fn read(&self, delivery: &Delivery<'_>) -> Result<Vec<Draft>, WebhookError> {
        Ok(Parameters::read(delivery.body)?.draft()?.into_iter().collect())
    }

    /// An empty reply: Twilio sends nothing back to the customer.
    fn answer(&self) -> Answer {
        Answer { content_type: Some("text/xml"), body: "<Response></Response>" }
    }

    #[cfg(test)]
    fn signing(&self) -> super::tests::Signing {
        super::tests::Signing {
            body: "MessageSid=SM1&From=%2B12025550143&Body=Hi",
            header: "x-twilio-signature",
            window: None,
            vectors: include_str!("vectors/twilio.json"),
            sign: signature::sign,
        }
    }
}

/// The parameters of a request. Twilio adds new ones without notice.
struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads a form, or the JSON that some products send.
    fn read(body: &[u8]) -> Result<Self, WebhookError> {
        if !body.trim_ascii_start().starts_with(b"{") {
            return Ok(Self(form_urlencoded::parse(body).into_owned().collect()));
        }
        let values: BTreeMap<String, serde_json::Value> = json::parse("message", body)?;
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => Some(text),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Ok(Self(values.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect()))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns the message; `None` for news of how a message of the business fares, and for one that says nothing.
    fn draft(&self) -> Result<Option<Draft>, WebhookError> {
        let (text, media) = (self.text(), self.media());
        if text.is_empty() && media.is_empty() {
            return Ok(None);
        }
        let id = self.get("MessageSid").or_else(|| self.get("SmsMessageSid")).or_else(|| self.get("SmsSid"));
        let id = id.ok_or(WebhookError::Missing { part: "message", field: "MessageSid" })?;
        let outbound = self.get("Direction").is_some_and(|way| way.starts_with("outbound"));
        let (author, customer) = if outbound { (Author::Business, "To") } else { (Author::Participant, "From") };
        let phone = self.get(customer).map(|number| number.strip_prefix(WHATSAPP).unwrap_or(number));
        let who = Person::new(None, phone, self.get("ProfileName").filter(|_| !outbound));
        Ok(Some(Draft { id: id.to_owned(), who, author, content: Content::Message { text, media }, at: None, order: 0 }))
    }

    /// The words; the button a customer pressed; the place they sent.
    fn text(&self) -> String {
        if let Some(body) = self.get("Body").or_else(|| self.get("ButtonText")) {
            return body.to_owned();
        }
        match (self.get("Latitude"), self.get("Longitude")) {
            (Some(latitude), Some(longitude)) => {
                let place = [self.get("Label"), self.get("Address")].into_iter().flatten().collect::<Vec<_>>().join(", ");
                format!("{place} https://maps.google.com/?q={latitude},{longitude}").trim().to_owned()
            }
            _ => String::new(),
        }
    }

    fn media(&self) -> Vec<Media> {
        let one = |nth: usize| {
            let url = self.get(&format!("MediaUrl{nth}"))?.to_owned();
            Media::new(url, self.get(&format!("MediaContentType{nth}")).map(str::to_owned), None)
        };
        (0..MOST_MEDIA).map_while(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{read_bytes, text};
    use crate::model::{
        contact::MatchKey,
        message::{Author, Content, Message},
    };

    fn form(pairs: &[(&str, &str)]) -> Vec<Message> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        read_bytes("twilio", form.extend_pairs(pairs).finish().as_bytes()).unwrap()
    }

    const SMS: [(&str, &str); 4] = [("MessageSid", "SM1"), ("From", "+12025550143"), ("To", "+12025550100"), ("SmsStatus", "received")];

    fn sms(more: &[(&str, &str)]) -> Vec<Message> {
        form(&[&SMS, more].concat())
    }

    #[test]
    fn an_sms_is_of_whom_it_is_from() {
        let message = &sms(&[("Body", "Hi + \"there\" 100% 😀\nline2"), ("FutureParam", "")])[0];
        assert_eq!(
            (text(message).as_str(), message.author, message.id.as_str()),
            ("Hi + \"there\" 100% 😀\nline2", Author::Participant, "SM1")
        );
        assert!(message.who.keys(None) == [MatchKey::Phone("+12025550143".to_owned())]);
    }

    #[test]
    fn a_whatsapp_message_has_a_name_and_pictures() {
        let more = [
            ("From", "whatsapp:+15557654321"),
            ("ProfileName", "Zoë & Co"),
            ("MediaUrl0", "https://api.twilio.com/ME0"),
            ("MediaContentType0", "image/jpeg"),
        ];
        let message = &sms(&more)[0];
        assert_eq!((message.who.name.as_deref(), message.who.phone.as_deref()), (Some("Zoë & Co"), Some("+15557654321")));
        assert!(matches!(&message.content, Content::Message { media, .. } if media[0].mime.as_deref() == Some("image/jpeg")));
    }

    #[test]
    fn a_message_of_the_business_is_of_whom_it_is_to() {
        let message = &form(&[
            ("MessageSid", "SM2"),
            ("From", "+12025550100"),
            ("To", "+12025550143"),
            ("Direction", "outbound-api"),
            ("Body", "Yes."),
        ])[0];
        assert_eq!((message.author, message.who.phone.as_deref()), (Author::Business, Some("+12025550143")));
    }

    #[test]
    fn buttons_and_places_have_words() {
        assert_eq!(text(&sms(&[("ButtonText", "Confirm")])[0]), "Confirm");
        let place = [("Latitude", "48.2"), ("Longitude", "16.37"), ("Label", "Vienna")];
        assert_eq!(text(&sms(&place)[0]), "Vienna https://maps.google.com/?q=48.2,16.37");
    }

    #[test]
    fn news_of_a_message_is_none() {
        assert!(form(&[("MessageSid", "SM1"), ("MessageStatus", "delivered"), ("To", "+12025550143")]).is_empty());
        assert!(sms(&[("Body", "")]).is_empty());
    }

    #[test]
    fn json_is_read_like_a_form() {
        let message = &read_bytes("twilio", br#"{"MessageSid": "SM1", "From": "+12025550143", "Body": "Hi", "NumMedia": 0}"#).unwrap()[0];
        assert_eq!(text(message), "Hi");
    }

    #[test]
    fn a_message_without_an_id_is_refused_by_name() {
        assert_eq!(read_bytes("twilio", b"From=%2B1&Body=Hi").unwrap_err().to_string(), "message lacks MessageSid");
    }
}
