//! What is searched: the values that each option may take.

use serde_json::{Map, Value as Json};

use crate::definition::{Accepts, OptionKey};
use crate::error::{Error, Result};
use crate::statistics::random::Random;

/// More combinations than this are no grid.
const MOST: usize = 100_000;

/// The values that one option may take.
#[derive(Debug, Clone, PartialEq)]
pub enum Dimension {
    /// One of these.
    Choice(Vec<Json>),
    /// A number from `low` to `high`.
    Range {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
        /// Whether numbers of one order of magnitude are as likely as those of
        /// another.
        log: bool,
        /// Whether it is whole.
        whole: bool,
        /// Between the values of a grid; none: no grid.
        step: Option<f64>,
    },
}

/// The options that are searched, in the order of their names.
#[derive(Debug, Clone, PartialEq)]
pub struct Space(pub Vec<(String, Dimension)>);

/// Names of the fields of a range.
const FIELDS: &[&str] = &["low", "high", "log", "step"];

impl Space {
    /// From a struct or JSON: a list names choices, `{low, high, log, step}` is a
    /// range, anything else the only value. `keys` declares the options.
    ///
    /// # Errors
    /// An unknown option, an empty list or range, or bounds out of the option's
    /// range.
    pub fn parse(function: &str, given: &Json, keys: &[OptionKey]) -> Result<Self> {
        let fix = "pass a struct of options and their values, such as {'learning_rate': {'low': 0.01, 'high': 0.3, \
                   'log': true}, 'max_leaves': [15, 31, 63]}";
        let Json::Object(given) = given else {
            return Err(Error::argument(function, "space", given, fix));
        };
        if given.is_empty() {
            return Err(Error::argument(function, "space", "{}", fix));
        }
        let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
        let mut dimensions = Vec::with_capacity(given.len());
        for (name, values) in given {
            let Some(key) = keys.iter().find(|key| key.name == name) else {
                return Err(Error::unknown(function, name, &names));
            };
            dimensions.push((name.clone(), dimension(function, key, values)?));
        }
        dimensions.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Self(dimensions))
    }

    /// Values for the trial of that number, drawn independently.
    pub fn draw(&self, seed: u64, trial: u64) -> Map<String, Json> {
        let draw = |(name, dimension): &(String, Dimension)| {
            let mut random = Random::stream(seed, name, trial);
            (name.clone(), dimension.draw(&mut random))
        };
        self.0.iter().map(draw).collect()
    }

    /// Every combination, the last option changing first.
    ///
    /// # Errors
    /// A range without a step, or too many combinations.
    pub fn grid(&self, function: &str) -> Result<Vec<Map<String, Json>>> {
        let mut grid = vec![Map::new()];
        for (name, dimension) in &self.0 {
            let values = dimension.values().ok_or_else(|| {
                Error::argument(
                    function,
                    "space",
                    format!("a range for '{name}'"),
                    "a grid needs 'step' in it, or a list of values; or take the method random or tpe",
                )
            })?;
            if grid.len().saturating_mul(values.len()) > MOST {
                return Err(Error::argument(
                    function,
                    "space",
                    format!("more than {MOST} combinations"),
                    "take fewer values, or the method random or tpe",
                ));
            }
            let with = |before: &Map<String, Json>, value: &Json| {
                let mut longer = before.clone();
                longer.insert(name.clone(), value.clone());
                longer
            };
            grid = grid
                .iter()
                .flat_map(|before| values.iter().map(move |value| with(before, value)))
                .collect();
        }
        Ok(grid)
    }
}

