-- Which features carry information, which repeat each other, and which to take.
--
--   lagrange run sql/demo_data.sql sql/screen.sql
--
-- Reads  `features`: a row per symbol and bar, every column known at its close.
-- Writes `labelled`, `feature_screen`, `feature_ic`, `feature_clusters`,
--        `selected_features`.
--
-- Choosing features is part of training, so everything here sees training rows only:
-- those whose target was known by `train_end`.

DECLARE horizon BIGINT DEFAULT 5;         -- bars ahead, of the target
DECLARE train_share DOUBLE DEFAULT 0.7;   -- of the dates, the earliest
DECLARE train_end DATE DEFAULT NULL;      -- the last date of training, if not by share

-- Columns that are no features; and with them the patterns, which become targets
-- (see prepare_training_data) and never inputs.
DECLARE keys ARRAY<STRING> DEFAULT ['symbol', 'ts', 'close'];
DECLARE keys_and_patterns ARRAY<STRING> DEFAULT ['symbol', 'ts', 'close', 'base_w*'];

DECLARE decay ARRAY<INT64> DEFAULT [0, 1, 2, 5, 10]; -- ages, in bars, at which a feature is tried
DECLARE threshold DOUBLE DEFAULT 0.8;     -- |correlation| above which features repeat each other
DECLARE k BIGINT DEFAULT 8;               -- features to select

INCLUDE 'labelled.sql';

-- 1. A row per feature: quality, information, redundancy, verdict -------------
--
-- Patterns are reported apart (`is_pattern`) and never selected.
CREATE OR REPLACE TABLE feature_screen AS
WITH training AS (
  SELECT * FROM labelled WHERE split = 'train'
)
SELECT * FROM feature_screen('training',
                             target => 'target',
                             exclude => $keys,
                             order_by => 'ts', partition_by => 'symbol',
                             horizon => $horizon, max_correlation => $threshold);

-- 2. How strong, how steady, how long ----------------------------------------
--
-- Every date gives one correlation across the symbols. Targets of neighbouring
-- dates overlap, which the t-statistics take into account.
CREATE OR REPLACE TABLE feature_ic AS
WITH training AS (
  SELECT * FROM labelled WHERE split = 'train'
)
SELECT * FROM information_coefficient('training',
                                      target => 'target',
                                      exclude => $keys_and_patterns,
                                      order_by => 'ts', partition_by => 'symbol',
                                      horizon => $horizon, lags => $decay);

-- 3. Which features say the same ---------------------------------------------
CREATE OR REPLACE TABLE feature_clusters AS
WITH training AS (
  SELECT * FROM labelled WHERE split = 'train'
)
SELECT * FROM correlation_clusters('training',
                                   exclude => $keys_and_patterns,
                                   target => 'target',
                                   method => 'spearman',
                                   threshold => $threshold);

-- 4. Which to take, in order -------------------------------------------------
--
-- Each step adds the feature that tells most about the target and least of what the
-- ones before it told (minimum redundancy, maximum relevance).
CREATE OR REPLACE TABLE selected_features AS
WITH training AS (
  SELECT * FROM labelled WHERE split = 'train'
)
SELECT * FROM select_features('training',
                              target => 'target',
                              exclude => $keys_and_patterns,
                              order_by => 'ts', partition_by => 'symbol',
                              method => 'mrmr', k => $k, horizon => $horizon);

-- 5. What to look at ---------------------------------------------------------

SELECT feature, rank_ic, icir, mutual_information, q_value, vif, selected, reason
FROM feature_screen
ORDER BY is_pattern, abs(rank_ic) DESC NULLS LAST, feature LIMIT 12;

SELECT feature, rank_ic, rank_icir, rank_ic_t, rank_ic_p, hit_share, turnover
FROM feature_ic WHERE lag = 0
ORDER BY abs(rank_ic_t) DESC NULLS LAST, feature LIMIT 8;

SELECT cluster, feature, representative, correlation_with_representative, correlation_with_target
FROM feature_clusters WHERE size > 1
ORDER BY cluster, is_representative DESC, feature;

SELECT step, feature, criterion, score, redundant_with
FROM selected_features WHERE selected ORDER BY step;
