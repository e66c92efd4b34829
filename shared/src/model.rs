//! Pure data: contacts, fields, ids, links, fingerprints, events. Total functions only; imports std, serde and small value crates.

pub mod contact;
pub mod entity;
pub mod event;
pub mod field;
pub mod fingerprint;
pub mod ids;
pub mod link;
pub mod listing;
pub mod message;
pub mod normal;
pub mod post;
pub mod run;
pub mod site;
pub mod submission;
pub mod subscriber;
pub mod subscription;
pub mod text;
