//! `lagrange_select_model`: the kernel of `select_model`.

use super::backtest_signals::{RULE_KEYS, refuse_losses, rules_of};
use super::gather::numbers::{GatherNumbers, OverNumbers};
use super::select_model::{METRICS, NAME, TESTS};
use crate::call::quote_text;
use crate::definition::{Accepts, Argument, Category, Kind, OptionKey, Signature};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::statistics::backtest::{Panel, Rules};
use crate::statistics::backtest_overfitting::{Performance, probability_of_overfitting};
use crate::statistics::forecast_comparison::{
    Bootstrap, Resampling, Tested, diebold_mariano, holm,
};
use crate::statistics::model_selection::{Candidate, Score, net_returns, sharpe};
use crate::statistics::return_moments::ReturnMoments;
use crate::statistics::sharpe::{Sharpe, expected_best};
use crate::value::{Column, Type, Value};

/// The aggregate.
pub const AGGREGATE: &str = "lagrange_select_model";

/// What the aggregate returns, in order.
pub const FIELDS: &[(&str, Type)] = &[
    ("number", Type::Integer),
    ("is_champion", Type::Boolean),
    ("metric", Type::Text),
    ("value", Type::Double),
    ("difference", Type::Double),
    ("statistic", Type::Double),
    ("p_value", Type::Double),
    ("p_adjusted", Type::Double),
    ("sharpe", Type::Double),
    ("dsr", Type::Double),
    ("pbo", Type::Double),
    ("periods", Type::Integer),
    ("rows_used", Type::Integer),
    ("rows_skipped", Type::Integer),
    ("winner", Type::Boolean),
    ("reason", Type::Text),
];

/// See the signature.
pub static SELECT_MODEL: GatherNumbers<Select> = GatherNumbers(Select);

/// What is made of the rows.
pub struct Select;

const fn key(
    name: &'static str,
    accepts: Accepts,
    default: &'static str,
    docs: &'static str,
) -> OptionKey {
    OptionKey::new(name, accepts, default, docs)
}

static SIGNATURE: Signature = Signature {
    name: AGGREGATE,
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required("date", Kind::Number, "a number that grows with time"),
        Argument::required("entity", Kind::Number, "a number per entity"),
        Argument::required("candidate", Kind::Number, "a number per candidate"),
        Argument::required(
            "champion",
            Kind::Number,
            "1 in the rows of the champion, otherwise 0",
        ),
        Argument::required("actual", Kind::Number, "what happened"),
        Argument::required("predicted", Kind::Number, "what was predicted"),
        Argument::required(
            "forward_return",
            Kind::Number,
            "the return that follows, or NULL",
        ),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        key(
            "metric",
            Accepts::Choice(METRICS),
            "\"rmse\"",
            "what candidates are compared by",
        ),
        key(
            "test",
            Accepts::Choice(TESTS),
            "\"diebold_mariano\"",
            "how differences are tested",
        ),
        key(
            "champion",
            Accepts::Text,
            "\"\"",
            "the champion's name, for messages; none: there is none",
        ),
        key(
            "level",
            Accepts::Number(0.0, 1.0),
            "0.05",
            "of the adjusted p-value",
        ),
        key(
            "trials",
            Accepts::Integer(1, i64::MAX),
            "null",
            "how many models were tried",
        ),
        key(
            "trials_deviation",
            Accepts::Number(0.0, 1e6),
            "null",
            "of their Sharpe ratios",
        ),
        key(
            "blocks",
            Accepts::Integer(2, 20),
            "16",
            "parts of time for the probability of overfitting",
        ),
        key(
            "max_pbo",
            Accepts::Number(0.0, 1.0),
            "0.5",
            "above which no challenger wins",
        ),
        key(
            "min_dsr",
            Accepts::Number(0.0, 1.0),
            "0",
            "below which a challenger does not win",
        ),
        key(
            "block",
            Accepts::Integer(1, u32::MAX as i64),
            "null",
            "times per block of a bootstrap",
        ),
        key(
            "draws",
            Accepts::Integer(100, 1_000_000),
            "2000",
            "samples of a bootstrap",
        ),
        key(
            "seed",
            Accepts::Integer(0, i64::MAX),
            "42",
            "of a bootstrap",
        ),
        key(
            "has_returns",
            Accepts::Flag,
            "false",
            "whether returns were passed",
        ),
        RULE_KEYS[0],
        RULE_KEYS[1],
        RULE_KEYS[2],
        RULE_KEYS[3],
        RULE_KEYS[4],
    ],
    returns: Type::Rows(FIELDS),
    nulls: "See select_model. No row: NULL.",
    docs: "The rows of select_model, candidates by number.\n\nKeeps 56 bytes per row.",
    example: "SELECT unnest(lagrange_select_model(i, 1, c, CASE WHEN c = 1 THEN 1 ELSE 0 END, i % 5, i % 5 + c * (i % 3 - 1), NULL, \
              {'metric': 'mae'})) AS row FROM range(40) r(i) CROSS JOIN range(1, 3) m(c)",
};

