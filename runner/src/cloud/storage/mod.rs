//! Objects of a bucket or a folder, beyond what the registry needs.
//!
//! - [`objects`]: lists, and large objects read in parts.
//! - [`known`]: a store of objects that were listed before, for DataFusion.
//! - [`cache`]: objects kept on the disk, for engines that read files only.

pub mod cache;
pub mod known;
pub mod objects;
#[cfg(test)]
mod tests;
