//! The ports in memory, for tests, simulation and trying out: the exact semantics of the table, nothing kept after the process.

mod batches;
mod claims;
mod links;
mod messages;
mod runs;
mod sites;
mod state;
mod submissions;
mod subscribers;

pub use self::{
    messages::{Bus, NoQueue, Vault},
    state::Store,
};
