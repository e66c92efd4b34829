//! `AmazonSSM`: reading parameters
//! (<https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html>).

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Shared, error::ApiError, read};
use crate::cloud::{ACCOUNT, REGION};

/// The most names in one `GetParameters` call.
const MAX_NAMES: usize = 10;

pub(super) fn call(shared: &Shared, operation: &str, body: &[u8]) -> Result<Value, ApiError> {
    match operation {
        "GetParameter" => get(shared, &read(body)?),
        "GetParameters" => get_many(shared, &read(body)?),
        _ => Err(ApiError::unknown_operation()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Get {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetMany {
    names: Vec<String>,
}

fn get(shared: &Shared, request: &Get) -> Result<Value, ApiError> {
    let parameter = parameter(shared, &request.name);
    let parameter = parameter.ok_or_else(|| ApiError::new(400, "ParameterNotFound", "The parameter could not be found."))?;
    Ok(json!({ "Parameter": parameter }))
}

fn get_many(shared: &Shared, request: &GetMany) -> Result<Value, ApiError> {
    if request.names.is_empty() || request.names.len() > MAX_NAMES {
        return Err(ApiError::new(400, "ValidationException", "Between 1 and 10 names are needed."));
    }
    let found: Vec<_> = request.names.iter().filter_map(|name| parameter(shared, name)).collect();
    let missing: Vec<_> = request.names.iter().filter(|name| !shared.resources.parameters.contains_key(*name)).collect();
    Ok(json!({ "Parameters": found, "InvalidParameters": missing }))
}

fn parameter(shared: &Shared, name: &str) -> Option<Value> {
    let value = shared.resources.parameters.get(name)?;
    Some(json!({
        "Name": name,
        "Type": "SecureString",
        "Value": value,
        "Version": 1,
        "ARN": format!("arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{}", name.trim_start_matches('/')),
        "DataType": "text",
    }))
}
