//! `X-Trigger-Error`: a caller asks for an error to see how it copes
//! (<https://mailchimp.com/developer/marketing/docs/errors/>).

use super::problem::Problem;

/// Names of errors with their status, title and detail.
const ERRORS: &[(&str, u16, &str, &str)] = &[
    ("BadRequest", 400, "Bad Request", "Your request could not be processed."),
    ("InvalidAction", 400, "Invalid Action", "The action requested was not valid for this resource."),
    ("InvalidResource", 400, "Invalid Resource", "The resource submitted could not be validated."),
    ("JSONParseError", 400, "JSON Parse Exception", "We encountered an unspecified JSON parsing error."),
    ("APIKeyMissing", 401, "API Key Missing", "Your request did not include an API key."),
    ("APIKeyInvalid", 401, "API Key Invalid", "Your API key may be invalid, or you've attempted to access the wrong datacenter."),
    ("Forbidden", 403, "Forbidden", "You are not permitted to access this resource."),
    ("UserDisabled", 403, "User Disabled", "This account has been deactivated."),
    ("WrongDatacenter", 403, "Wrong Datacenter", "The API key provided is linked to a different datacenter."),
    ("ResourceNotFound", 404, "Resource Not Found", "The requested resource could not be found."),
    ("MethodNotAllowed", 405, "Method Not Allowed", "The requested method and resource are not compatible."),
    ("ResourceNestingTooDeep", 414, "Resource Nesting Too Deep", "The sub-resource requested is nested too deeply."),
    ("InvalidMethodOverride", 422, "Invalid Method Override", "You can only use the X-HTTP-Method-Override header with the POST method."),
    ("RequestedFieldsInvalid", 422, "Requested Fields Invalid", "The fields requested from this resource are invalid."),
    ("HTTPSRequired", 426, "HTTPS Required", "Requests to the API must be made over HTTPS."),
    ("TooManyRequests", 429, "Too Many Requests", "You have exceeded the limit of 10 simultaneous connections."),
    ("InternalServerError", 500, "Internal Server Error", "An unexpected internal error has occurred."),
    ("ComplianceRelated", 500, "Compliance Related", "The requested method is currently unavailable."),
];

/// The error of this name.
pub(super) fn named(name: &str) -> Option<Problem> {
    let (_, status, title, detail) = ERRORS.iter().find(|(each, ..)| each.eq_ignore_ascii_case(name))?;
    Some(Problem::new(*status, title, *detail))
}

/// The usual error of a status.
pub(super) fn usual(status: u16) -> Problem {
    let of_status = ERRORS.iter().find(|(_, each, ..)| *each == status);
    of_status.map_or_else(
        || Problem::new(status, "Error", "The request could not be processed."),
        |(_, status, title, detail)| Problem::new(*status, title, *detail),
    )
}
