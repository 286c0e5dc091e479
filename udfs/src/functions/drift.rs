//! `drift`.

use super::feature_rows::{EXCLUDE, FEATURES, FeatureRows, unnested};
use super::feature_stability::{AGGREGATE, BINS, PSI_DRIFT, PSI_WARN, options};
use crate::call::{Call, Target, relation_sql};
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::{Error, Result};
use crate::value::Type;

/// The function.
pub(super) const NAME: &str = "drift";

/// See the signature.
pub struct Drift;

static SIGNATURE: Signature = Signature {
    name: NAME,
    aliases: &[],
    category: Category::Screening,
    arguments: &[
        Argument::required("reference", Kind::Relation, "the rows to compare with"),
        Argument::required(
            "current",
            Kind::Relation,
            "the rows that are compared; has the columns of `reference`",
        ),
        FEATURES,
        EXCLUDE,
        BINS,
        PSI_WARN,
        PSI_DRIFT,
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "As feature_stability.",
    docs: "How far the features of one relation lie from those of another.\n\n\
           Columns are matched by name. Returns one row per feature: `feature`, `n_reference`, `n_current` (values), \
           `missing_reference`, `missing_current` (shares), `psi`, `ks`, `ks_p_value`, `js`, `wasserstein`, \
           `wasserstein_scaled`, `mean_shift`, `std_ratio`, `bin_edges`, `status` and `reason`; see feature_stability, with \
           `reference` as the baseline. No row in `current` gives no rows; none in `reference` is an error. Keeps 8 \
           bytes per value.",
    example: "SELECT feature, round(psi, 6) AS psi, status FROM drift(\
              '(SELECT (i * 7) % 11 AS a, i % 5 AS b FROM range(60) r(i))', \
              '(SELECT (i * 7) % 11 AS a, i % 5 + 2 AS b FROM range(50) r(i))') ORDER BY feature",
};

impl Table for Drift {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let current = call
            .text("current")?
            .and_then(relation_sql)
            .ok_or_else(|| {
                let fix = "pass the name of a table, view or CTE, or a query in parentheses";
                Error::argument(NAME, "current", call.literal("current"), fix)
            })?;
        let rows = FeatureRows::of(call, &[])?;
        let beside = |baseline| [("1", "lagrange_period"), (baseline, "lagrange_baseline")];
        let union = match call.target() {
            Target::DuckDb => "UNION ALL BY NAME",
            Target::DataFusion(_) => "UNION ALL",
        };
        let aggregate = format!(
            "{AGGREGATE}(lagrange_period, lagrange_baseline, CAST(NULL AS DOUBLE), {}, {})",
            rows.features,
            options(call, rows.non_numeric, "fixed", NAME)?
        );
        let same = [
            "psi",
            "ks",
            "ks_p_value",
            "js",
            "wasserstein",
            "wasserstein_scaled",
            "mean_shift",
            "std_ratio",
            "bin_edges",
            "status",
            "reason",
        ];
        let mut fields = vec![
            "feature",
            "n_baseline",
            "n",
            "missing_baseline",
            "missing_rate",
        ];
        fields.extend(same);
        Ok(format!(
            "WITH lagrange_rows AS ({} {union} {}) \
             SELECT feature, n_baseline AS n_reference, n AS n_current, missing_baseline AS missing_reference, \
             missing_rate AS missing_current, {} FROM ({}) AS lagrange_measured",
            rows.rows(&beside("1"), ""),
            rows.rows_of(&current, &beside("0"), ""),
            same.join(", "),
            unnested(&fields, &aggregate, "lagrange_rows"),
        ))
    }
}
