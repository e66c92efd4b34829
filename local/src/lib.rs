//! Contact Bridge on one machine.

pub mod cloud;
pub mod stack;
pub mod vendors;
