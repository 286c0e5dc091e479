//! The rules: what is wrong, how bad it is, why, and what to write instead. The
//! catalogue in the docs and `lagrange check --explain` are made from them.

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A row sees data that comes after it, or a judgement sees what it judges.
    Error,
    /// It most likely does: it depends on the data.
    Warning,
    /// Not understood: neither safe nor wrong.
    Unknown,
}

impl Severity {
    /// As reports print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
        }
    }
}

/// A rule.
#[derive(Debug)]
pub struct Definition {
    /// The rule.
    pub rule: Rule,
    /// Stable: waivers name it.
    pub code: &'static str,
    /// Stable, for people.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence.
    pub title: &'static str,
    /// Why it misleads.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// SQL with the mistake.
    pub bad: &'static str,
    /// The same without it.
    pub good: &'static str,
}

macro_rules! rules {
    ($($rule:ident $code:literal $name:literal $severity:ident
        $title:literal why $why:literal fix $fix:literal bad $bad:literal good $good:literal)*) => {
        /// What a finding is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $title] $rule,)*
        }

        /// Every rule, by code.
        pub static RULES: &[Definition] = &[
            $(Definition {
                rule: Rule::$rule,
                code: $code,
                name: $name,
                severity: Severity::$severity,
                title: $title,
                why: $why,
                fix: $fix,
                bad: $bad,
                good: $good,
            },)*
        ];
    };
}

