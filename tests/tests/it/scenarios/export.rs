//! Group 1, and what of groups 8 and 9 is about many contacts at a time: the scheduled runs over the whole stack.

mod audit;
mod bad_input;
mod batches;
mod budget;
mod desk;
mod held;
mod recipe;
mod runs;
mod watermarks;
