-- A model that says what the next bars return, and what it is worth.
--
--   lagrange run sql/demo_data.sql sql/train.sql
--
-- Reads  `features`: a row per symbol and bar, every column known at its close.
-- Writes `labelled`, `model`, `predictions`, `metrics`.

DECLARE horizon BIGINT DEFAULT 5;        -- bars ahead, of the target
DECLARE train_share DOUBLE DEFAULT 0.7;  -- of the dates, the earliest train
DECLARE train_end DATE DEFAULT NULL;     -- the last date of training, if not by share
DECLARE alpha DOUBLE DEFAULT 1;          -- strength of the ridge penalty

-- expect: rows >= 1000 AS 'enough features to train'
SELECT symbol, ts FROM features;

INCLUDE 'labelled.sql';

ASSERT NOT EXISTS (
  SELECT symbol, ts FROM labelled GROUP BY symbol, ts HAVING count(*) > 1
) AS 'each bar of a symbol is there once';

CREATE OR REPLACE TABLE model AS
SELECT fit(target,
           {'return_1': return_1, 'return_5': return_5, 'return_20': return_20,
            'volatility_20': volatility_20, 'volume_z20': volume_z20, 'trend': trend},
           {'algorithm': 'ridge', 'alpha': $alpha}) AS model
FROM labelled
WHERE split = 'train';

CREATE OR REPLACE TABLE predictions AS
SELECT symbol, ts, split, target,
       predict(model,
               {'return_1': return_1, 'return_5': return_5, 'return_20': return_20,
                'volatility_20': volatility_20, 'volume_z20': volume_z20, 'trend': trend}) AS prediction
FROM labelled CROSS JOIN model;

CREATE OR REPLACE TABLE metrics AS
SELECT split,
       count(*) AS predicted,
       ic(prediction, target) AS ic,
       hit_rate(prediction, target) AS hit_rate
FROM predictions
WHERE split IN ('train', 'test') AND prediction IS NOT NULL
GROUP BY split;

SELECT * FROM metrics ORDER BY split;

-- The gates: a run that fails one ends here, and its model is not promoted.
ASSERT (SELECT ic FROM metrics WHERE split = 'test') > 0
  AS 'the model ranks what it has not seen better than chance';

-- expect(warn): no rows AS 'the test is nearly as good as the training'
SELECT trained.ic AS train_ic, tested.ic AS test_ic
FROM metrics AS trained, metrics AS tested
WHERE trained.split = 'train' AND tested.split = 'test' AND tested.ic < 5e-1 * trained.ic;
