//! Group 1, and what of groups 8 and 9 is about many contacts at a time: the scheduled export over the whole stack.

mod bad_input;
mod batches;
mod budget;
mod desk;
mod runs;
mod watermarks;
