//! Contact Bridge on one machine.

pub mod vendors;
