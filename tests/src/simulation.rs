//! The shipped flow code under everything that can go wrong, with a checker that knows all edits.
//!
//! A history is: people edit on both sides while two workers carry events from a queue that repeats, reorders and delays; vendors throttle, fail,
//! lose replies and lag; workers crash at any await point. Everything is drawn from one seed and runs on one thread in virtual time, so a
//! seed is a history. After the last edit the faults end, the queue runs dry, and the checker judges. Then every event comes once more, and again.
//! In one history of sixteen everybody waits for their turn, so that each write can be counted to the act it comes of.

pub mod backend;
pub mod check;
pub mod edits;
pub mod executor;
pub mod export;
pub mod forms;
pub mod history;
pub mod links;
pub mod orders;
pub mod people;
pub mod plants;
pub mod records;
pub mod relay;
pub mod site;
pub mod subscribers;
pub mod vendor;
pub mod witness;
pub mod world;
