//! The integration tests of the bridge, in one binary.

mod scenarios;
