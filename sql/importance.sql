-- Which features a model uses, on rows that its training did not see.
--
--   lagrange run sql/demo_data.sql sql/importance.sql
--
-- Reads  `features`: a row per symbol and bar, every column known at its close.
-- Writes `labelled`, `feature_importance`, `cluster_importance`.
--
-- Only the training rows are looked at, cut once more into folds by time: what a
-- feature is worth decides about the next model, and the test must not.

DECLARE horizon BIGINT DEFAULT 5;         -- bars ahead, of the target
DECLARE train_share DOUBLE DEFAULT 0.7;   -- of the dates, the earliest
DECLARE train_end DATE DEFAULT NULL;      -- the last date of training, if not by share

DECLARE folds BIGINT DEFAULT 5;           -- parts of the training that are tested in turn
DECLARE block BIGINT DEFAULT 20;          -- bars that stay together when a feature is shuffled
DECLARE threshold DOUBLE DEFAULT 0.8;     -- |correlation| above which features repeat each other

-- Columns that are no inputs of a model; patterns (base_w*) never are.
DECLARE keys ARRAY<STRING> DEFAULT ['symbol', 'ts', 'close'];

INCLUDE 'labelled.sql';

-- 1. Feature by feature -------------------------------------------------------
--
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
                                 exclude => $keys,
                                 order_by => 'ts', partition_by => 'symbol',
                                 method => ['permutation', 'single_feature', 'coefficient'],
                                 folds => $folds, horizon => $horizon, block => $block);

-- 2. Group by group -----------------------------------------------------------
--
-- Features that repeat each other are shuffled together: what the model loses without
-- all of them. Every member of a group has the group's values.
CREATE OR REPLACE TABLE cluster_importance AS
WITH training AS (
  SELECT * FROM labelled WHERE split = 'train'
)
SELECT * FROM feature_importance('training',
                                 target => 'target',
                                 exclude => $keys,
                                 order_by => 'ts', partition_by => 'symbol',
                                 method => 'permutation',
                                 folds => $folds, horizon => $horizon, block => $block,
                                 clusters => true, max_correlation => $threshold);

-- 3. What to look at ----------------------------------------------------------

SELECT feature, importance, std, standard_error, share, rank, folds, status
FROM feature_importance WHERE method = 'permutation' ORDER BY rank, feature LIMIT 8;

-- Where the answers differ: far apart in rank means that others say the same.
SELECT together.feature, together.rank AS rank_permutation, alone.rank AS rank_single_feature,
       moved.rank AS rank_coefficient, grouped.rank AS rank_of_cluster, grouped.members
FROM feature_importance AS together
JOIN feature_importance AS alone ON alone.feature = together.feature AND alone.method = 'single_feature'
JOIN feature_importance AS moved ON moved.feature = together.feature AND moved.method = 'coefficient'
JOIN cluster_importance AS grouped ON grouped.feature = together.feature
WHERE together.method = 'permutation'
ORDER BY together.rank, together.feature;