impl OverNumbers for Select {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn caller(&self) -> &'static str {
        NAME
    }

    fn keys(&self) -> usize {
        3
    }

    fn finish(&self, columns: &[Vec<f64>], options: &Options) -> Result<Value> {
        let shared = Shared::of(columns, options.text("champion"))?;
        let score = Score::named(options.text("metric"))
            .ok_or_else(|| Error::internal(NAME, "an unknown metric"))?;
        shared.check(score)?;
        let rules = rules_of(options);
        let returns = if options.flag("has_returns") {
            refuse_losses(NAME, "forward_return", &shared.earned)?;
            shared.returns(&rules)
        } else {
            Vec::new()
        };
        let scores = if score == Score::NetReturn {
            returns.clone()
        } else {
            shared.scores(score)
        };
        let mut judged = Judged::of(&scores, score, shared.champion);
        judged.test(options, score, rules.horizon);
        judged.deflate(&returns, options)?;
        let performance = match score {
            Score::NetReturn => Performance::Sharpe,
            _ => Performance::Mean,
        };
        let oriented: Vec<Vec<f64>> = scores
            .iter()
            .map(|series| series.iter().map(|x| x * score.sign()).collect())
            .collect();
        judged.pbo =
            probability_of_overfitting(&oriented, options.integer("blocks") as usize, performance);
        let reasons = judged.reasons(options, scores.first().map_or(0, Vec::len));
        Ok(judged.table(&shared, options.text("metric"), &scores, reasons))
    }
}

/// The rows that every candidate predicted, by date, then by entity. Whether their
/// outcome is known does not matter: positions are taken before it is.
struct Shared {
    /// The candidates' numbers.
    candidates: Vec<f64>,
    /// The place of the champion, if there is one.
    champion: Option<usize>,
    dates: Vec<f64>,
    entities: Vec<f64>,
    /// NaN where it is not known.
    actual: Vec<f64>,
    earned: Vec<f64>,
    /// A column per candidate.
    predicted: Vec<Vec<f64>>,
    /// Times and entities that are not scored.
    skipped: usize,
}

