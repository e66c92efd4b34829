//! The ports in memory, for tests, simulation and trying out: the exact semantics of the table, nothing kept after the process.

mod batches;
mod links;
mod messages;
mod runs;
mod sites;
mod state;

pub use self::{
    messages::{Bus, DeadLetter, Queue, Vault},
    state::Store,
};
