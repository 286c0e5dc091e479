-- The options of a model, searched on purged folds, and the model that they make.
--
--   lagrange run sql/demo_data.sql sql/tune.sql
--
-- Reads  `features`: a row per symbol and bar, every column known at its close.
-- Writes `labelled`, `trained`, `trials`, `trained_metrics`, `trained_importance`.
--
-- The last part of time is put aside before anything else and looked at once, by
-- the final model: the best of many trials looks better than it is, and only rows
-- that no trial saw tell by how much.

DECLARE horizon BIGINT DEFAULT 5;         -- bars ahead, of the target
DECLARE train_share DOUBLE DEFAULT 0.7;   -- of the dates, the earliest: what `labelled` calls train
DECLARE train_end DATE DEFAULT NULL;      -- the last date of training, if not by share

DECLARE test_share DOUBLE DEFAULT 0.2;    -- of the dates, the last: put aside for the end
DECLARE trials BIGINT DEFAULT 20;         -- choices of options that are tried
DECLARE folds BIGINT DEFAULT 4;           -- parts of the rest that are tested in turn
DECLARE metric STRING DEFAULT 'ic';       -- what a trial is judged by

-- Columns that are no inputs of a model; patterns (base_w*) never are.
DECLARE keys ARRAY<STRING> DEFAULT ['symbol', 'ts', 'close'];

INCLUDE 'labelled.sql';

-- 1. Search, train, test ------------------------------------------------------
--
-- Where labels end is recorded in `target_time`, so folds purge without being told.
-- Trees are told to be careful: few leaves, many rows in each, small steps.
CREATE OR REPLACE TABLE trained AS
SELECT * FROM train_model('labelled',
                          target => 'target',
                          exclude => $keys,
                          order_by => 'ts', partition_by => 'symbol',
                          algorithm => 'gbdt',
                          options => {'trees': 60, 'feature_fraction': 0.7},
                          space => {'learning_rate': {'low': 0.01, 'high': 0.2, 'log': true},
                                    'max_leaves': {'low': 3, 'high': 31},
                                    'min_data_in_leaf': [50, 200, 1000],
                                    'lambda_l2': {'low': 0.1, 'high': 100.0, 'log': true}},
                          method => 'tpe', trials => $trials,
                          metric => $metric, folds => $folds, test_share => $test_share);

-- 2. Its report as tables -----------------------------------------------------

CREATE OR REPLACE TABLE trials AS
SELECT t['trial'] AS trial, t['rank'] AS rank, t['status'] AS status, t['parameters'] AS parameters,
       t['metric'] AS metric, t['mean'] AS mean, t['std'] AS std, t['folds'] AS folds,
       t['seconds'] AS seconds, t['reason'] AS reason
FROM (SELECT unnest(trials) AS t FROM trained) AS listed;

CREATE OR REPLACE TABLE trained_metrics AS
SELECT m['metric'] AS metric, m['cv_mean'] AS cv_mean, m['cv_std'] AS cv_std,
       m['in_sample'] AS in_sample, m['out_of_sample'] AS out_of_sample
FROM (SELECT unnest(metrics) AS m FROM trained) AS listed;

CREATE OR REPLACE TABLE trained_importance AS
SELECT m['feature'] AS feature, m['importance'] AS importance, m['share'] AS share
FROM (SELECT unnest(importance) AS m FROM trained) AS listed;

-- 3. What to look at ----------------------------------------------------------

SELECT rank, trial, parameters, mean, std, status FROM trials
WHERE rank <= 5 ORDER BY rank;

-- From left to right it should fall: folds, then the rows put aside. A large step
-- from in_sample is memory, a large one from cv_mean luck among the trials.
SELECT metric, in_sample, cv_mean, cv_std, out_of_sample FROM trained_metrics ORDER BY metric;

SELECT train_rows, test_rows, purged_rows, train_from, train_to, test_from, test_to FROM trained;

SELECT feature, share FROM trained_importance ORDER BY share DESC LIMIT 5;