impl Shared {
    fn of(columns: &[Vec<f64>], champion_name: &str) -> Result<Self> {
        let [
            dates,
            entities,
            candidate,
            champion,
            actual,
            predicted,
            earned,
        ] = columns
        else {
            return Err(Error::internal(NAME, "seven numbers were expected"));
        };
        let mut candidates = candidate.clone();
        candidates.sort_unstable_by(f64::total_cmp);
        candidates.dedup();
        let place = |number: f64| candidates.partition_point(|known| *known < number);
        let of_champion = champion.iter().position(|&is| is == 1.0);
        if of_champion.is_none() && !champion_name.is_empty() {
            let fix = "no row has that candidate; pass a value of the candidate column, or NULL";
            let name = quote_text(champion_name);
            return Err(Error::argument(NAME, "champion", name, fix));
        }
        let mut shared = Self {
            champion: of_champion.map(|row| place(candidate[row])),
            dates: Vec::new(),
            entities: Vec::new(),
            actual: Vec::new(),
            earned: Vec::new(),
            predicted: vec![Vec::new(); candidates.len()],
            skipped: 0,
            candidates: candidates.clone(),
        };
        let mut start = 0;
        while start < dates.len() {
            let key = (dates[start], entities[start]);
            let mut end = start + 1;
            while end < dates.len() && (dates[end], entities[end]) == key {
                end += 1;
            }
            let rows = start..end;
            start = end;
            if candidate[rows.clone()]
                .windows(2)
                .any(|pair| pair[0] == pair[1])
            {
                return Err(Error::data(
                    NAME,
                    "two rows share candidate, date and entity; aggregate them to one, or add a column that tells them apart",
                ));
            }
            let is_predicted = |row: usize| !predicted[row].is_nan();
            if rows.len() < candidates.len() || !rows.clone().all(is_predicted) {
                shared.skipped += 1;
                continue;
            }
            let happened = outcome("actual", &actual[rows.clone()])?;
            shared.skipped += usize::from(happened.is_nan());
            shared.dates.push(key.0);
            shared.entities.push(key.1);
            shared.actual.push(happened);
            shared
                .earned
                .push(outcome("forward_return", &earned[rows.clone()])?);
            for row in rows {
                shared.predicted[place(candidate[row])].push(predicted[row]);
            }
        }
        Ok(shared)
    }

    /// Whether the metric fits what was passed.
    fn check(&self, score: Score) -> Result<()> {
        if !score.is_of_probabilities() {
            return Ok(());
        }
        let mut outcomes = self.actual.iter().filter(|actual| !actual.is_nan());
        if let Some(actual) = outcomes.find(|a| **a != 0.0 && **a != 1.0) {
            let fix = "the metric is of probabilities: pass outcomes of 0 or 1, or another metric";
            return Err(Error::argument(NAME, "actual", actual, fix));
        }
        let mut all = self.predicted.iter().flatten();
        match all.find(|p| !(0.0..=1.0).contains(*p)) {
            Some(predicted) => {
                let fix = "the metric is of probabilities: pass those of 1, from 0 to 1, or another metric";
                Err(Error::argument(NAME, "predicted", predicted, fix))
            }
            None => Ok(()),
        }
    }

    /// The series of each candidate on the dates on which all have a score.
    fn scores(&self, score: Score) -> Vec<Vec<f64>> {
        let known = |column: &[f64]| -> Vec<f64> {
            let pairs = column.iter().zip(&self.actual);
            let known = pairs.filter(|(_, actual)| !actual.is_nan());
            known.map(|(value, _)| *value).collect()
        };
        let (dates, actual) = (known(&self.dates), known(&self.actual));
        let each = self.predicted.iter().map(|predicted| {
            let candidate = Candidate {
                actual: &actual,
                predicted: &known(predicted),
            };
            score.by_date(candidate, &dates)
        });
        complete(each.collect())
    }

    /// The net returns of each candidate, of the periods that have one.
    fn returns(&self, rules: &Rules) -> Vec<Vec<f64>> {
        let each = self.predicted.iter().map(|prediction| {
            let panel = Panel {
                dates: &self.dates,
                entities: &self.entities,
                prediction,
                earned: &self.earned,
            };
            net_returns(&panel, rules)
        });
        complete(each.collect())
    }
}

