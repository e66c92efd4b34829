//! What speaks to the vendors and to AWS. Each adapter implements ports and knows no other adapter.

pub mod http;
pub mod hubspot;

