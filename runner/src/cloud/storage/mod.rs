//! Objects of a bucket or a folder, beyond what the registry needs.
//!
//! - [`objects`]: lists, and large objects read in parts.
//! - [`cache`]: objects kept on the disk, for engines that read files only.

pub mod cache;
pub mod objects;
#[cfg(test)]
mod tests;
