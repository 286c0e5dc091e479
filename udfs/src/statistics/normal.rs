//! The normal distribution.

/// P(|Z| >= |z|) for a standard normal Z, erfc(|z| / √2), to a relative 1e-12
/// as far as the tail can be represented. NaN for NaN.
pub fn normal_two_sided(z: f64) -> f64 {
    let z = z.abs();
    if z.is_nan() {
        return f64::NAN;
    }
    if z > 39.0 {
        return 0.0;
    }
    if z < 2.5 { 1.0 - central(z) } else { tail(z) }
}

/// exp(-z²/2). The part of z² that rounding loses is put back: in the tail the
/// exponent is large, and so would be the error of the result.
fn bell(z: f64) -> f64 {
    let square = z * z;
    let lost = z.mul_add(z, -square);
    (-square / 2.0).exp() * (1.0 - lost / 2.0)
}

/// P(|Z| < z) by the series of positive terms DLMF 7.6.2.
fn central(z: f64) -> f64 {
    let mut term = z;
    let mut sum = z;
    let mut odd = 1.0;
    while term > sum * f64::EPSILON {
        odd += 2.0;
        term *= z * z / odd;
        sum += term;
    }
    (2.0 / std::f64::consts::PI).sqrt() * bell(z) * sum
}

/// P(|Z| >= z) by the continued fraction z + 1/(z + 2/(z + 3/(z + ...)))
/// (DLMF 7.9.3), from the inside out.
fn tail(z: f64) -> f64 {
    // Enough for z = 2.5; the larger z, the faster it converges.
    let fraction = (1..=150).rev().fold(z, |inner, k| z + f64::from(k) / inner);
    (2.0 / std::f64::consts::PI).sqrt() * bell(z) / fraction
}

/// P(Z <= z) for a standard normal Z, to a relative 1e-12 in the lower tail.
pub fn normal_below(z: f64) -> f64 {
    let tail = normal_two_sided(z) / 2.0;
    if z < 0.0 { tail } else { 1.0 - tail }
}

/// The z with P(Z <= z) = p, to 1e-12; infinite for 0 and 1, NaN outside.
pub fn normal_quantile(p: f64) -> f64 {
    if p.is_nan() || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p == 0.5 {
        return 0.0;
    }
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    if p == 0.0 {
        return f64::NEG_INFINITY;
    }
    // Within 4.5e-4 (Abramowitz and Stegun 26.2.23), then Halley's iteration,
    // which triples the digits each time.
    let t = (-2.0 * p.ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = above / below - t;
    for _ in 0..3 {
        let density = bell(z) / std::f64::consts::TAU.sqrt();
        let step = (normal_below(z) - p) / density;
        z -= step / (1.0 + z * step / 2.0);
    }
    z
}

#[cfg(test)]
mod tests {
    use super::{normal_below, normal_quantile, normal_two_sided};

    /// scipy.stats.norm.ppf, SciPy 1.18; see tests/python/metrics_reference.py.
    #[test]
    fn quantiles_agree_with_scipy() {
        let cases = [
            (1e-300, -37.047_096_299_361_2),
            (1e-10, -6.361_340_902_404_056),
            (0.001, -3.090_232_306_167_813_5),
            (0.3, -0.524_400_512_708_041),
            (0.499, -0.002_506_630_899_571_876_6),
            (0.95, 1.644_853_626_951_472_2),
            (0.9999, 3.719_016_485_455_709),
        ];
        for (p, expected) in cases {
            let found = normal_quantile(p);
            assert!(
                (found - expected).abs() < 1e-12 * expected.abs().max(1.0),
                "{p}: {found}"
            );
        }
        assert_eq!(normal_quantile(0.5), 0.0);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        assert!(normal_quantile(1.5).is_nan());
        assert_eq!(normal_below(0.0), 0.5);
    }

    /// erfc(z / √2) by mpmath 1.4.1; 2 * scipy.stats.norm.sf(z) of SciPy 1.17.1
    /// is the same to 3e-14.
    #[test]
    fn agrees_with_scipy_into_the_tail() {
        let cases = [
            (1e-09, 0.9999999992021155),
            (0.1, 0.920344325445942),
            (1.0, 0.3173105078629141),
            (1.959963984540054, 0.050000000000000024),
            (2.49, 0.012774309529886346),
            (2.5, 0.01241933065155227),
            (3.0, 0.002699796063260189),
            (5.5, 3.7979124931775436e-08),
            (10.0, 1.523970604832105e-23),
            (20.3, 1.2858488935396693e-91),
            (37.5, 9.21070601916391e-308),
        ];
        for (z, expected) in cases {
            for z in [z, -z] {
                let error = (normal_two_sided(z) / expected - 1.0).abs();
                assert!(error < 1e-12, "{z}: {error:e}");
            }
        }
        assert_eq!(normal_two_sided(0.0), 1.0);
        assert_eq!(normal_two_sided(f64::INFINITY), 0.0);
        assert!(normal_two_sided(f64::NAN).is_nan());
    }

    /// 2 * scipy.stats.norm.sf(z), SciPy 1.17.1; see
    /// tests/python/relevance_reference.py.
    #[test]
    fn agrees_with_scipy() {
        for (z, expected) in NORMAL {
            let error = (normal_two_sided(z) / expected - 1.0).abs();
            assert!(error < 1e-12, "{z}: {error:e}");
        }
        assert_eq!(normal_two_sided(50.0), 0.0);
    }

    const NORMAL: [(f64, f64); 14] = [
        (0.1, 0.920_344_325_445_942),
        (1.0, 0.317_310_507_862_914_15),
        (1.96, 0.049_995_790_296_440_87),
        (2.8, 0.005_110_260_660_855_864),
        (2.9, 0.003_731_626_600_768_075),
        (5.0, 5.733_031_437_583_866e-7),
        (12.0, 3.552_964_224_155_306e-33),
        (30.0, 9.813_427_854_295_816e-198),
        (37.0, 1.145_114_244_504_785_3e-299),
        (0.001, 0.9992021155721779),
        (0.5, 0.6170750774519738),
        (2.85, 0.004371922909826481),
        (4.0, 6.334248366623973e-05),
        (6.5, 8.032001167718176e-11),
    ];
}
