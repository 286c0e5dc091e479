//! What positions taken from predictions would have earned, period by period: a
//! vectorised evaluation, without fills, borrowing or market impact.

use crate::statistics::group_ranks::Ranker;

/// How predictions become positions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Position {
    /// An equal share of the capital for each name, long or short.
    Sign,
    /// By rank among the names of the date, longs and shorts of equal weight.
    Rank,
    /// In proportion to the prediction; all capital is invested.
    Proportional,
    /// In proportion: a prediction of 1 / scale, or more, is the whole of the
    /// name's equal share of the capital.
    Scaled(f64),
}

/// What is simulated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// How predictions become positions.
    pub position: Position,
    /// Whether the date's mean prediction is taken off first.
    pub demean: bool,
    /// Share of what is traded that trading costs.
    pub cost: f64,
    /// Positions are taken every so many dates, which is how far returns look
    /// ahead.
    pub horizon: usize,
}

/// The rows of a panel, those of a date following each other, dates ascending;
/// within a date by entity, each once. NaN is missing.
#[derive(Debug, Clone, Copy)]
pub struct Panel<'a> {
    /// A number that grows with time.
    pub dates: &'a [f64],
    /// A number per entity.
    pub entities: &'a [f64],
    /// What was predicted at the date.
    pub prediction: &'a [f64],
    /// What is earned after the date, as a share.
    pub earned: &'a [f64],
}

/// From one date on which positions are taken to the next.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Period {
    /// The date's number.
    pub date: f64,
    /// Rows with a prediction and a return.
    pub rows: usize,
    /// Rows without either.
    pub skipped: usize,
    /// Rows with a position whose return is missing, taken as 0.
    pub unpriced: usize,
    /// Sum of the positive positions.
    pub long: f64,
    /// Sum of the negative positions.
    pub short: f64,
    /// Sum of what was bought and sold, as a share of the capital.
    pub turnover: f64,
    /// What the positions earned; `None` where no return of the date is known:
    /// then nothing is traded, and nothing earned.
    pub gross: Option<f64>,
    /// What trading cost.
    pub cost: f64,
    /// Capital after the period, 1 at first.
    pub equity: f64,
    /// Capital by its highest so far, less 1.
    pub drawdown: f64,
}

impl Period {
    /// What is left of the earnings after costs.
    pub fn net(&self) -> Option<f64> {
        self.gross.map(|gross| gross - self.cost)
    }
}

/// The periods of a panel.
///
/// A position is taken from the predictions of its own date alone, by every row
/// that has one, whether or not its return is known, and earns the return of that
/// row. Names without a row or a prediction have no position. Turnover is the sum of
/// |position - position one period earlier| over names; it does not count that
/// positions drift with prices, nor closing the last one. Capital that falls to 0
/// stays there.
pub fn backtest(panel: &Panel<'_>, rules: &Rules) -> Vec<Period> {
    let mut periods = Vec::new();
    let mut ranker = Ranker::default();
    let mut held: Vec<(f64, f64)> = Vec::new();
    let (mut equity, mut peak) = (1.0_f64, 1.0_f64);
    let (mut start, mut number) = (0, 0);
    while start < panel.dates.len() {
        let date = panel.dates[start];
        let same = panel.dates[start..].iter().take_while(|&&d| d == date);
        let rows = start..start + same.count();
        start = rows.end;
        number += 1;
        if (number - 1) % rules.horizon.max(1) != 0 {
            continue;
        }
        let predicted: Vec<usize> = rows
            .clone()
            .filter(|&row| !panel.prediction[row].is_nan())
            .collect();
        let is_priced = |row: &usize| !panel.earned[*row].is_nan();
        let used = predicted
            .iter()
            .copied()
            .filter(|row| is_priced(row))
            .count();
        let mut period = Period {
            date,
            rows: used,
            skipped: rows.len() - used,
            ..Period::default()
        };
        if rows.clone().any(|row| is_priced(&row)) {
            let values: Vec<f64> = predicted.iter().map(|&row| panel.prediction[row]).collect();
            let weights = positions(&values, rules, &mut ranker);
            let mut gross = 0.0;
            for (&row, &weight) in predicted.iter().zip(&weights) {
                if is_priced(&row) {
                    gross += weight * panel.earned[row];
                } else if weight != 0.0 {
                    period.unpriced += 1;
                }
                period.long += weight.max(0.0);
                period.short += weight.min(0.0);
            }
            let taken: Vec<(f64, f64)> = predicted
                .iter()
                .map(|&row| panel.entities[row])
                .zip(weights)
                .collect();
            period.turnover = traded(&held, &taken);
            period.cost = rules.cost * period.turnover;
            period.gross = Some(gross);
            held = taken;
        }
        equity = (equity * (1.0 + period.net().unwrap_or(0.0))).max(0.0);
        peak = peak.max(equity);
        period.equity = equity;
        period.drawdown = equity / peak - 1.0;
        periods.push(period);
    }
    periods
}

