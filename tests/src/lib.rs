//! What the tests of Contact Bridge share, and the simulation of its flows under failures.

pub mod aligning;
pub mod exports;
pub mod samples;
pub mod simulation;
