-- Which features a model uses, on rows that its training did not see.
--
--   lagrange run sql/demo_data.sql sql/importance.sql
--
-- Reads  `features`: a row per symbol and bar, every column known at its close.
-- Writes `labelled`, `feature_importance`.
--
-- Only the training rows are looked at, cut once more into folds by time: what a
-- feature is worth decides about the next model, and the test must not.

DECLARE horizon BIGINT DEFAULT 5;         -- bars ahead, of the target
DECLARE train_share DOUBLE DEFAULT 0.7;   -- of the dates, the earliest
DECLARE train_end DATE DEFAULT NULL;      -- the last date of training, if not by share

-- What the model sees.
DECLARE inputs ARRAY<STRING> DEFAULT [
  'return_1', 'return_5', 'return_20', 'volatility_20', 'gap', 'bar_range', 'close_position',
  'distance_20', 'distance_50', 'trend', 'volume_z20', 'return_1_lag1', 'return_1_lag2', 'return_1_lag5',
  'volume_z20_lag1', 'volume_z20_lag2', 'volume_z20_lag5'
];

INCLUDE 'labelled.sql';

-- Three answers, because each can mislead:
--   permutation      what the fitted model loses when the feature is shuffled. Features
--                    that repeat each other share the loss, and each looks dispensable.
--   single_feature   what a model of the feature alone reaches: not what it adds.
--   coefficient      how far the model moves when the feature does, by one standard
--                    deviation: large and opposite for features that repeat each other.
CREATE OR REPLACE TABLE feature_importance AS
WITH training AS (
  SELECT * FROM labelled WHERE split = 'train'
)
SELECT * FROM feature_importance('training',
                                 target => 'target',
                                 features => $inputs,
                                 order_by => 'ts', partition_by => 'symbol',
                                 method => 'permutation', horizon => $horizon)
UNION ALL
SELECT * FROM feature_importance('training',
                                 target => 'target',
                                 features => $inputs,
                                 order_by => 'ts', partition_by => 'symbol',
                                 method => 'single_feature', horizon => $horizon)
UNION ALL
SELECT * FROM feature_importance('training',
                                 target => 'target',
                                 features => $inputs,
                                 order_by => 'ts', partition_by => 'symbol',
                                 method => 'coefficient', horizon => $horizon);

-- What to look at -------------------------------------------------------------

SELECT feature, importance, std, standard_error, share, rank, folds
FROM feature_importance WHERE method = 'permutation' ORDER BY rank, feature LIMIT 8;

-- Where the answers differ: far apart in rank means that others say the same.
SELECT together.feature, together.rank AS rank_permutation, alone.rank AS rank_single_feature,
       moved.rank AS rank_coefficient
FROM feature_importance AS together
JOIN feature_importance AS alone ON alone.feature = together.feature AND alone.method = 'single_feature'
JOIN feature_importance AS moved ON moved.feature = together.feature AND moved.method = 'coefficient'
WHERE together.method = 'permutation'
ORDER BY together.rank, together.feature;
