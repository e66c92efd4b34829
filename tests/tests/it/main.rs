//! The tests over the whole repository and the whole path.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking, and so does its harness")]

mod architecture;
mod source;
mod template;
