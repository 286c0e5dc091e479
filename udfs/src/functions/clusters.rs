//! `lagrange_clusters`.

use super::correlation_state::{Correlated, CorrelationState, HAS_TARGET, METHOD, Of};
use super::gather::NON_NUMERIC;
use crate::definition::{Accepts, Aggregate, Argument, Category, Kind, OptionKey, Signature};
use crate::error::Result;
use crate::input::{Inputs, Rows};
use crate::statistics::clusters::{average_linkage, by_strength, comparable, greedy};
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct Clusters;

/// As options and arguments call them.
pub const LINKAGES: &[&str] = &["greedy", "average"];

/// The columns of correlation_clusters.
pub const FIELDS: &[(&str, Type)] = &[
    ("feature", Type::Text),
    ("cluster", Type::Integer),
    ("representative", Type::Text),
    ("is_representative", Type::Boolean),
    ("size", Type::Integer),
    ("correlation_with_representative", Type::Double),
    ("correlation_with_target", Type::Double),
    ("n", Type::Integer),
    ("status", Type::Text),
];

static SIGNATURE: Signature = Signature {
    name: "lagrange_clusters",
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required(
            "target",
            Kind::Number,
            "what the features are to predict, or NULL",
        ),
        Argument::required("features", Kind::Features, "one field per feature"),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        METHOD,
        OptionKey {
            name: "linkage",
            accepts: Accepts::Choice(LINKAGES),
            default: "\"greedy\"",
            docs: "how clusters come about",
        },
        OptionKey {
            name: "threshold",
            accepts: Accepts::Number(0.0, 1.0),
            default: "0.8",
            docs: "the |r| above which features repeat each other",
        },
        HAS_TARGET,
        NON_NUMERIC,
    ],
    returns: Type::Rows(FIELDS),
    nulls: "As correlation_clusters. No rows: NULL.",
    docs: "Groups of features that repeat each other.\n\n\
           What correlation_clusters makes a table of; one entry per feature, in the order of the struct.",
    example: "SELECT unnest(lagrange_clusters(y, {'a': a, 'b': b})) AS feature \
              FROM (SELECT 1.0 AS a, 2.0 AS b, 1.0 AS y UNION ALL SELECT 2.0, 4.0, 3.0 UNION ALL SELECT 3.0, 5.0, 2.0) t",
};

const OF: Of = Of(&SIGNATURE, "correlation_clusters");

impl Aggregate for Clusters {
    type State = CorrelationState;

    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn start(&self) -> CorrelationState {
        CorrelationState::default()
    }

    fn update(
        &self,
        state: &mut CorrelationState,
        inputs: &Inputs<'_>,
        rows: Rows<'_>,
    ) -> Result<()> {
        state.update(OF, inputs, rows)
    }

    fn merge(&self, into: &mut CorrelationState, from: &CorrelationState) -> Result<()> {
        into.merge(OF, from)
    }

    fn finish(&self, state: &CorrelationState) -> Result<Value> {
        let correlated = state.finish(OF, false)?;
        Ok(correlated.map_or(Value::Null, |correlated| clusters(&correlated)))
    }

    fn size(&self, state: &CorrelationState) -> usize {
        state.size()
    }
}

/// Which cluster each feature is in, and which feature stands for it.
struct Assignment {
    /// From 1.
    cluster: Vec<i64>,
    representative: Vec<usize>,
}

