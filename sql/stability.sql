-- Which features still behave as they did.
--
--   lagrange run sql/demo_data.sql sql/stability.sql
--
-- Reads  `features`: a row per symbol and bar, every column known at its close.
-- Writes `labelled`, `feature_stability`.
--
-- Every period is compared with the first ones, all the way to today. The distributions of
-- features that are known today tell nothing about the future; the coefficients `ic`
-- do, from the test period on, so watch a model with them and do not choose by them.

DECLARE horizon BIGINT DEFAULT 5;         -- bars ahead, of the target
DECLARE train_share DOUBLE DEFAULT 0.7;   -- of the dates, the earliest
DECLARE train_end DATE DEFAULT NULL;      -- the last date of training, if not by share

DECLARE period STRING DEFAULT 'quarter';  -- day, week, month, quarter, year, or a number of dates
DECLARE baseline_periods BIGINT DEFAULT 4; -- the first so many are what later ones are held against
-- Columns that are no inputs of a model.
DECLARE keys_and_patterns ARRAY<STRING> DEFAULT ['symbol', 'ts', 'close', 'base_w*'];

INCLUDE 'labelled.sql';

-- Rows in which the longest window is not full yet would make the baseline another
-- world than the rest.
CREATE OR REPLACE TABLE feature_stability AS
WITH complete AS (
  SELECT * FROM labelled WHERE distance_50 IS NOT NULL
)
SELECT * FROM feature_stability('complete',
                                exclude => $keys_and_patterns,
                                order_by => 'ts',
                                period => $period, baseline_periods => $baseline_periods,
                                target => 'target');

-- What to look at -------------------------------------------------------------

SELECT feature, COUNT(*) AS periods,
       COUNT(*) FILTER (WHERE status = 'warn') AS warned,
       COUNT(*) FILTER (WHERE status = 'drift') AS drifted,
       MAX(psi) AS worst_psi, MAX(ks) AS worst_ks, MIN(ic) AS lowest_ic, MAX(ic) AS highest_ic
FROM feature_stability GROUP BY feature
ORDER BY worst_psi DESC NULLS LAST, feature;

-- Today: the last period.
SELECT feature, period_start, n, missing_rate, psi, ks, mean_shift, std_ratio, status, reason
FROM feature_stability
WHERE period_start = (SELECT MAX(period_start) FROM feature_stability)
ORDER BY psi DESC NULLS LAST, feature LIMIT 8;
