//! What speaks to the vendors and to AWS. Each adapter implements ports and knows no other adapter.

mod aws;
pub mod dynamodb;
pub mod eventbridge;
pub mod http;
pub mod hubspot;
pub mod mailchimp;
pub mod memory;
pub mod pipedrive;
pub mod secrets;
pub mod sqs;
pub mod wix;