/// What happened at a time of an entity, as each candidate's row has it; NaN if one
/// does not know.
fn outcome(name: &str, values: &[f64]) -> Result<f64> {
    let mut known = values.iter().filter(|value| !value.is_nan());
    let first = known.next().copied().unwrap_or(f64::NAN);
    if known.any(|value| *value != first) {
        return Err(Error::data(
            NAME,
            format!(
                "column '{name}' differs between candidates at one time of one entity; they must be judged by the same \
                 outcome: join the predictions to one table of outcomes"
            ),
        ));
    }
    let complete = !values.iter().any(|value| value.is_nan());
    Ok(if complete { first } else { f64::NAN })
}

/// The series without the periods in which one has no value.
fn complete(series: Vec<Vec<Option<f64>>>) -> Vec<Vec<f64>> {
    let periods = series.first().map_or(0, Vec::len);
    let kept: Vec<usize> = (0..periods)
        .filter(|&period| series.iter().all(|values| values[period].is_some()))
        .collect();
    series
        .iter()
        .map(|values| kept.iter().filter_map(|&period| values[period]).collect())
        .collect()
}

/// What is found of the candidates, in their order.
struct Judged {
    /// The candidate that the others are compared with.
    reference: usize,
    /// Whether that is a champion, and not only the best.
    is_incumbent: bool,
    /// The mean of the scores, higher being better; `None` without a period.
    means: Vec<Option<f64>>,
    values: Vec<Option<f64>>,
    differences: Vec<Option<f64>>,
    /// Score less the reference's, period by period, higher being better.
    series: Vec<Vec<f64>>,
    tested: Vec<Tested>,
    adjusted: Vec<Option<f64>>,
    sharpes: Vec<Option<Sharpe>>,
    deflated: Vec<Option<f64>>,
    pbo: Option<f64>,
}

impl Judged {
    fn of(scores: &[Vec<f64>], score: Score, champion: Option<usize>) -> Self {
        let sign = score.sign();
        let mean = |series: &Vec<f64>| {
            let n = series.len() as f64;
            let origin = series.first()?;
            Some(origin + series.iter().map(|x| x - origin).sum::<f64>() / n)
        };
        let raw: Vec<Option<f64>> = scores.iter().map(mean).collect();
        let means: Vec<Option<f64>> = raw.iter().map(|m| m.map(|m| m * sign)).collect();
        let best =
            (1..means.len()).fold(0, |best, i| if means[i] > means[best] { i } else { best });
        let reference = champion.unwrap_or(best);
        let values: Vec<Option<f64>> = raw.iter().map(|m| m.map(|m| score.metric(m))).collect();
        let differences = values
            .iter()
            .map(|value| Some((value.as_ref()? - values[reference]?) * sign))
            .collect();
        let less = |series: &Vec<f64>| -> Vec<f64> {
            let pairs = series.iter().zip(&scores[reference]);
            pairs.map(|(a, b)| (a - b) * sign).collect()
        };
        Self {
            reference,
            is_incumbent: champion.is_some(),
            means,
            values,
            differences,
            series: scores.iter().map(less).collect(),
            tested: vec![Tested::default(); scores.len()],
            adjusted: vec![None; scores.len()],
            sharpes: vec![None; scores.len()],
            deflated: vec![None; scores.len()],
            pbo: None,
        }
    }

    fn test(&mut self, options: &Options, score: Score, horizon: usize) {
        // Net returns are of periods that do not overlap.
        let horizon = if score == Score::NetReturn {
            1
        } else {
            horizon
        };
        let resampling = match options.text("test") {
            "stationary_bootstrap" => Some(Resampling::Stationary),
            "block_bootstrap" => Some(Resampling::MovingBlock),
            _ => None,
        };
        for (i, series) in self.series.iter().enumerate() {
            if i == self.reference {
                continue;
            }
            let block = Bootstrap::block_of(series.len(), horizon) as i64;
            self.tested[i] = match resampling {
                None => diebold_mariano(series, horizon),
                Some(resampling) => Bootstrap {
                    resampling,
                    block: options.integer_or("block", block) as usize,
                    draws: options.integer("draws") as usize,
                    seed: options.integer("seed") as u64,
                }
                .test(series),
            };
        }
        let p_values: Vec<Option<f64>> = self.tested.iter().map(|t| t.p_value).collect();
        self.adjusted = holm(&p_values);
    }

