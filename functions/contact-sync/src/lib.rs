//! A function.
