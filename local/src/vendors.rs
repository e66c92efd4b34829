//! Strict simulators of the vendors' APIs, each written from the vendor's published contract.
//!
//! They import nothing of the bridge itself: a simulator that shares the client's reading of a contract proves
//! nothing.

pub mod hubspot;
pub mod kit;
pub mod mailchimp;
pub mod pipedrive;
pub mod wix;
