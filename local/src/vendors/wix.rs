//! The simulator of Wix.