fn clusters(correlated: &Correlated<'_>) -> Value {
    let Correlated {
        names,
        matrix,
        before,
        options,
    } = correlated;
    let p = names.len();
    let r = |i: usize, j: usize| matrix.pair(i + before, j + before).r;
    let abs_r = |i: usize, j: usize| r(i, j).map_or(0.0, f64::abs);
    let with_target = |i: usize| {
        let pair = (*before > 0).then(|| matrix.pair(0, i + before));
        pair.and_then(|pair| pair.r)
    };
    let strength = |i: usize| with_target(i).map_or(0.0, f64::abs);
    let threshold = options.number("threshold");
    let Assignment {
        cluster,
        representative,
    } = if options.text("linkage") == "average" {
        let label = average_linkage(p, abs_r, threshold);
        let has_target = *before > 0;
        most_typical(&label, |i, members| {
            if has_target {
                return strength(i);
            }
            let others = members.iter().filter(|&&j| j != i);
            others.map(|&j| abs_r(i, j)).sum::<f64>() / members.len() as f64
        })
    } else {
        let order = by_strength(p, strength);
        let anchor_of = greedy(p, &order, abs_r, threshold);
        numbered_by_anchor(&order, anchor_of)
    };

    let mut sizes = vec![0; p + 1];
    for &cluster in &cluster {
        sizes[cluster as usize] += 1;
    }
    let features = || representative.iter().copied().enumerate();
    let varies = |i: usize| matrix.varies(i + before);
    let with_representative = |(i, representative): (usize, usize)| {
        if i == representative {
            varies(i).then_some(1.0)
        } else {
            r(i, representative)
        }
    };
    let status = |i: usize| match matrix.present(i + before) {
        0 => "no values",
        _ if !varies(i) => "constant",
        _ => "ok",
    };
    let present = |i: usize| Some(matrix.present(i + before) as i64);
    Value::Rows(vec![
        Column::Text(names.iter().cloned().map(Some).collect()),
        Column::Integer(cluster.iter().copied().map(Some).collect()),
        Column::Text(features().map(|(_, r)| Some(names[r].clone())).collect()),
        Column::Boolean(features().map(|(i, r)| Some(i == r)).collect()),
        Column::Integer(cluster.iter().map(|&c| Some(sizes[c as usize])).collect()),
        Column::Double(features().map(with_representative).collect()),
        Column::Double((0..p).map(with_target).collect()),
        Column::Integer((0..p).map(present).collect()),
        Column::Text((0..p).map(|i| Some(status(i).to_owned())).collect()),
    ])
}

/// Anchors are numbered in the order in which they became anchors.
fn numbered_by_anchor(order: &[usize], anchor_of: Vec<usize>) -> Assignment {
    let mut number = vec![0; anchor_of.len()];
    let anchors = order.iter().filter(|&&i| anchor_of[i] == i);
    for (place, &anchor) in (1..).zip(anchors) {
        number[anchor] = place;
    }
    Assignment {
        cluster: anchor_of.iter().map(|&anchor| number[anchor]).collect(),
        representative: anchor_of,
    }
}

