-- From features to a model that has been tested on a future it never saw.
--
--   lagrange run sql/demo_data.sql sql/train.sql
--
-- Reads  `features`: a row per symbol and bar, every column known at its close.
-- Writes `samples`, `feature_correlation`, `feature_importance`, `challenger`, `trials`,
--        `model`, `predictions`, `model_metrics`, `model_choice`.

DECLARE pattern_window BIGINT DEFAULT 20; -- the W and S of base_wW_sS_*, the
DECLARE std_dev DOUBLE DEFAULT 2;         -- patterns that become targets
DECLARE horizon BIGINT DEFAULT 5;         -- bars ahead, of every target
DECLARE train_share DOUBLE DEFAULT 0.7;   -- of the dates, the earliest
DECLARE alpha DOUBLE DEFAULT 1;           -- strength of the ridge penalty
DECLARE trials_tried BIGINT DEFAULT 8;    -- choices of options that are tried for the trees

-- What the model sees. The struct `inputs` below holds the same names.
DECLARE inputs ARRAY<STRING> DEFAULT [
  'return_1', 'return_5', 'return_20', 'volatility_20', 'gap', 'bar_range', 'close_position',
  'distance_20', 'trend', 'volume_z20', 'return_1_lag1', 'return_1_lag2', 'return_1_lag5',
  'volume_z20_lag1', 'volume_z20_lag2', 'volume_z20_lag5'
];

-- 1. Samples: lags, targets and a split by time -------------------------------

CREATE OR REPLACE TABLE samples AS
-- Lags look back, within a symbol: a lag below 1 is refused.
WITH lagged AS (
  SELECT * FROM lag_features('features',
                             columns => ['return_1', 'volume_z20'],
                             lags => [1, 2, 5],
                             partition_by => 'symbol', order_by => 'ts')
),
-- Only targets look ahead. Every base_w column goes; the patterns of this window
-- and width come back as target_*, `horizon` bars later.
prepared AS (
  SELECT * FROM prepare_training_data('lagged',
                                      pattern_window => $pattern_window,
                                      std_dev => $std_dev,
                                      target_lag => $horizon,
                                      partition_by => 'symbol', order_by => 'ts')
),
-- The return over the next `horizon` bars, and `target_time`, when it is known.
-- The last bars of a symbol have no target: they cannot train, and are what the
-- model is for.
labelled AS (
  SELECT * FROM shift_target('prepared',
                             price => 'close',
                             horizon => $horizon,
                             partition_by => 'symbol', order_by => 'ts')
),
-- The test starts on one date for all symbols: shuffled rows, or a cut per symbol,
-- would let one symbol's past be learned from another's future.
dates AS (
  SELECT ts, cume_dist() OVER (ORDER BY ts) AS share
  FROM (SELECT DISTINCT ts FROM labelled WHERE target IS NOT NULL) AS labelled_dates
),
cut AS (
  SELECT MIN(ts) AS test_start FROM dates WHERE share > $train_share
)
SELECT labelled.*,
       CASE WHEN target IS NULL THEN 'unlabelled'
            WHEN target_time < test_start THEN 'train'
            -- Before the test, but with a target that reaches into it. (An embargo
            -- is not needed: nothing trains after the test.)
            WHEN ts < test_start THEN 'purged'
            ELSE 'test' END AS split,
       -- One struct, so that fit and predict take the features by name.
       {'return_1': return_1,
        'return_5': return_5,
        'return_20': return_20,
        'volatility_20': volatility_20,
        'gap': gap,
        'bar_range': bar_range,
        'close_position': close_position,
        'distance_20': distance_20,
        'trend': trend,
        'volume_z20': volume_z20,
        'return_1_lag1': return_1_lag1,
        'return_1_lag2': return_1_lag2,
        'return_1_lag5': return_1_lag5,
        'volume_z20_lag1': volume_z20_lag1,
        'volume_z20_lag2': volume_z20_lag2,
        'volume_z20_lag5': volume_z20_lag5} AS inputs
FROM labelled CROSS JOIN cut;

-- 2. Screen, on training rows only --------------------------------------------
--
-- Choosing features is part of training: what the test period says about them
-- must not reach the choice. (distance_50 was left out of the inputs this way: it
-- is distance_20 and trend, compounded.)
CREATE OR REPLACE TABLE feature_correlation AS
WITH training AS (
  SELECT * FROM samples WHERE split = 'train'
)
SELECT * FROM feature_correlation('training',
                                  features => ['return_1', 'return_5', 'return_20', 'volatility_20', 'gap',
                                               'bar_range', 'close_position', 'distance_20', 'distance_50',
                                               'trend', 'volume_z20']);

-- Importance walks forward through the training rows: each of five folds trains on
-- what lies before it, after a purge of its own, and what a feature is worth is
-- measured on the fold. Five values say how sure their mean is.
CREATE OR REPLACE TABLE feature_importance AS
WITH training AS (
  SELECT * FROM samples WHERE split = 'train'
)
SELECT * FROM feature_importance('training',
                                 target => 'target',
                                 features => $inputs,
                                 order_by => 'ts', partition_by => 'symbol',
                                 horizon => $horizon, options => {'alpha': $alpha});

