//! What a fit follows from options and names: read once, not once per group.

use std::cell::RefCell;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use super::options::COMMON;
use super::{SIGNATURE, checked_options};
use crate::error::{Error, Result};
use crate::input::Features;
use crate::models::algorithms::Entry;
use crate::models::preparation;
use crate::options::Options;

/// The same for all groups of a query.
pub struct Plan {
    /// The features' names.
    pub features: Vec<String>,
    /// The options as they were given.
    given: Json,
    /// The algorithm.
    pub entry: Entry,
    /// The options with their defaults.
    pub options: Options,
    /// Whether the model has a constant term.
    pub intercept: bool,
    /// Whether something is done to the features first.
    pub prepares: bool,
    /// Whether a row with a missing feature trains.
    pub takes_missing: bool,
    /// How the headers of its models begin: what is the same for all of them, as the
    /// JSON of an object that goes on.
    pub header_begin: String,
}

/// The first fields of [`crate::models::Header`], in its order.
#[derive(Serialize)]
struct HeaderBegin<'a> {
    algorithm: &'a str,
    target: &'a str,
    features: &'a [String],
    parameters: Json,
}

/// Plans that a thread remembers: those of the fits of a query.
const REMEMBERED: usize = 8;

thread_local! {
    static RECENT: RefCell<Vec<Arc<Plan>>> = const { RefCell::new(Vec::new()) };
}

impl Plan {
    /// The plan for these features and options.
    ///
    /// # Errors
    /// See [`checked_options`].
    pub fn of(features: &Features<'_>, given: Json) -> Result<Arc<Self>> {
        let same = |plan: &Self| {
            plan.given == given
                && plan
                    .features
                    .iter()
                    .map(String::as_str)
                    .eq(features.names())
        };
        remembered(same, || {
            let names = features.names().map(str::to_owned).collect();
            Self::new(names, given.clone())
        })
    }

    fn new(features: Vec<String>, given: Json) -> Result<Self> {
        let (entry, options) = checked_options(&given)?;
        let recorded = [COMMON, entry.options()].concat();
        let steps = preparation::Choice::of(&options);
        let begin = HeaderBegin {
            algorithm: entry.name(),
            target: options.text("target"),
            features: &features,
            parameters: options.some_to_json(&recorded),
        };
        let mut header_begin = serde_json::to_string(&begin)
            .map_err(|error| Error::internal(SIGNATURE.name, error.to_string()))?;
        header_begin.pop();
        Ok(Self {
            features,
            given,
            entry,
            intercept: options.flag("intercept"),
            prepares: !steps.is_none(),
            takes_missing: entry.takes_missing() || steps.imputes(),
            header_begin,
            options,
        })
    }
}

fn remembered(
    same: impl Fn(&Plan) -> bool,
    make: impl FnOnce() -> Result<Plan>,
) -> Result<Arc<Plan>> {
    RECENT.with_borrow_mut(|recent| {
        if let Some(plan) = recent.iter().rev().find(|plan| same(plan)) {
            return Ok(Arc::clone(plan));
        }
        let plan = Arc::new(make()?);
        if recent.len() == REMEMBERED {
            recent.remove(0);
        }
        recent.push(Arc::clone(&plan));
        Ok(plan)
    })
}

/// A plan that is saved as the names and the options that it follows from.
#[derive(Clone)]
pub struct Shared(pub Arc<Plan>);

impl std::ops::Deref for Shared {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.0
    }
}

impl Serialize for Shared {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        // JSON text: what saves states cannot say of itself what it is.
        (&self.features, self.given.to_string()).serialize(to)
    }
}

impl<'d> Deserialize<'d> for Shared {
    fn deserialize<D: Deserializer<'d>>(from: D) -> std::result::Result<Self, D::Error> {
        let (features, given) = <(Vec<String>, String)>::deserialize(from)?;
        let given: Json = serde_json::from_str(&given).map_err(D::Error::custom)?;
        let same = |plan: &Plan| plan.given == given && plan.features == features;
        let plan = remembered(same, || Plan::new(features.clone(), given.clone()));
        let failed = |error| D::Error::custom(format!("{}: {error}", SIGNATURE.name));
        Ok(Self(plan.map_err(failed)?))
    }
}
