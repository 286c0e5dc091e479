//! The registry on every store.

mod faults;
mod lifecycle;
mod stores;
mod writers;
