-- Candidates for features, what followed them, and which rows may choose among them.
--
-- Reads `features`, writes `labelled`. The scripts that judge features include this
-- file, so that they agree on the rows; they declare horizon, train_share and
-- train_end.
--
-- A row is `train` if its target is known by the end of training, `purged` if it
-- stands before that end but its target reaches past it, `test` after it, and
-- `unlabelled` while its future is not known.
CREATE OR REPLACE TABLE labelled AS
WITH lagged AS (
  SELECT * FROM lag_features('features',
                             columns => ['return_1', 'volume_z20'],
                             lags => [1, 2, 5],
                             partition_by => 'symbol', order_by => 'ts')
),
followed AS (
  SELECT * FROM shift_target('lagged',
                             price => 'close',
                             horizon => $horizon,
                             partition_by => 'symbol', order_by => 'ts')
),
-- One end for all symbols: a cut per symbol would let one symbol's past be judged by
-- another's future.
dates AS (
  SELECT ts, cume_dist() OVER (ORDER BY ts) AS share
  FROM (SELECT DISTINCT ts FROM followed WHERE target IS NOT NULL) AS labelled_dates
),
training AS (
  SELECT COALESCE($train_end, MAX(ts)) AS train_end FROM dates WHERE share <= $train_share
)
SELECT followed.*,
       CASE WHEN target IS NULL THEN 'unlabelled'
            WHEN target_time <= train_end THEN 'train'
            WHEN ts <= train_end THEN 'purged'
            ELSE 'test' END AS split
FROM followed CROSS JOIN training;
