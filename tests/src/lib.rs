//! The simulation and what the tests share.

pub mod samples;
