-- Walk-forward retraining: a champion, its challengers, and who serves next.
--
--   lagrange run sql/demo_data.sql sql/retrain.sql
--
-- Reads  `features`: a row per symbol and bar, every column known at its close.
-- Writes `labelled`, `candidates`, `model_choice`, `champion`.
--
-- Each candidate is retrained at the beginning of each fold on what lay before it,
-- as it would have been in service, and predicts the fold. All are compared on the
-- same rows; a challenger replaces the champion only if the difference is more
-- than luck.

DECLARE horizon BIGINT DEFAULT 5;         -- bars ahead, of the target
DECLARE train_share DOUBLE DEFAULT 0.7;   -- of the dates, the earliest: what `labelled` calls train
DECLARE train_end DATE DEFAULT NULL;      -- the last date of training, if not by share

DECLARE folds BIGINT DEFAULT 6;           -- times that the models are retrained
DECLARE level DOUBLE DEFAULT 0.05;        -- chance of a false alarm that is accepted

-- Columns that are no inputs of a model; patterns (base_w*) never are.
DECLARE keys ARRAY<STRING> DEFAULT ['symbol', 'ts', 'close'];

INCLUDE 'labelled.sql';

-- 1. What each would have said ------------------------------------------------

CREATE OR REPLACE TABLE candidates AS
SELECT 'ridge' AS candidate, symbol, ts, fold, actual, prediction
FROM out_of_fold('labelled', target => 'target', exclude => $keys, order_by => 'ts', partition_by => 'symbol',
                 algorithm => 'ridge', options => {'alpha': 1.0}, folds => $folds)
UNION ALL
SELECT 'ridge_strong' AS candidate, symbol, ts, fold, actual, prediction
FROM out_of_fold('labelled', target => 'target', exclude => $keys, order_by => 'ts', partition_by => 'symbol',
                 algorithm => 'ridge', options => {'alpha': 1000.0}, folds => $folds)
UNION ALL
SELECT 'trees' AS candidate, symbol, ts, fold, actual, prediction
FROM out_of_fold('labelled', target => 'target', exclude => $keys, order_by => 'ts', partition_by => 'symbol',
                 algorithm => 'gbdt',
                 options => {'trees': 60, 'max_leaves': 7, 'learning_rate': 0.05, 'min_data_in_leaf': 200},
                 folds => $folds);

-- 2. Who serves next ----------------------------------------------------------

CREATE OR REPLACE TABLE model_choice AS
SELECT * FROM select_model('candidates',
                           candidate => 'candidate', actual => 'actual', predicted => 'prediction',
                           champion => 'ridge', order_by => 'ts', partition_by => 'symbol',
                           metric => 'ic', horizon => $horizon, level => $level);

-- 3. The winner, on all that is known -----------------------------------------
--
-- Nothing is put aside any more: what the model is worth was measured above, which the
-- check cannot know.
CREATE OR REPLACE TABLE champion AS
WITH fitted AS (
  SELECT 'ridge' AS candidate, model
  -- lagrange: allow(LA023) measured above, fold by fold, on rows that it had not seen
  FROM train_model('labelled', target => 'target', exclude => $keys, order_by => 'ts', partition_by => 'symbol',
                   algorithm => 'ridge', options => {'alpha': 1.0}, test_share => 0, folds => $folds)
  UNION ALL
  SELECT 'ridge_strong' AS candidate, model
  -- lagrange: allow(LA023) measured above, fold by fold, on rows that it had not seen
  FROM train_model('labelled', target => 'target', exclude => $keys, order_by => 'ts', partition_by => 'symbol',
                   algorithm => 'ridge', options => {'alpha': 1000.0}, test_share => 0, folds => $folds)
  UNION ALL
  SELECT 'trees' AS candidate, model
  -- lagrange: allow(LA023) measured above, fold by fold, on rows that it had not seen
  FROM train_model('labelled', target => 'target', exclude => $keys, order_by => 'ts', partition_by => 'symbol',
                   algorithm => 'gbdt',
                   options => {'trees': 60, 'max_leaves': 7, 'learning_rate': 0.05, 'min_data_in_leaf': 200},
                   test_share => 0, folds => $folds)
)
SELECT fitted.candidate, fitted.model
FROM fitted JOIN model_choice ON fitted.candidate = model_choice.candidate
WHERE winner;

-- 4. What to look at ----------------------------------------------------------

SELECT candidate, is_champion, value, difference, p_adjusted, pbo, winner, reason
FROM model_choice ORDER BY value DESC;
