//! Contact Bridge on one machine.

pub mod cloud;
pub mod demo;
pub mod deployment;
pub mod owner;
pub mod stack;
pub mod vendors;
