//! Sums that do not depend on the order of their terms: of integers.

use rayon::prelude::*;

const TASK: usize = 65_536;

/// The sum of finite `values`, the same in any order: each is rounded to 61 bits
/// below the largest.
pub(super) fn exact_sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(0.0, |most: f64, x| most.max(x.abs()));
    let Some(exponent) = exponent(largest) else {
        return 0.0;
    };
    let (up, down) = (power(60 - exponent), power(exponent - 60));
    let sum: i128 = values.map(|x| i128::from((x * up) as i64)).sum();
    sum as f64 * down
}

/// The `e` with `2^(e-1) <= x < 2^e`, kept where both powers below are finite.
fn exponent(x: f64) -> Option<i32> {
    if x == 0.0 || !x.is_finite() {
        return None;
    }
    let bits = ((x.to_bits() >> 52) & 0x7ff) as i32;
    Some((bits - 1022).clamp(-900, 960))
}

/// Two to a power whose result is a normal double.
pub(super) fn power(exponent: i32) -> f64 {
    f64::from_bits(((exponent.clamp(-1022, 1023) + 1023) as u64) << 52)
}

/// A power of two by which `values` may be multiplied, so that any sum of
/// distinct ones, each rounded to a whole number, stays below `2^bits`.
///
/// It follows from the largest value and from the sum of the rounded absolute
/// values, and so not from their order.
pub(super) fn scale(values: &[f64], bits: u32) -> i32 {
    let largest = values
        .par_chunks(TASK)
        .map(|chunk| chunk.iter().fold(0.0, |most: f64, x| most.max(x.abs())))
        .reduce(|| 0.0, f64::max);
    let Some(exponent) = exponent(largest) else {
        return 0;
    };
    let up = power(40 - exponent);
    // At most 65,536 numbers of 40 bits.
    let total: u128 = values
        .par_chunks(TASK)
        .map(|chunk| {
            let sum: u64 = chunk.iter().map(|x| whole(x.abs() * up) as u64).sum();
            u128::from(sum)
        })
        .sum();
    // Half of the room is for what rounding adds.
    let used = 128 - total.leading_zeros();
    (40 - exponent) + (bits as i32 - 1) - used as i32
}

/// The nearest whole number of `x`, which is below 2^51. Unlike a cast, it is
/// done for several numbers at once.
#[inline(always)]
pub(super) fn whole(x: f64) -> i64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
    ((x + MAGIC).to_bits() as i64).wrapping_sub(MAGIC.to_bits() as i64)
}

/// The double of a whole number below 2^51, likewise.
#[inline(always)]
pub(super) fn double(x: i64) -> f64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    f64::from_bits((MAGIC.to_bits() as i64).wrapping_add(x) as u64) - MAGIC
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_the_same_in_any_order() {
        let mut values: Vec<f64> = (0..1000)
            .map(|i| (f64::from(i) * 0.7).sin() * 10_f64.powi(i % 9))
            .collect();
        let naive: f64 = values.iter().sum();
        let sum = exact_sum(values.iter().copied());
        assert!((sum - naive).abs() < 1e-5, "{sum} {naive}");
        values.reverse();
        assert_eq!(sum.to_bits(), exact_sum(values.iter().copied()).to_bits());
        assert_eq!(exact_sum([0.1; 10].into_iter()), 1.0);
        assert_eq!(exact_sum([].into_iter()), 0.0);
        assert_eq!(exact_sum([0.5e-250; 4].into_iter()), 2e-250);
    }

    #[test]
    fn whole_numbers_and_doubles_agree() {
        for x in [0.0, 1.0, -1.0, 0.5, 1.5, -2.5, 1e15, -1e15, 123.456] {
            assert_eq!(whole(x), x.round_ties_even() as i64);
            assert_eq!(double(whole(x)), x.round_ties_even());
        }
    }

    #[test]
    fn scaled_sums_fit_and_use_the_room() {
        for values in [vec![1.0; 1000], vec![1e9, 1.0, -1.0, 0.25], vec![1e-250; 3]] {
            let scale = scale(&values, 43);
            let sum: i64 = values.iter().map(|x| whole(x.abs() * power(scale))).sum();
            assert!(sum < 1 << 43, "{sum}");
            assert!(sum >= 1 << 40, "{sum}");
        }
    }
}
