//! Contact Bridge on one machine.

pub mod cloud;
pub mod vendors;