/// A position per prediction of a date; their absolute values add up to 1 at most.
fn positions(predictions: &[f64], rules: &Rules, ranker: &mut Ranker) -> Vec<f64> {
    let n = predictions.len() as f64;
    let mean = match predictions.first() {
        // Deviations from the first value are exact zeros where all are equal.
        Some(&origin) if rules.demean => {
            origin + predictions.iter().map(|x| x - origin).sum::<f64>() / n
        }
        _ => 0.0,
    };
    let signal = predictions.iter().map(|x| x - mean);
    let mut weights: Vec<f64> = match rules.position {
        Position::Sign => {
            return signal
                .map(|x| if x == 0.0 { 0.0 } else { x.signum() / n })
                .collect();
        }
        Position::Scaled(scale) => {
            return signal.map(|x| (x * scale).clamp(-1.0, 1.0) / n).collect();
        }
        Position::Proportional => signal.collect(),
        Position::Rank => {
            let mut ranks = Vec::with_capacity(predictions.len());
            ranker.rank(predictions, &mut ranks);
            ranks
        }
    };
    // The largest first: tiny predictions would vanish in the sum.
    let largest = weights.iter().fold(0.0_f64, |most, w| most.max(w.abs()));
    if largest == 0.0 {
        return weights;
    }
    weights.iter_mut().for_each(|weight| *weight /= largest);
    let invested: f64 = weights.iter().map(|weight| weight.abs()).sum();
    weights.iter_mut().for_each(|weight| *weight /= invested);
    weights
}

