//! Which machine fits `training.resources`.

use crate::error::{Error, Result};
use crate::printer::amount;

/// Cores of the machines that custom jobs can have.
const CORES: [usize; 8] = [2, 4, 8, 16, 32, 48, 64, 80];
/// Kinds of machines, the cheaper ones first: GiB for every core, and the fewest cores.
const KINDS: [(&str, usize, usize); 2] = [("n2-standard", 4, 4), ("n2-highmem", 8, 2)];
/// How much memory a machine has for every byte that the engine may use: the system
/// and what engines do not count need some.
const SPARE: f64 = 1.25;

/// The smallest machine with so many workers and so many bytes of memory.
///
/// # Errors
/// More than any machine has.
pub fn fitting(workers: usize, memory: usize) -> Result<String> {
    let fits = |cores: usize, gigabytes: usize| {
        let bytes = (cores * gigabytes) as f64 * f64::from(1 << 30);
        cores >= workers && bytes >= memory as f64 * SPARE
    };
    let machine = CORES.iter().find_map(|cores| {
        KINDS
            .iter()
            .find(|(_, gigabytes, least)| cores >= least && fits(*cores, *gigabytes))
            .map(|(kind, ..)| format!("{kind}-{cores}"))
    });
    machine.ok_or_else(|| {
        Error::usage(format!(
            "no machine has {workers} cores and {} of memory to spare",
            amount(memory as u64)
        ))
        .hint("lower training.resources, or name a machine with --machine-type")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_machine_that_fits() {
        let gigabytes = |n: usize| n * 1_000_000_000;
        assert_eq!(fitting(1, gigabytes(1)).unwrap(), "n2-highmem-2");
        assert_eq!(fitting(4, gigabytes(8)).unwrap(), "n2-standard-4");
        assert_eq!(fitting(16, gigabytes(32)).unwrap(), "n2-standard-16");
        assert_eq!(fitting(16, gigabytes(64)).unwrap(), "n2-highmem-16");
        assert_eq!(fitting(5, gigabytes(8)).unwrap(), "n2-standard-8");
        assert!(fitting(81, gigabytes(1)).is_err());
        assert!(fitting(2, gigabytes(600)).is_err());
    }
}
