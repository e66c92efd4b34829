//! The tests over the whole repository and the whole path.

mod architecture;
mod source;
mod template;