    fn deflate(&mut self, returns: &[Vec<f64>], options: &Options) -> Result<()> {
        let candidates = self.values.len();
        let trials = options.integer_or("trials", candidates as i64);
        if trials < candidates as i64 {
            return Err(Error::argument(
                NAME,
                "trials",
                trials,
                format!(
                    "there are {candidates} candidates, and each was a trial; count all that were tried"
                ),
            ));
        }
        if returns.is_empty() {
            return Ok(());
        }
        self.sharpes = returns.iter().map(|series| sharpe(series)).collect();
        let ratios: Vec<f64> = self.sharpes.iter().flatten().map(|s| s.ratio).collect();
        let own = ReturnMoments::of(&ratios, 0.0).deviation();
        let given = options.number_or("trials_deviation", f64::NAN);
        let deviation = if given.is_nan() { own } else { Some(given) };
        let deviation = match deviation {
            _ if trials == 1 => 0.0,
            Some(deviation) => deviation,
            // Fewer than two of them have a ratio.
            None if candidates > 1 => return Ok(()),
            None => {
                let fix = "one candidate does not tell how trials differ: pass the standard deviation of their Sharpe ratios";
                return Err(Error::argument(NAME, "trials_deviation", "NULL", fix));
            }
        };
        let best = expected_best(trials as f64, deviation);
        let above = |sharpe: &Option<Sharpe>| sharpe.as_ref()?.probability_above(best);
        self.deflated = self.sharpes.iter().map(above).collect();
        Ok(())
    }

