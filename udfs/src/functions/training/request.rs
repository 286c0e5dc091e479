//! What a table function asks its aggregate for, as JSON text.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::call::{Call, Literal};
use crate::error::{Error, Result};
use crate::functions::fit;
use crate::models::algorithms;
use crate::models::tuning::{Method, Plan, Space, study};
use crate::models::validation::scores::{METRICS, Metric};
use crate::models::validation::{Recipe, with};
use crate::options::Options;
use crate::time::row_folds::Cut;

/// A call, its arguments checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// The options of fit, the algorithm and the target's name among them.
    model: Map<String, Json>,
    scheme: String,
    folds: usize,
    tested: usize,
    embargo: u32,
    #[serde(default)]
    metric: Option<String>,
    /// Of what is searched, if anything.
    #[serde(default)]
    pub search: Option<Search>,
    /// Whether the models of folds are returned.
    pub models: bool,
    /// The share of times that is kept for the end.
    pub test_share: f64,
}

/// A search.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Search {
    space: Json,
    method: String,
    trials: Option<usize>,
    batch: usize,
    prune: bool,
    factor: usize,
    seed: u64,
    seconds: Option<f64>,
    workers: Option<usize>,
}

impl Request {
    /// From the arguments that all of the functions have, and the metric.
    pub fn of(call: &Call<'_>) -> Result<Self> {
        let metrics: Vec<&'static str> = METRICS.iter().map(|metric| metric.name).collect();
        let metric = match call.literal("metric") {
            Literal::Null => None,
            _ => Some(call.choice("metric", &metrics)?.to_owned()),
        };
        Ok(Self {
            metric,
            ..Self::of_fit(call)?
        })
    }

    /// From the arguments that all of the functions have.
    pub fn of_fit(call: &Call<'_>) -> Result<Self> {
        let scheme = call.choice("scheme", &["walk_forward", "purged_kfold", "cpcv"])?;
        let least = if scheme == "walk_forward" { 1 } else { 2 };
        let folds = call.integer("folds", least)? as usize;
        let tested = call.integer("tested", 1)? as usize;
        if scheme == "cpcv" && tested >= folds {
            let fix = format!("pass less than folds, {folds}");
            return Err(Error::argument(call.function(), "tested", tested, fix));
        }
        let embargo = call.integer("embargo", 0)?;
        let embargo = u32::try_from(embargo).map_err(|_| {
            let fix = format!("pass at most {}", u32::MAX);
            Error::argument(call.function(), "embargo", embargo, fix)
        })?;
        let request = Self {
            model: model(call)?,
            scheme: scheme.to_owned(),
            folds,
            tested,
            embargo,
            metric: None,
            search: None,
            models: false,
            test_share: 0.0,
        };
        request.recipe(&Map::new())?;
        Ok(request)
    }

    /// As the aggregate was passed it.
    pub fn parse(function: &str, options: &Options) -> Result<Self> {
        serde_json::from_str(options.text("request"))
            .map_err(|error| Error::internal(function, error.to_string()))
    }

    /// The same with a search, from its arguments.
    pub fn searching(mut self, call: &Call<'_>) -> Result<Self> {
        let space = call.options("space")?;
        let method = call.choice("method", METHODS)?;
        let optional = |name: &str| match call.literal(name) {
            Literal::Null => Ok(None),
            _ => Ok(Some(call.integer(name, 1)? as usize)),
        };
        let search = Search {
            method: method.to_owned(),
            trials: optional("trials")?,
            batch: call.integer("batch", 1)? as usize,
            prune: call.flag("prune")?,
            factor: call.integer("factor", 2)? as usize,
            seed: call.integer("seed", 0)? as u64,
            seconds: match call.literal("seconds") {
                Literal::Null => None,
                _ => Some(call.double("seconds", 0.0, 1e9)?),
            },
            workers: optional("workers")?,
            space,
        };
        let space = self.space(call.function(), &search)?;
        if method == "grid" {
            space.grid(call.function())?;
        }
        // Both ends of what is searched are options of the algorithm.
        for (name, dimension) in &space.0 {
            if name == "algorithm" {
                let fix = "it searches the options of one algorithm; search others on their own and compare";
                return Err(Error::argument(
                    call.function(),
                    "space",
                    "'algorithm'",
                    fix,
                ));
            }
            if let Some(fixed) = self.model.get(name) {
                let fix = format!(
                    "it is also in the space; leave it out of options, where it is {fixed}"
                );
                return Err(Error::argument(
                    call.function(),
                    "space",
                    format!("'{name}'"),
                    fix,
                ));
            }
            for value in dimension.ends() {
                self.recipe(&Map::from_iter([(name.clone(), value)]))?;
            }
        }
        self.search = Some(search);
        Ok(self)
    }

    /// The same without what does not change its trials.
    pub fn without_machine(&self) -> Self {
        let search = |search: &Search| Search {
            seconds: None,
            workers: None,
            ..search.clone()
        };
        Self {
            search: self.search.as_ref().map(search),
            ..self.clone()
        }
    }

    /// The algorithm with `others` among its options.
    pub fn recipe(&self, others: &Map<String, Json>) -> Result<Recipe> {
        fit::recipe(&with(&self.model, others))
    }

    /// How rows are cut.
    pub fn cut(&self) -> Cut {
        match self.scheme.as_str() {
            "purged_kfold" => Cut::PurgedKFold { folds: self.folds },
            "cpcv" => Cut::Combinatorial {
                folds: self.folds,
                tested: self.tested,
            },
            _ => Cut::WalkForward { folds: self.folds },
        }
    }

    /// Distinct times after a test's labels.
    pub fn embargo(&self) -> u32 {
        self.embargo
    }

    /// The place of the metric, where one was named.
    pub fn metric(&self) -> Option<usize> {
        self.metric.as_deref().and_then(Metric::place)
    }

    /// What is searched.
    pub fn space(&self, function: &str, search: &Search) -> Result<Space> {
        Space::parse(function, &search.space, fit::keys())
    }
}

/// The names of [`Method`].
pub const METHODS: &[&str] = &["tpe", "random", "grid", "successive_halving", "hyperband"];

impl Search {
    /// How it goes.
    pub fn plan(&self) -> Plan {
        Plan {
            method: match self.method.as_str() {
                "grid" => Method::Grid,
                "random" => Method::Random,
                "successive_halving" => Method::SuccessiveHalving,
                "hyperband" => Method::Hyperband,
                _ => Method::Tpe,
            },
            trials: match self.method.as_str() {
                "grid" => self.trials,
                _ => Some(self.trials.unwrap_or(study::DEFAULT_TRIALS)),
            },
            batch: self.batch,
            prune: self.prune,
            factor: self.factor,
            seed: self.seed,
            seconds: self.seconds,
            workers: self.workers,
        }
    }
}

/// The options of `fit`: those of the argument and the algorithm.
fn model(call: &Call<'_>) -> Result<Map<String, Json>> {
    let names: Vec<&str> = algorithms::ALL.iter().map(|entry| entry.name()).collect();
    let algorithm = call.choice("algorithm", &names)?;
    let mut model = Map::from_iter([("algorithm".to_owned(), Json::from(algorithm))]);
    if let Json::Object(options) = call.options("options")? {
        if options.contains_key("algorithm") {
            let fix = "pass the algorithm as the argument algorithm";
            let given = call.literal("options");
            return Err(Error::argument(call.function(), "options", given, fix));
        }
        model.extend(options);
    }
    let target = call.column("target")?.unwrap_or_default();
    model.insert("target".to_owned(), Json::from(target));
    Ok(model)
}