/// The sum of |after - before| over entities, which ascend in both.
fn traded(before: &[(f64, f64)], after: &[(f64, f64)]) -> f64 {
    let (mut b, mut a, mut sum) = (0, 0, 0.0);
    while b < before.len() || a < after.len() {
        let next = |list: &[(f64, f64)], at: usize| list.get(at).map_or(f64::INFINITY, |x| x.0);
        let entity = next(before, b).min(next(after, a));
        let mut change = 0.0;
        if next(after, a) == entity {
            change += after[a].1;
            a += 1;
        }
        if next(before, b) == entity {
            change -= before[b].1;
            b += 1;
        }
        sum += change.abs();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{Panel, Period, Position, Rules, backtest};
    use crate::statistics::random::Random;

    const NAN: f64 = f64::NAN;

    const SIGN: Rules = Rules {
        position: Position::Sign,
        demean: false,
        cost: 0.0,
        horizon: 1,
    };

    /// Two names on three dates.
    fn run(prediction: &[f64], earned: &[f64], rules: &Rules) -> Vec<Period> {
        let dates = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0];
        let entities = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0];
        let panel = Panel {
            dates: &dates[..prediction.len()],
            entities: &entities[..prediction.len()],
            prediction,
            earned,
        };
        backtest(&panel, rules)
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-15, "{found} {expected}");
    }

    #[test]
    fn positions_earn_what_follows_and_trading_costs() {
        let prediction = [0.1, -0.2, 0.3, 0.1, 0.0, -0.1];
        let earned = [0.02, 0.01, -0.04, 0.02, 0.5, 0.1];
        let rules = Rules { cost: 0.01, ..SIGN };
        let found = run(&prediction, &earned, &rules);
        let gross: Vec<f64> = found.iter().map(|p| p.gross.unwrap()).collect();
        close(gross[0], 0.5 * 0.02 - 0.5 * 0.01);
        close(gross[1], 0.5 * -0.04 + 0.5 * 0.02);
        close(gross[2], -0.5 * 0.1);
        let turnover: Vec<f64> = found.iter().map(|p| p.turnover).collect();
        // Into 0.5 and -0.5; the second turns; the first is left, the second turns.
        assert_eq!(turnover, [1.0, 1.0, 1.5]);
        let equity = (1.0 + gross[0] - 0.01) * (1.0 + gross[1] - 0.01) * (1.0 + gross[2] - 0.015);
        close(found[2].equity, equity);
        // Every period lost: the peak is where it began.
        close(found[2].drawdown, equity - 1.0);
        assert_eq!((found[0].long, found[0].short), (0.5, -0.5));
    }

    /// What is known later than the prediction moves no position.
    #[test]
    fn a_missing_return_keeps_its_position() {
        let prediction = [0.1, 0.2, 0.1, NAN, 0.1, 0.1];
        let earned = [0.02, NAN, 0.03, 0.5, NAN, NAN];
        let found = run(&prediction, &earned, &SIGN);
        assert_eq!(found[0].unpriced, 1);
        assert_eq!((found[0].long, found[0].gross), (1.0, Some(0.01)));
        assert_eq!((found[0].rows, found[0].skipped), (1, 1));
        // The only name left has all the capital.
        assert_eq!((found[1].long, found[1].turnover), (1.0, 1.0));
        // Nothing is known of the last date: nothing is done.
        assert_eq!((found[2].gross, found[2].turnover), (None, 0.0));
        assert_eq!(found[2].equity, found[1].equity);
    }

    /// Cutting the data off, or changing what comes later, changes no period before.
    #[test]
    fn no_period_knows_the_future() {
        let mut random = Random::stream(17, "panel", 0);
        let mut unit = || (random.bits() >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
        let mut columns: [Vec<f64>; 4] = Default::default();
        for row in 0..300 {
            let missing = |value: f64| if value > 0.4 { NAN } else { value };
            let values = [
                f64::from(row / 5),
                f64::from(row % 5),
                missing(unit()),
                missing(unit()),
            ];
            columns.iter_mut().zip(values).for_each(|(c, v)| c.push(v));
        }
        let found = |rows: usize, columns: &[Vec<f64>; 4], rules: &Rules| {
            let panel = Panel {
                dates: &columns[0][..rows],
                entities: &columns[1][..rows],
                prediction: &columns[2][..rows],
                earned: &columns[3][..rows],
            };
            let periods = backtest(&panel, rules);
            periods.iter().map(|p| format!("{p:?}")).collect::<Vec<_>>()
        };
        let mut later = columns.clone();
        later[2][200..].iter_mut().for_each(|x| *x = -*x);
        later[3][200..].iter_mut().for_each(|x| *x *= 2.0);
        for position in [Position::Sign, Position::Rank, Position::Proportional] {
            for demean in [false, true] {
                let rules = Rules {
                    position,
                    demean,
                    cost: 0.001,
                    horizon: 2,
                };
                let whole = found(300, &columns, &rules);
                let before = found(200, &columns, &rules);
                assert_eq!(before.len(), 20);
                assert_eq!(whole[..20], before);
                assert_eq!(found(300, &later, &rules)[..20], before);
            }
        }
    }

    /// alphalens' factor_weights: demeaned, absolute values adding up to one.
    #[test]
    fn positions_by_name() {
        let earned = [0.1, 0.1];
        let weights = |position, demean, prediction: [f64; 2]| {
            let rules = Rules {
                position,
                demean,
                ..SIGN
            };
            let found = run(&prediction, &earned, &rules)[0];
            (found.long, found.short)
        };
        assert_eq!(weights(Position::Rank, false, [3.0, 9.0]), (0.5, -0.5));
        assert_eq!(weights(Position::Rank, false, [3.0, 3.0]), (0.0, 0.0));
        let proportional = Position::Proportional;
        assert_eq!(weights(proportional, false, [3.0, 1.0]), (1.0, 0.0));
        assert_eq!(weights(proportional, false, [3.0, -1.0]), (0.75, -0.25));
        assert_eq!(weights(proportional, true, [3.0, 1.0]), (0.5, -0.5));
        assert_eq!(weights(proportional, true, [3.0, 3.0]), (0.0, 0.0));
        let scaled = Position::Scaled(10.0);
        assert_eq!(weights(scaled, false, [0.05, 7.0]), (0.75, 0.0));
        assert_eq!(weights(Position::Sign, true, [3.0, 1.0]), (0.5, -0.5));
    }

    #[test]
    fn a_horizon_skips_dates_and_ruin_is_final() {
        let prediction = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        let earned = [0.1, 0.1, 0.2, 0.2, 0.3, 0.3];
        let every_second = Rules { horizon: 2, ..SIGN };
        let found = run(&prediction, &earned, &every_second);
        let dates: Vec<f64> = found.iter().map(|period| period.date).collect();
        assert_eq!(dates, [1.0, 3.0]);
        close(found[1].equity, 1.1 * 1.3);
        let short = prediction.map(|x| -x);
        let found = run(&short, &[3.0, 3.0, -0.5, -0.5, 0.0, 0.0], &SIGN);
        assert_eq!(found.iter().map(|p| p.equity).collect::<Vec<_>>(), [0.0; 3]);
        assert_eq!(found[2].drawdown, -1.0);
    }
}
