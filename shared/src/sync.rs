//! The decisions of two-way sync: pure functions of what was read and what was agreed on. Imports `model` and `mapping`; no async, no clock, no I/O.

pub mod audit;
pub mod batches;
pub mod consent;
pub mod decide;
pub mod enter;
pub mod export;
pub mod guard;
pub mod handed;
pub mod lost;
pub mod merge;
pub mod preview;
pub mod prints;
pub mod recover;
pub mod retry;
pub mod scan;
pub mod subscribers;
pub mod upsert;

/// How far apart clocks may be that say which of two things came first.
pub const SKEW: jiff::SignedDuration = jiff::SignedDuration::from_mins(2);
