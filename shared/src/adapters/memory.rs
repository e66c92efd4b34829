//! The stores in memory: the exact semantics of the table, for tests, simulation and trying out.

mod links;
mod sites;
mod state;

pub use self::state::Store;
