//! Implementations of the ports: one module per vendor, none of which knows another.

pub mod memory;