    /// Why each is the winner, or is not, the winner's first.
    fn reasons(&self, options: &Options, periods: usize) -> Reasons {
        let level = options.number("level");
        let (max_pbo, min_dsr) = (options.number("max_pbo"), options.number("min_dsr"));
        let too_overfitted = self.pbo.filter(|pbo| *pbo > max_pbo);
        let metric = options.text("metric");
        let against = if self.is_incumbent {
            "the champion"
        } else {
            "the best"
        };
        let why_not = |i: usize| -> Option<String> {
            let (Some(mean), Some(reference)) = (self.means[i], self.means[self.reference]) else {
                return Some("there is no period in which all candidates have a score".to_owned());
            };
            let p = self.adjusted[i];
            if mean < reference {
                return Some(match p {
                    Some(p) if p <= level => format!("worse than {against}, p = {}", short(p)),
                    Some(p) => format!(
                        "worse than {against}, but perhaps by chance (p = {})",
                        short(p)
                    ),
                    None => format!("worse than {against}"),
                });
            }
            if mean == reference {
                return Some(format!("no better than {against}"));
            }
            match p {
                None if periods < 2 => Some("better, but in one period only".to_owned()),
                None => Some("better, but the difference cannot be tested: it does not vary, or the horizon is too long for the \
                              periods".to_owned()),
                Some(p) if p > level => Some(format!(
                    "better, but perhaps by chance: p = {} is above {}",
                    short(p),
                    short(level)
                )),
                Some(_) => match (too_overfitted, self.deflated[i]) {
                    (Some(pbo), _) => Some(format!(
                        "better, but the choice is overfitted: pbo {} is above {}",
                        short(pbo),
                        short(max_pbo)
                    )),
                    (None, Some(dsr)) if dsr < min_dsr => Some(format!(
                        "better, but among so many trials its Sharpe ratio proves too little: dsr {} is below {}",
                        short(dsr),
                        short(min_dsr)
                    )),
                    (None, None) if min_dsr > 0.0 => {
                        Some("better, but it has no dsr; pass forward_return".to_owned())
                    }
                    _ => None,
                },
            }
        };
        let count = self.means.len();
        let mut texts: Vec<Option<String>> = (0..count)
            .map(|i| {
                if i == self.reference {
                    None
                } else {
                    why_not(i)
                }
            })
            .collect();
        let able = (0..count).filter(|&i| i != self.reference && texts[i].is_none());
        let challenger = able.fold(None, |best: Option<usize>, i| match best {
            Some(best) if self.means[best] >= self.means[i] => Some(best),
            _ => Some(i),
        });
        let winner = challenger.unwrap_or(self.reference);
        for (i, text) in texts.iter_mut().enumerate() {
            if i != winner && text.is_none() {
                *text = Some(if i == self.reference {
                    "replaced: a challenger is better".to_owned()
                } else {
                    "better than the champion, but the winner is better still".to_owned()
                });
            }
        }
        let evidence = |i: usize| {
            let dsr = self.deflated[i].map(|dsr| format!(", dsr {}", short(dsr)));
            let pbo = self.pbo.map(|pbo| format!(", pbo {}", short(pbo)));
            format!("{}{}", dsr.unwrap_or_default(), pbo.unwrap_or_default())
        };
        let others = count - 1;
        let text = match (challenger, self.is_incumbent) {
            (Some(i), _) => format!(
                "better than the champion by {} ({metric}), p = {} with Holm's correction for {others} challengers{}",
                short(self.differences[i].unwrap_or(f64::NAN)),
                short(self.adjusted[i].unwrap_or(f64::NAN)),
                evidence(i)
            ),
            (None, _) if others == 0 => format!("the only candidate{}", evidence(winner)),
            (None, true) => format!(
                "stays: no challenger is better beyond doubt{}",
                evidence(winner)
            ),
            (None, false) => {
                let beaten = self
                    .adjusted
                    .iter()
                    .flatten()
                    .filter(|p| **p <= level)
                    .count();
                format!(
                    "best by {metric}, better than {beaten} of {others} beyond doubt{}",
                    evidence(winner)
                )
            }
        };
        texts[winner] = Some(text);
        Reasons { winner, texts }
    }

    fn table(&self, shared: &Shared, metric: &str, scores: &[Vec<f64>], reasons: Reasons) -> Value {
        let count = shared.candidates.len();
        let periods = scores.first().map_or(0, Vec::len);
        let whole = |value: usize| Column::Integer(vec![Some(value as i64); count]);
        let flags =
            |chosen: usize| Column::Boolean((0..count).map(|i| Some(i == chosen)).collect());
        let numbers = shared.candidates.iter();
        Value::Rows(vec![
            Column::Integer(numbers.map(|number| Some(*number as i64)).collect()),
            flags(self.reference),
            Column::Text(vec![Some(metric.to_owned()); count]),
            Column::Double(self.values.clone()),
            Column::Double(self.differences.clone()),
            Column::Double(self.tested.iter().map(|t| t.statistic).collect()),
            Column::Double(self.tested.iter().map(|t| t.p_value).collect()),
            Column::Double(self.adjusted.clone()),
            Column::Double(self.sharpes.iter().map(|s| s.map(|s| s.ratio)).collect()),
            Column::Double(self.deflated.clone()),
            Column::Double(vec![self.pbo; count]),
            whole(periods),
            whole(shared.actual.iter().filter(|x| !x.is_nan()).count()),
            whole(shared.skipped),
            flags(reasons.winner),
            Column::Text(reasons.texts),
        ])
    }
}

/// The winner's place, and a sentence per candidate.
struct Reasons {
    winner: usize,
    texts: Vec<Option<String>>,
}

/// A number for a sentence.
fn short(value: f64) -> String {
    if value != 0.0 && value.abs() < 0.001 {
        format!("{value:.2e}")
    } else {
        let text = format!("{value:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

#[cfg(test)]
mod tests;
