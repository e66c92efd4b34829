//! How other people's bridges failed, over the whole path: a signed webhook in, the vendors' state out.
//!
//! Every scenario runs on the in-memory store and on DynamoDB, and so that every two of the simulators' switches meet at all of their
//! positions.

mod bad_input;
mod canary;
mod crash;
mod crm;
mod definitions;
mod deletes;
mod duplicates;
mod edits;
mod export;
mod formats;
mod forms;
mod lab;
mod loops;
mod matching;
mod merges;
mod messages;
mod pairs;
mod people;
mod sites;
mod subscribers;
mod switches;
mod values;
