//! Implementations of the ports: one module per vendor, none of which knows another.

mod aws;
pub mod dynamodb;
pub mod memory;