rules! {
    Lead "LA001" "lead" Error
        "LEAD reads a later row"
        why "The value is not known yet at the time of the row."
        fix "use LAG for a feature; keep LEAD for the target"
        bad "lead(close, 1) OVER (PARTITION BY symbol ORDER BY ts)"
        good "lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts)"
    NegativeLag "LA002" "negative-lag" Error
        "a negative offset turns LAG into LEAD"
        why "LAG by -k reads the row k ahead."
        fix "use a positive offset"
        bad "lag(close, -1) OVER (PARTITION BY symbol ORDER BY ts)"
        good "lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts)"
    VariableOffset "LA003" "variable-offset" Warning
        "the offset is not a constant"
        why "A computed offset can be negative, and then reads a later row; nothing in the script excludes it."
        fix "write a constant offset, or one column per offset"
        bad "lag(close, n) OVER (PARTITION BY symbol ORDER BY ts)"
        good "lag(close, 5) OVER (PARTITION BY symbol ORDER BY ts)"
    Following "LA004" "following-frame" Error
        "the window frame reaches past the current row"
        why "FOLLOWING takes rows that come after the one that gets the value."
        fix "end the frame at CURRENT ROW or earlier"
        bad "avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND 5 FOLLOWING)"
        good "avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 5 PRECEDING AND CURRENT ROW)"
    CoarseOrder "LA005" "coarse-order" Error
        "the window is ordered by something coarser than the time of a row"
        why "Rows of the same day (or hour, or bucket) are peers: a RANGE frame, which is the default, includes the later ones, and with ROWS their order is arbitrary."
        fix "order by the time column itself"
        bad "sum(volume) OVER (PARTITION BY symbol ORDER BY date_trunc('day', ts))"
        good "sum(volume) OVER (PARTITION BY symbol ORDER BY ts)"
    Centred "LA006" "centred-window" Error
        "a centred window averages the future in"
        why "Half of a centred window lies after the row."
        fix "end the frame at CURRENT ROW: BETWEEN 2k PRECEDING AND CURRENT ROW"
        bad "avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING)"
        good "avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 4 PRECEDING AND CURRENT ROW)"
    BackwardFill "LA007" "backward-fill" Error
        "a gap is filled with a value from after it"
        why "At the time of the gap, the value that ends it is not known."
        fix "fill forwards: last_value(x IGNORE NULLS) with a frame that ends at CURRENT ROW"
        bad "first_value(x IGNORE NULLS) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)"
        good "last_value(x IGNORE NULLS) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    LastValue "LA008" "last-value" Error
        "the last value of the whole partition is the future of every row but one"
        why "With UNBOUNDED FOLLOWING, LAST_VALUE and NTH_VALUE read rows to the end of the data."
        fix "end the frame at CURRENT ROW"
        bad "last_value(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
        good "last_value(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    Descending "LA009" "descending-order" Error
        "ORDER BY time DESC turns the past into the future"
        why "In descending order the rows before the current one are the later ones: LAG becomes LEAD, PRECEDING becomes FOLLOWING."
        fix "order by the time ascending"
        bad "lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts DESC)"
        good "lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts)"
    Unpartitioned "LA010" "unpartitioned-window" Error
        "a window over several entities has no PARTITION BY"
        why "The value of one entity mixes with the others', in an order that ties make arbitrary."
        fix "add PARTITION BY the entity"
        bad "avg(close) OVER (ORDER BY ts ROWS 9 PRECEDING)"
        good "avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS 9 PRECEDING)"
    WholePartition "LA011" "whole-partition-window" Error
        "a window without ORDER BY covers the whole partition, the future included"
        why "A mean, a deviation or a share over all rows of an entity knows how its series ends."
        fix "add ORDER BY time and a frame that ends at CURRENT ROW, or PARTITION BY the time"
        bad "(x - avg(x) OVER (PARTITION BY symbol)) AS centred"
        good "(x - avg(x) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)) AS centred"
    CrossesEntities "LA012" "shift-crosses-entities" Error
        "the shift reaches into another entity"
        why "Without PARTITION BY, the row before may be of another entity: at the same time, or at the end of its series."
        fix "add PARTITION BY the entity"
        bad "lag(close, 1) OVER (ORDER BY symbol, ts)"
        good "lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts)"
    WholeTable "LA020" "whole-table-aggregate" Error
        "a statistic of the whole table is brought back to its rows"
        why "A mean, deviation, extreme or quantile over all times holds the future of every row, and the test period."
        fix "compute it over the training rows only (WHERE ts < ...), over the rows before (a window), or per time"
        bad "SELECT x / (SELECT max(x) FROM t) AS scaled FROM t"
        good "SELECT x / (SELECT max(x) FROM t WHERE ts < DATE '2020-01-01') AS scaled FROM t"
    WholeRank "LA021" "whole-table-rank" Error
        "a rank among rows of all times"
        why "Where a value stands among all values is known at the end of the data only."
        fix "rank per time (PARTITION BY ts), or within a window that ends at the row"
        bad "percent_rank() OVER (ORDER BY x)"
        good "percent_rank() OVER (PARTITION BY ts ORDER BY x)"
    SelectionSeesTest "LA022" "selection-before-split" Error
        "features are chosen on rows that include the test period"
        why "Choosing is part of training. What the test says about a feature must not reach the choice."
        fix "pass the training rows only"
        bad "SELECT * FROM feature_screen('labelled', target => 'target')"
        good "WITH training AS (SELECT * FROM labelled WHERE split = 'train') SELECT * FROM feature_screen('training', target => 'target')"
    JudgedOnTraining "LA023" "judged-on-training-rows" Error
        "the model is trained on every row and then judged on some of them"
        why "A model knows the rows that trained it: the figures say how much it memorised."
        fix "fit on the training rows only"
        bad "CREATE TABLE model AS SELECT fit(target, inputs) AS model FROM samples"
        good "CREATE TABLE model AS SELECT fit(target, inputs) AS model FROM samples WHERE split = 'train'"
    NoPurge "LA030" "no-purge" Error
        "the cut leaves rows in training whose target reaches past it"
        why "The target of a row is known some rows later. Rows just before the cut train on what is tested."
        fix "cut by the time at which the target is known (target_time), not by the time of the row"
        bad "WHERE ts < DATE '2020-01-01'"
        good "WHERE target_time < DATE '2020-01-01'"
    ShortPurge "LA031" "short-purge" Error
        "the purge is shorter than the target looks ahead"
        why "Folds drop training rows within `horizon` rows of the test; the target reaches further."
        fix "pass the horizon of the target"
        bad "feature_importance('samples', target => 'target', horizon => 1)  -- a target 5 rows ahead"
        good "feature_importance('samples', target => 'target', horizon => 5)"
    RandomSplit "LA032" "random-split" Error
        "training rows are drawn at random, and not by time"
        why "Neighbours in time share most of their window and their target: a random test row has its answer in the training."
        fix "split by time: WHERE target_time < DATE '...'"
        bad "WHERE hash(symbol, ts) % 10 < 8"
        good "WHERE target_time < DATE '2020-01-01'"
    PeriodEnd "LA040" "period-end-join" Warning
        "joined on the end of a period, not on when its figures were known"
        why "A quarter's figures are published weeks after it ends."
        fix "join on the publication time: published_at <= ts"
        bad "JOIN fundamentals f ON f.symbol = p.symbol AND f.period_end = p.ts"
        good "ASOF JOIN by f.published_at <= p.ts"
    FutureJoin "LA041" "future-join" Error
        "the join takes rows that come later"
        why "The joined row's time is after the row that it is joined to."
        fix "require the joined time to be at or before the row's: r.ts <= l.ts"
        bad "JOIN news n ON n.symbol = p.symbol AND n.ts >= p.ts"
        good "JOIN news n ON n.symbol = p.symbol AND n.ts <= p.ts"
    TimelessJoin "LA042" "join-without-time" Error
        "a table that has a time is joined without it"
        why "Every row meets the rows of all times, the later ones included."
        fix "join on the time too, or take the latest row at or before it (a point-in-time join)"
        bad "JOIN ratings r ON r.symbol = p.symbol"
        good "JOIN ratings r ON r.symbol = p.symbol AND r.ts <= p.ts"
    Bucket "LA043" "open-bucket" Error
        "a figure of a whole day, week or month is brought back to rows within it"
        why "The bucket's sum or close is known when the bucket ends; rows before that do not have it."
        fix "join the bucket before: bucket < date_trunc(..., ts)"
        bad "JOIN monthly m ON m.month = date_trunc('month', p.ts)"
        good "JOIN monthly m ON m.month = date_trunc('month', p.ts) - INTERVAL '1 month'"
    LaterRow "LA050" "later-row" Error
        "of several rows, the latest of all time is taken"
        why "DISTINCT ON or ROW_NUMBER in descending order keeps the last row of the data, for rows of every time."
        fix "keep the latest row at or before each row's time: partition by that time too"
        bad "QUALIFY row_number() OVER (PARTITION BY symbol ORDER BY ts DESC) = 1"
        good "QUALIFY row_number() OVER (PARTITION BY p.symbol, p.ts ORDER BY r.ts DESC) = 1"
    Target "LA060" "target-among-features" Error
        "the target is among the features"
        why "The model is given the answer."
        fix "leave it out of the features, or lag it by the horizon"
        bad "fit(target, {'a': a, 'target': target})"
        good "fit(target, {'a': a})"
    PatternFeature "LA061" "pattern-among-features" Error
        "a base_w pattern is among the features"
        why "Patterns become targets; as features they share their window with the target."
        fix "leave base_w* out; prepare_training_data does so"
        bad "fit(target, {'p': base_w20_s2_distance})"
        good "fit(target, {'d': distance_20})"
    FutureName "LA062" "name-of-the-future" Warning
        "the name of a feature says that it holds the future"
        why "The column comes from outside the script, so only its name tells."
        fix "leave it out, or rename it if it is known at the time of the row"
        bad "fit(y, {'r': forward_return})"
        good "fit(y, {'r': past_return})"
    NonDeterministic "LA070" "non-deterministic" Error
        "the value is another one at every run"
        why "A random feature cannot be reproduced, and the clock of the run is later than every row."
        fix "leave it out, or derive it from the row"
        bad "now() - ts AS age"
        good "ts - first_ts AS age"
    Unknown "LA080" "unknown" Unknown
        "not understood: may read the future"
        why "The function or construct is not known to the check."
        fix "look at it, and waive it with a reason if it is safe"
        bad "my_function(x)"
        good "my_function(x) -- lagrange: allow(LA080) looks at its own row only"
    BadWaiver "LA090" "bad-waiver" Warning
        "a waiver without a known rule or without a reason"
        why "A waiver is a decision; the next reader needs to know why."
        fix "write -- lagrange: allow(LA001) and the reason"
        bad "-- lagrange: allow(LA001)"
        good "-- lagrange: allow(LA001) the label of the test set, never fitted"
    UnusedWaiver "LA091" "unused-waiver" Warning
        "a waiver that waives nothing"
        why "It would hide the next finding on its line."
        fix "remove it"
        bad "lag(x, 1) OVER w -- lagrange: allow(LA001) it looks ahead on purpose"
        good "lag(x, 1) OVER w"
}

