//! All tests of the whole, in one binary.

mod contract;
mod scenarios;
