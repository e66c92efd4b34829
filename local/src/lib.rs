//! Contact Bridge on one machine.
