//! The tests over the whole repository and the whole path, in one binary.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking, and so does its harness")]

mod aligning;
mod architecture;
mod contract;
mod crms;
mod mailchimp;
mod processes;
mod runs;
mod scenarios;
mod simulation;
mod source;
mod template;