fn dimension(function: &str, key: &OptionKey, values: &Json) -> Result<Dimension> {
    let wrong = |value: &Json, fix: &str| {
        let argument = format!("space.{}", key.name);
        Err(Error::argument(function, argument, value, fix))
    };
    match values {
        Json::Array(list) if list.is_empty() => wrong(values, "pass at least one value"),
        Json::Array(list) => Ok(Dimension::Choice(list.clone())),
        Json::Object(fields) => {
            if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
                return Err(Error::unknown(function, name, FIELDS));
            }
            let (least, most, whole) = match key.accepts {
                Accepts::Number(least, most) => (least, most, false),
                Accepts::Integer(least, most) => (least as f64, most as f64, true),
                _ => return wrong(values, "it is no number: pass a list of values"),
            };
            let number = |name: &str| fields.get(name).and_then(Json::as_f64);
            let (Some(low), Some(high)) = (number("low"), number("high")) else {
                return wrong(values, "pass low and high as numbers");
            };
            if low > high {
                return wrong(values, "the range is empty: pass low <= high");
            }
            if low < least || high > most {
                let fix = format!("the option takes values from {least} to {most}");
                return wrong(values, &fix);
            }
            if whole && (low.fract() != 0.0 || high.fract() != 0.0) {
                return wrong(values, "the option is whole: pass whole bounds");
            }
            let log = match fields.get("log") {
                None | Some(Json::Null) => false,
                Some(Json::Bool(log)) => *log,
                Some(_) => return wrong(values, "log is true or false"),
            };
            if log && low <= 0.0 {
                return wrong(values, "a logarithmic range starts above 0");
            }
            let step = match fields.get("step") {
                None | Some(Json::Null) => {
                    whole.then_some(1.0).filter(|_| high - low < 1000.0 && !log)
                }
                Some(step) => match step.as_f64() {
                    Some(step) if step > 0.0 && (!whole || step.fract() == 0.0) && !log => {
                        Some(step)
                    }
                    _ => {
                        let fix = "step is a number above 0 (whole for whole options), and not of a logarithmic range";
                        return wrong(values, fix);
                    }
                },
            };
            Ok(Dimension::Range {
                low,
                high,
                log,
                whole,
                step,
            })
        }
        value => Ok(Dimension::Choice(vec![value.clone()])),
    }
}

impl Dimension {
    /// A random value.
    fn draw(&self, random: &mut Random) -> Json {
        match self {
            Self::Choice(values) => values[random.below(values.len())].clone(),
            Self::Range { .. } => {
                let (low, high) = self.bounds();
                self.value(low + unit(random) * (high - low))
            }
        }
    }

    /// The values that must be allowed for all to be.
    pub fn ends(&self) -> Vec<Json> {
        match self {
            Self::Choice(values) => values.clone(),
            Self::Range { low, high, .. } => vec![self.number(*low), self.number(*high)],
        }
    }

    /// Every value of a grid.
    fn values(&self) -> Option<Vec<Json>> {
        match self {
            Self::Choice(values) => Some(values.clone()),
            Self::Range {
                low, high, step, ..
            } => {
                let step = (*step)?;
                // A last step that rounding has put beyond the end is the end.
                let steps = ((high - low) / step * (1.0 + 4.0 * f64::EPSILON)).floor() as usize;
                if steps > MOST {
                    return None;
                }
                let at = |i: usize| self.number((low + i as f64 * step).min(*high));
                Some((0..=steps).map(at).collect())
            }
        }
    }

    /// The ends of a range where its values are equally likely; of whole numbers
    /// half a unit further out.
    pub(super) fn bounds(&self) -> (f64, f64) {
        match self {
            Self::Choice(values) => (0.0, values.len() as f64),
            Self::Range {
                low,
                high,
                log,
                whole,
                ..
            } => {
                let half = if *whole { 0.5 } else { 0.0 };
                let place = |value: f64| if *log { value.ln() } else { value };
                (place(low - half), place(high + half))
            }
        }
    }

    /// Where a value lies between the bounds; of choices its number.
    pub(super) fn place(&self, value: &Json) -> Option<f64> {
        match self {
            Self::Choice(values) => {
                let number = values.iter().position(|known| known == value);
                number.map(|number| number as f64)
            }
            Self::Range { log, .. } => {
                let value = value.as_f64()?;
                Some(if *log { value.ln() } else { value })
            }
        }
    }