/// Of each cluster, the member with the greatest `score`, of equal ones the
/// first.
fn most_typical(label: &[usize], score: impl Fn(usize, &[usize]) -> f64) -> Assignment {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); label.len()];
    for (i, &label) in label.iter().enumerate() {
        members[label].push(i);
    }
    let best: Vec<usize> = members
        .iter()
        .map(|members| {
            let scored = members.iter().map(|&i| (comparable(score(i, members)), i));
            let best = scored.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
            best.map_or(0, |(_, i)| i)
        })
        .collect();
    Assignment {
        cluster: label.iter().map(|&label| label as i64 + 1).collect(),
        representative: label.iter().map(|&label| best[label]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::Clusters;
    use crate::definition::Aggregate;
    use crate::error::Result;
    use crate::input::{Feature, Features, Input, Inputs, Numbers, OptionsColumn, Rows};
    use crate::value::{Column, Value};

    struct Constant(Json);

    impl OptionsColumn for Constant {
        fn read(&self, _: usize) -> Result<Json> {
            Ok(self.0.clone())
        }
    }

    /// The table of tests/slt/correlation_clusters.slt: the target and a to h.
    fn table() -> Vec<Vec<f64>> {
        let column = |of: fn(i32, i32, i32, i32) -> f64| -> Vec<f64> {
            let row = |k| of(k, k * 7919 % 101, k * 31 % 17, k * 13 % 29);
            (0..200).map(row).collect()
        };
        vec![
            column(|k, b, _, s| f64::from(3 * s + b + k % 11)),
            column(|k, b, _, _| f64::from(2 * b + k % 50)),
            column(|_, b, _, _| f64::from(b)),
            column(|_, _, c, _| f64::from(c)),
            column(|_, _, c, s| f64::from(s - 3 * c)),
            column(|_, b, _, _| f64::from(20 - b * b)),
            column(|_, _, _, _| 7.0),
            column(|k, _, c, _| {
                if k < 50 {
                    f64::NAN
                } else {
                    f64::from(c + k % 11)
                }
            }),
            column(|_, _, _, _| f64::NAN),
        ]
    }

    /// Rows of the table, in parts that are merged.
    fn clusters(options: &Json, parts: &[std::ops::Range<usize>]) -> Vec<Column> {
        let table = table();
        let mut merged = Clusters.start();
        for part in parts {
            let numbers = |column: &Vec<f64>| Numbers::new(column[part.clone()].to_vec(), None);
            let fields = ["a", "b", "c", "d", "e", "f", "g", "h"]
                .iter()
                .zip(&table[1..]);
            let fields = fields.map(|(name, column)| Feature {
                name: (*name).into(),
                type_name: "DOUBLE".into(),
                numbers: Some(numbers(column)),
                texts: None,
            });
            let inputs = Inputs {
                rows: part.len(),
                columns: vec![
                    Input::Numbers(numbers(&table[0])),
                    Input::Features(Features {
                        fields: fields.collect(),
                    }),
                    Input::Options(Box::new(Constant(options.clone()))),
                ],
            };
            let mut state = Clusters.start();
            let updated = Clusters.update(&mut state, &inputs, Rows::All(part.len()));
            updated.expect("the rows are good");
            Clusters.merge(&mut merged, &state).expect("states merge");
        }
        match Clusters.finish(&merged) {
            Ok(Value::Rows(columns)) => columns,
            other => panic!("{other:?}"),
        }
    }

    fn labels(columns: &[Column]) -> String {
        let (Column::Integer(cluster), Column::Text(representative)) = (&columns[1], &columns[2])
        else {
            panic!("{columns:?}");
        };
        let labels = cluster.iter().zip(representative).map(|(cluster, name)| {
            format!(
                "{}{}",
                cluster.expect("a number"),
                name.as_deref().expect("a name")
            )
        });
        labels.collect::<Vec<_>>().join(" ")
    }

    /// The cluster and representative of each feature: pandas 3.1.1 and SciPy
    /// 1.17.1, see tests/python/correlation_reference.py.
    #[test]
    fn clusters_agree_with_scipy_however_rows_are_split() {
        let cases = [
            ("pearson", 0.8, false, "greedy", "1a 1a 2c 2c 1a 3f 2c 4h"),
            ("pearson", 0.8, true, "greedy", "1b 1b 2d 2d 1b 4f 3g 5h"),
            ("pearson", 0.8, false, "average", "1b 1b 2c 2c 1b 3f 4g 5h"),
            ("pearson", 0.6, true, "average", "1b 1b 2d 2d 1b 3f 2d 4h"),
            ("spearman", 0.8, true, "greedy", "1b 1b 2d 2d 1b 4f 3g 5h"),
            ("kendall", 0.6, true, "greedy", "1b 1b 2d 2d 1b 4f 3g 5h"),
            ("kendall", 0.6, false, "average", "1b 1b 2c 2c 1b 3f 2c 4h"),
        ];
        for (method, threshold, has_target, linkage, expected) in cases {
            let options = json!({
                "method": method,
                "threshold": threshold,
                "has_target": has_target,
                "linkage": linkage,
            });
            let once = clusters(&options, std::slice::from_ref(&(0..200)));
            assert_eq!(labels(&once), expected, "{options}");
            let parts = clusters(&options, &[150..200, 0..3, 20..150, 3..20, 0..0]);
            assert_eq!(labels(&parts), expected, "{options}");
        }
    }

    #[test]
    fn every_feature_says_how_it_is() {
        let columns = clusters(&json!({}), std::slice::from_ref(&(0..200)));
        let text = |values: [&str; 8]| {
            Column::Text(values.iter().map(|text| Some((*text).to_owned())).collect())
        };
        assert_eq!(
            columns[4],
            Column::Integer([3, 3, 2, 2, 3, 1, 1, 1].map(Some).to_vec())
        );
        let n = [200, 200, 200, 200, 200, 200, 150, 0];
        assert_eq!(columns[7], Column::Integer(n.map(Some).to_vec()));
        let status = ["ok", "ok", "ok", "ok", "ok", "constant", "ok", "no values"];
        assert_eq!(columns[8], text(status));
        let Column::Double(own) = &columns[5] else {
            panic!("{columns:?}");
        };
        assert_eq!((own[1], own[5], own[7]), (Some(1.0), None, None));
    }

    #[test]
    fn no_rows_are_null() {
        assert_eq!(Clusters.finish(&Clusters.start()).ok(), Some(Value::Null));
    }
}