-- 3. Tune and fit, on training rows only --------------------------------------
--
-- A challenger of the linear model: boosted trees, whose options are searched on
-- purged folds of the training rows. Where the targets end is recorded in
-- `target_time`, so the folds purge without being told.
CREATE OR REPLACE TABLE challenger AS
WITH training AS (
  SELECT * FROM samples WHERE split = 'train'
)
SELECT * FROM train_model('training',
                          target => 'target',
                          features => $inputs,
                          order_by => 'ts', partition_by => 'symbol',
                          algorithm => 'gbdt', options => {'trees': 40, 'feature_fraction': 0.7},
                          space => {'learning_rate': {'low': 0.02, 'high': 0.2, 'log': true},
                                    'max_leaves': {'low': 3, 'high': 31},
                                    'min_data_in_leaf': [100, 500, 2000]},
                          trials => $trials_tried, metric => 'ic', folds => 3, test_share => 0);

CREATE OR REPLACE TABLE trials AS
SELECT t['trial'] AS trial, t['rank'] AS rank, t['status'] AS status, t['parameters'] AS parameters,
       t['metric'] AS metric, t['mean'] AS mean, t['std'] AS std, t['seconds'] AS seconds, t['reason'] AS reason
FROM (SELECT unnest(trials) AS t FROM challenger) AS listed;

-- Three models of the same features: the return, linear and by the trees, and where
-- the close will stand in its band. Half of the band's window is shared between now
-- and then, so the last is much the easiest question, and worth less.
CREATE OR REPLACE TABLE model AS
SELECT 'forward_return' AS name,
       fit(target, inputs, {'algorithm': 'ridge', 'alpha': $alpha, 'target': 'target'}) AS model
FROM samples WHERE split = 'train'
UNION ALL
SELECT 'band_distance' AS name,
       fit(target_distance, inputs, {'algorithm': 'ridge', 'alpha': $alpha, 'target': 'target_distance'}) AS model
FROM samples WHERE split = 'train'
UNION ALL
SELECT 'forward_return_trees' AS name, model FROM challenger;

-- 4. Predict and evaluate -----------------------------------------------------
--
-- Every row gets a prediction, the unlabelled last ones too: those are today's
-- forecasts. A row with a missing feature gets NULL and is counted as skipped.
-- (A model is passed as one value: a join would copy it to every row.)
CREATE OR REPLACE TABLE predictions AS
SELECT 'forward_return' AS model, symbol, ts, split, target AS actual,
       predict((SELECT model FROM model WHERE name = 'forward_return'), inputs) AS predicted
FROM samples
UNION ALL
SELECT 'forward_return_trees' AS model, symbol, ts, split, target AS actual,
       predict((SELECT model FROM model WHERE name = 'forward_return_trees'), inputs) AS predicted
FROM samples
UNION ALL
SELECT 'band_distance' AS model, symbol, ts, split, target_distance AS actual,
       predict((SELECT model FROM model WHERE name = 'band_distance'), inputs) AS predicted
FROM samples;

-- `test` is the honest number; `train` beside it shows how much was memorised.
CREATE OR REPLACE TABLE model_metrics AS
SELECT model, split,
       COUNT(*) FILTER (WHERE actual IS NOT NULL AND predicted IS NOT NULL) AS rows_used,
       COUNT(*) FILTER (WHERE actual IS NULL OR predicted IS NULL) AS rows_skipped,
       MIN(ts) AS first_ts,
       MAX(ts) AS last_ts,
       rmse(actual, predicted) AS rmse,
       mae(actual, predicted) AS mae,
       r2(actual, predicted) AS r2,
       ic(actual, predicted) AS ic,
       rank_ic(actual, predicted) AS rank_ic,
       hit_rate(actual, predicted) AS hit_rate
FROM predictions
WHERE split IN ('train', 'test')
GROUP BY model, split;

-- 5. Select -------------------------------------------------------------------
--
-- The trees replace the linear model only if they are better on rows that neither
-- has seen, by more than luck.
CREATE OR REPLACE TABLE model_choice AS
WITH candidates AS (
  SELECT model AS candidate, symbol, ts, actual, predicted
  FROM predictions WHERE split = 'test' AND model IN ('forward_return', 'forward_return_trees')
)
SELECT * FROM select_model('candidates',
                           candidate => 'candidate', actual => 'actual', predicted => 'predicted',
                           champion => 'forward_return', order_by => 'ts', partition_by => 'symbol',
                           metric => 'ic', horizon => $horizon);

-- 6. What to look at ----------------------------------------------------------

SELECT split, COUNT(*) AS row_count, MIN(ts) AS first_ts, MAX(ts) AS last_ts
FROM samples GROUP BY split ORDER BY first_ts, split;

SELECT feature_x, feature_y, correlation FROM feature_correlation
WHERE abs(correlation) > 0.8 ORDER BY abs(correlation) DESC;

SELECT method, rank, feature, importance, standard_error, share
FROM feature_importance WHERE rank <= 5 ORDER BY method DESC, rank;

SELECT model, split, rows_used, rmse, r2, ic, rank_ic, hit_rate
FROM model_metrics ORDER BY model DESC, split DESC;

SELECT candidate, value, difference, p_adjusted, winner, reason
FROM model_choice ORDER BY value DESC;