    /// The value at a place.
    pub(super) fn value(&self, place: f64) -> Json {
        match self {
            Self::Choice(values) => {
                let number = (place.max(0.0) as usize).min(values.len() - 1);
                values[number].clone()
            }
            Self::Range {
                low,
                high,
                log,
                whole,
                ..
            } => {
                let value = if *log { place.exp() } else { place };
                let value = if *whole { value.round() } else { value };
                self.number(value.clamp(*low, *high))
            }
        }
    }

    fn number(&self, value: f64) -> Json {
        match self {
            Self::Range { whole: true, .. } => Json::from(value as i64),
            _ => Json::from(value),
        }
    }
}

/// A number from 0 (included) to 1 (excluded).
pub(super) fn unit(random: &mut Random) -> f64 {
    (random.bits() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::Space;
    use crate::models::gbdt::options::KEYS;

    fn space(given: Json) -> Result<Space, String> {
        Space::parse("tune_model", &given, KEYS).map_err(|error| error.to_string())
    }

    #[test]
    fn draws_stay_within_the_space_and_depend_on_the_seed_alone() {
        let given = json!({
            "learning_rate": {"low": 0.001, "high": 0.1, "log": true},
            "max_leaves": {"low": 7, "high": 63},
            "objective": ["squared_error", "huber"],
        });
        let space = space(given).unwrap();
        let mut below = 0;
        for trial in 0..1000 {
            let drawn = space.draw(42, trial);
            let rate = drawn["learning_rate"].as_f64().unwrap();
            assert!((0.001..=0.1).contains(&rate));
            below += u32::from(rate < 0.01);
            assert!((7..=63).contains(&drawn["max_leaves"].as_i64().unwrap()));
        }
        // Half of them are of either order of magnitude.
        assert!((450..550).contains(&below), "{below}");
        assert_eq!(space.draw(42, 7), space.draw(42, 7));
        assert_ne!(space.draw(42, 7), space.draw(43, 7));
    }

    #[test]
    fn a_grid_has_every_combination() {
        let given = json!({
            "learning_rate": {"low": 0.1, "high": 0.3, "step": 0.1},
            "max_leaves": {"low": 2, "high": 3},
        });
        let grid = space(given).unwrap().grid("tune_model").unwrap();
        assert_eq!(grid.len(), 6);
        assert_eq!(
            Json::from(grid[1].clone()),
            json!({"learning_rate": 0.1, "max_leaves": 3})
        );
        assert_eq!(grid[4]["learning_rate"], json!(0.3));
        let given = json!({"learning_rate": {"low": 0.1, "high": 0.3}});
        let error = space(given)
            .unwrap()
            .grid("tune_model")
            .unwrap_err()
            .to_string();
        assert!(error.contains("a grid needs 'step'"), "{error}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |given: Json| space(given).unwrap_err();
        assert!(error(json!({"max_leafs": [3]})).contains("did you mean 'max_leaves'?"));
        assert!(error(json!({"max_leaves": []})).contains("at least one value"));
        assert!(error(json!({"max_leaves": {"low": 9, "high": 3}})).contains("the range is empty"));
        assert!(error(json!({"max_leaves": {"low": 1, "high": 3}})).contains("from 2 to 65535"));
        assert!(error(json!({"max_leaves": {"low": 2.5, "high": 3}})).contains("whole bounds"));
        assert!(error(json!({"min_gain": {"low": 0, "high": 3, "log": true}})).contains("above 0"));
        assert!(error(json!({"objective": {"low": 0, "high": 3}})).contains("a list of values"));
        assert!(error(json!({"trees": {"min": 0, "max": 3}})).contains("'min'"));
        assert!(error(json!({})).contains("pass a struct"));
    }
}
