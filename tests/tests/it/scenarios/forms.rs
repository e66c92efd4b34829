//! Forms that lie somewhere else, over the whole path: real HTTP in at the gateway, the vendors' state out.

mod again;
mod consent;
mod desk;
mod door;
mod histories;
mod later;
mod public;
mod refused;
mod unsure;
mod update;
