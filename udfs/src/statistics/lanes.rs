//! Sums in eight lanes, which the compiler vectorises: the same digits on every
//! machine, in another order than one after the other.

/// Σ of(a).
#[inline(always)]
pub fn sum(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += of(value);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|&value| of(value)).sum::<f64>()
}

/// Σ a b.
#[inline(always)]
pub fn product(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut lanes = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| a * b);
    lanes.iter().sum::<f64>() + rest.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::{product, sum};

    #[test]
    fn every_value_counts_once() {
        for n in [0, 1, 7, 8, 9, 100] {
            let a: Vec<f64> = (0..n).map(f64::from).collect();
            let b: Vec<f64> = a.iter().map(|x| 3.0 - x).collect();
            assert_eq!(sum(&a, |x| x + 1.0), a.iter().map(|x| x + 1.0).sum::<f64>());
            let expected: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            assert_eq!(product(&a, &b), expected);
        }
    }
}
