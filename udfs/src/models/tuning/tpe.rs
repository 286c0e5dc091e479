//! The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kégl,
//! Algorithms for Hyper-Parameter Optimization, NIPS 2011, section 4): values
//! are likely where good trials are dense and others are not. Every option is
//! looked at on its own.

use serde_json::{Map, Value as Json};

use super::space::{Dimension, Space, unit};
use crate::statistics::normal::{normal_below, normal_quantile};
use crate::statistics::random::Random;

/// Trials that are drawn at random before anything is learnt.
pub const STARTUP: usize = 10;

/// Values that are compared per option.
const CANDIDATES: usize = 24;

/// The share of trials that are good, and how many at most (as Optuna's default).
const GOOD: f64 = 0.1;
const MOST_GOOD: usize = 25;

/// Values for the trial of that number. `known` are the parameters of earlier
/// trials, the best first.
pub fn suggest(
    space: &Space,
    known: &[&Map<String, Json>],
    seed: u64,
    trial: u64,
) -> Map<String, Json> {
    if known.len() < STARTUP {
        return space.draw(seed, trial);
    }
    let good = ((known.len() as f64 * GOOD).ceil() as usize).min(MOST_GOOD);
    let (good, others) = known.split_at(good);
    let suggestion = |(name, dimension): &(String, Dimension)| {
        let places = |trials: &[&Map<String, Json>]| -> Vec<f64> {
            let values = trials.iter().filter_map(|trial| trial.get(name));
            values.filter_map(|value| dimension.place(value)).collect()
        };
        let (good, others) = (
            Density::of(dimension, places(good)),
            Density::of(dimension, places(others)),
        );
        let mut random = Random::stream(seed, name, trial);
        let mut best = (f64::NEG_INFINITY, 0.0);
        for _ in 0..CANDIDATES {
            let place = good.draw(&mut random);
            let gain = good.logarithm(place) - others.logarithm(place);
            if gain > best.0 {
                best = (gain, place);
            }
        }
        (name.clone(), dimension.value(best.1))
    };
    space.0.iter().map(suggestion).collect()
}

/// How likely each value of an option is.
enum Density {
    /// Of each choice.
    Choices(Vec<f64>),
    /// A mixture of normal distributions, cut off at the bounds.
    Range {
        bounds: (f64, f64),
        /// Centre and deviation of each, which weigh alike.
        normals: Vec<(f64, f64)>,
    },
}

impl Density {
    /// Around the places of trials; a flat one is mixed in as if it were a trial.
    fn of(dimension: &Dimension, mut places: Vec<f64>) -> Self {
        if let Dimension::Choice(values) = dimension {
            let mut shares = vec![1.0 / values.len() as f64; values.len()];
            for place in &places {
                shares[*place as usize] += 1.0;
            }
            let total: f64 = shares.iter().sum();
            return Self::Choices(shares.iter().map(|share| share / total).collect());
        }
        let (low, high) = dimension.bounds();
        places.sort_by(f64::total_cmp);
        let width = high - low;
        // As wide as the gap to the next neighbour, but neither needles nor flat.
        let least = width / (places.len() as f64 + 1.0).min(100.0);
        let deviation = |i: usize| {
            let before = i.checked_sub(1).map_or(low, |before| places[before]);
            let after = places.get(i + 1).copied().unwrap_or(high);
            (places[i] - before)
                .max(after - places[i])
                .clamp(least, width)
        };
        let mut normals: Vec<(f64, f64)> = (0..places.len())
            .map(|i| (places[i], deviation(i)))
            .collect();
        normals.push((low + width / 2.0, width));
        Self::Range {
            bounds: (low, high),
            normals,
        }
    }

    fn draw(&self, random: &mut Random) -> f64 {
        match self {
            Self::Choices(shares) => {
                let mut left = unit(random);
                let past = |share: &f64| {
                    left -= share;
                    left < 0.0
                };
                shares.iter().position(past).unwrap_or(shares.len() - 1) as f64
            }
            Self::Range { bounds, normals } => {
                let (centre, deviation) = normals[random.below(normals.len())];
                let (from, to) = shares(*bounds, centre, deviation);
                let place = centre + deviation * normal_quantile(from + unit(random) * (to - from));
                place.clamp(bounds.0, bounds.1)
            }
        }
    }

    fn logarithm(&self, place: f64) -> f64 {
        match self {
            Self::Choices(shares) => shares[place as usize].ln(),
            Self::Range { bounds, normals } => {
                let terms: Vec<f64> = normals
                    .iter()
                    .map(|&(centre, deviation)| {
                        let (from, to) = shares(*bounds, centre, deviation);
                        let z = (place - centre) / deviation;
                        -z * z / 2.0 - deviation.ln() - (to - from).ln()
                    })
                    .collect();
                // Logarithms of densities that are too small to be added.
                let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = terms.iter().map(|term| (term - most).exp()).sum();
                most + (sum / normals.len() as f64).ln()
            }
        }
    }
}

/// How much of the normal distribution lies below each bound.
fn shares((low, high): (f64, f64), centre: f64, deviation: f64) -> (f64, f64) {
    let below = |bound: f64| normal_below((bound - centre) / deviation);
    (below(low), below(high))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value as Json, json};

    use super::{STARTUP, suggest};
    use crate::models::gbdt::options::KEYS;
    use crate::models::tuning::Space;

    /// Finds the bottom of a bowl, and the better of two choices, with fewer
    /// trials than drawing at random.
    #[test]
    fn it_finds_a_minimum_sooner_than_chance() {
        let given = json!({
            "learning_rate": {"low": 0.0001, "high": 1.0, "log": true},
            "lambda_l2": {"low": 0.0, "high": 10.0},
            "sampling": ["rows", "goss"],
        });
        let space = Space::parse("tune_model", &given, KEYS).unwrap();
        let loss = |trial: &Map<String, Json>| {
            let number = |name: &str| trial[name].as_f64().unwrap();
            let rate = number("learning_rate").log10() + 2.0;
            let penalty = (number("lambda_l2") - 3.0) / 10.0;
            rate * rate + penalty * penalty + f64::from(u8::from(trial["sampling"] == "goss"))
        };
        let search = |seed: u64, learns: bool| {
            let mut trials: Vec<Map<String, Json>> = Vec::new();
            for number in 0..60 {
                trials.sort_by(|a, b| loss(a).total_cmp(&loss(b)));
                let known: Vec<&Map<String, Json>> = trials.iter().collect();
                trials.push(match learns {
                    true => suggest(&space, &known, seed, number),
                    false => space.draw(seed, number),
                });
            }
            trials.iter().map(loss).fold(f64::INFINITY, f64::min)
        };
        let mean = |learns: bool| (0..10).map(|seed| search(seed, learns)).sum::<f64>() / 10.0;
        let (learnt, chance) = (mean(true), mean(false));
        assert!(learnt < chance / 2.0, "{learnt} is not half of {chance}");
    }

    #[test]
    fn the_first_trials_are_drawn() {
        let given = json!({"max_leaves": {"low": 2, "high": 100}});
        let space = Space::parse("tune_model", &given, KEYS).unwrap();
        let known = vec![Map::new(); STARTUP - 1];
        let known: Vec<&Map<String, Json>> = known.iter().collect();
        assert_eq!(suggest(&space, &known, 42, 3), space.draw(42, 3));
    }
}