impl Rule {
    /// All about it.
    pub fn definition(self) -> &'static Definition {
        // The list is made from the same lines as the rules, in their order.
        &RULES[self as usize]
    }

    /// Its code.
    pub fn code(self) -> &'static str {
        self.definition().code
    }

    /// The rule of a code or a name, in any case.
    pub fn find(text: &str) -> Option<Self> {
        let text = text.trim();
        RULES
            .iter()
            .find(|d| d.code.eq_ignore_ascii_case(text) || d.name.eq_ignore_ascii_case(text))
            .map(|d| d.rule)
    }
}

impl Definition {
    /// For `--explain`.
    pub fn explain(&self) -> String {
        format!(
            "{} {} ({})\n\n{}. {}\n\nFix: {}.\n\nWrong:\n    {}\n\nRight:\n    {}",
            self.code,
            self.name,
            self.severity.name(),
            capitalised(self.title),
            self.why,
            self.fix,
            self.bad.replace('\n', "\n    "),
            self.good.replace('\n', "\n    "),
        )
    }
}

/// The catalogue as a Markdown document: `docs/rules.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Rules of `lagrange check`\n\n\
         An error or a warning fails the check. What is `unknown` is listed and fails nothing. A comment waives a \
         finding of its line or of the next one, with a reason: `-- lagrange: allow(LA001) the label of a study`.\n\n\
         This file is what `lagrange check --rules` prints.\n\n\
         | Rule | Severity | What it finds | Fix |\n|---|---|---|---|\n",
    );
    for d in RULES {
        text.push_str(&format!(
            "| `{}` {} | {} | {} | {} |\n",
            d.code,
            d.name,
            d.severity.name(),
            d.title,
            d.fix.replace('|', "\\|")
        ));
    }
    for d in RULES {
        text.push_str(&format!(
            "\n## {} {}\n\n{}. {}\n\n```sql\n-- wrong\n{}\n-- right\n{}\n```\n",
            d.code,
            d.name,
            capitalised(d.title),
            d.why,
            d.bad,
            d.good
        ));
    }
    text
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
