//! The simulation and what the tests share.
