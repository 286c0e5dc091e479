-- Written by a table of expressions and of ways to hide them: see tests/lookahead/README.md.

-- case: lead, direct, clean
-- finds: clean
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       close / lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: lead, cte, clean
-- finds: clean
WITH computed AS (
  SELECT symbol, ts, close, close / lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: lead, view, clean
-- finds: clean
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, close / lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: lead-default, cte, clean
-- finds: clean
WITH computed AS (
  SELECT symbol, ts, close, coalesce(lag(volume) OVER (PARTITION BY symbol ORDER BY ts), 0) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: lead-default, view, clean
-- finds: clean
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, coalesce(lag(volume) OVER (PARTITION BY symbol ORDER BY ts), 0) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: lead-default, ours, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, coalesce(lag(volume) OVER (PARTITION BY symbol ORDER BY ts), 0) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: negative-lag, view, clean
-- finds: clean
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, lead(close, -2) OVER (PARTITION BY symbol ORDER BY ts) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: negative-lag, ours, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, lead(close, -2) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: negative-lag, lagged, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, lead(close, -2) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: variable-lag, ours, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, 2 + 3) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: variable-lag, lagged, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, 2 + 3) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: variable-lag, direct, clean
-- finds: clean
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       lag(close, 2 + 3) OVER (PARTITION BY symbol ORDER BY ts) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: following, lagged, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: following, direct, clean
-- finds: clean
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: following, cte, clean
-- finds: clean
WITH computed AS (
  SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: range-following, direct, clean
-- finds: clean
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       max(close) OVER (PARTITION BY symbol ORDER BY ts RANGE BETWEEN INTERVAL '5 days' PRECEDING AND CURRENT ROW) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: range-following, cte, clean
-- finds: clean
WITH computed AS (
  SELECT symbol, ts, close, max(close) OVER (PARTITION BY symbol ORDER BY ts RANGE BETWEEN INTERVAL '5 days' PRECEDING AND CURRENT ROW) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: range-following, view, clean
-- finds: clean
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, max(close) OVER (PARTITION BY symbol ORDER BY ts RANGE BETWEEN INTERVAL '5 days' PRECEDING AND CURRENT ROW) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: unbounded-following, cte, clean
-- finds: clean
WITH computed AS (
  SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: unbounded-following, view, clean
-- finds: clean
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: unbounded-following, ours, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: ties, view, clean
-- finds: clean
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: ties, ours, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: ties, lagged, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: cast-ties, ours, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol, date_trunc('day', ts) ORDER BY ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: cast-ties, lagged, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol, date_trunc('day', ts) ORDER BY ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: cast-ties, direct, clean
-- finds: clean
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       avg(close) OVER (PARTITION BY symbol, date_trunc('day', ts) ORDER BY ts) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: centred, lagged, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: centred, direct, clean
-- finds: clean
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: centred, cte, clean
-- finds: clean
WITH computed AS (
  SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: backfill, direct, clean
-- finds: clean
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       last_value(volume IGNORE NULLS) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: backfill, cte, clean
-- finds: clean
WITH computed AS (
  SELECT symbol, ts, close, last_value(volume IGNORE NULLS) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: backfill, view, clean
-- finds: clean
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, last_value(volume IGNORE NULLS) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: last-value, cte, clean
-- finds: clean
WITH computed AS (
  SELECT symbol, ts, close, close / first_value(close) OVER (PARTITION BY symbol ORDER BY ts) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: last-value, view, clean
-- finds: clean
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, close / first_value(close) OVER (PARTITION BY symbol ORDER BY ts) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: last-value, ours, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, close / first_value(close) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: descending, view, clean
-- finds: clean
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, lead(close, 1) OVER (PARTITION BY symbol ORDER BY ts DESC) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: descending, ours, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, lead(close, 1) OVER (PARTITION BY symbol ORDER BY ts DESC) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: descending, lagged, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, lead(close, 1) OVER (PARTITION BY symbol ORDER BY ts DESC) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: descending-sum, ours, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts DESC ROWS BETWEEN CURRENT ROW AND 9 FOLLOWING) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: descending-sum, lagged, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts DESC ROWS BETWEEN CURRENT ROW AND 9 FOLLOWING) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: descending-sum, direct, clean
-- finds: clean
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       sum(volume) OVER (PARTITION BY symbol ORDER BY ts DESC ROWS BETWEEN CURRENT ROW AND 9 FOLLOWING) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: unpartitioned, lagged, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS 9 PRECEDING) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: unpartitioned, direct, clean
-- finds: clean
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS 9 PRECEDING) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: unpartitioned, cte, clean
-- finds: clean
WITH computed AS (
  SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS 9 PRECEDING) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: whole-partition, direct, clean
-- finds: clean
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       (close - avg(close) OVER (PARTITION BY ts)) / stddev(close) OVER (PARTITION BY ts) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: whole-partition, cte, clean
-- finds: clean
WITH computed AS (
  SELECT symbol, ts, close, (close - avg(close) OVER (PARTITION BY ts)) / stddev(close) OVER (PARTITION BY ts) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: whole-partition, view, clean
-- finds: clean
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, (close - avg(close) OVER (PARTITION BY ts)) / stddev(close) OVER (PARTITION BY ts) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: empty-window, cte, clean
-- finds: clean
WITH computed AS (
  SELECT symbol, ts, close, volume / max(volume) OVER (PARTITION BY symbol ORDER BY ts) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: empty-window, view, clean
-- finds: clean
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, volume / max(volume) OVER (PARTITION BY symbol ORDER BY ts) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: empty-window, ours, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, volume / max(volume) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: ntile, view, clean
-- finds: clean
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, ntile(5) OVER (PARTITION BY ts ORDER BY close) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: ntile, ours, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, ntile(5) OVER (PARTITION BY ts ORDER BY close) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: ntile, lagged, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, ntile(5) OVER (PARTITION BY ts ORDER BY close) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: crossing, ours, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, close / lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: crossing, lagged, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, close / lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: crossing, direct, clean
-- finds: clean
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       close / lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: crossing-time, lagged, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts ASC) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: crossing-time, direct, clean
-- finds: clean
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts ASC) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: crossing-time, cte, clean
-- finds: clean
WITH computed AS (
  SELECT symbol, ts, close, lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts ASC) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: sub-selected-mean, direct, clean
-- finds: clean
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       close - (SELECT avg(close) FROM prices WHERE ts < DATE '2020-01-01') AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: sub-selected-mean, cte, clean
-- finds: clean
WITH computed AS (
  SELECT symbol, ts, close, close - (SELECT avg(close) FROM prices WHERE ts < DATE '2020-01-01') AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: sub-selected-mean, view, clean
-- finds: clean
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, close - (SELECT avg(close) FROM prices WHERE ts < DATE '2020-01-01') AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: sub-selected-by-entity, cte, clean
-- finds: clean
WITH computed AS (
  SELECT symbol, ts, close, close / (SELECT max(p2.close) FROM prices AS p2 WHERE p2.symbol = prices.symbol AND p2.ts <= prices.ts) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: sub-selected-by-entity, view, clean
-- finds: clean
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, close / (SELECT max(p2.close) FROM prices AS p2 WHERE p2.symbol = prices.symbol AND p2.ts <= prices.ts) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: sub-selected-by-entity, ours, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, close / (SELECT max(p2.close) FROM prices AS p2 WHERE p2.symbol = prices.symbol AND p2.ts <= prices.ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: whole-rank, view, clean
-- finds: clean
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, percent_rank() OVER (PARTITION BY ts ORDER BY volume) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: whole-rank, ours, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, percent_rank() OVER (PARTITION BY ts ORDER BY volume) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: whole-rank, lagged, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, percent_rank() OVER (PARTITION BY ts ORDER BY volume) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: clock, ours, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, date_diff('day', DATE '2000-01-01', ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: clock, lagged, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, date_diff('day', DATE '2000-01-01', ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: clock, direct, clean
-- finds: clean
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       date_diff('day', DATE '2000-01-01', ts) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: random, lagged, clean
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, close, close + abs(sin(close)) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: random, direct, clean
-- finds: clean
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       close + abs(sin(close)) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: random, cte, clean
-- finds: clean
WITH computed AS (
  SELECT symbol, ts, close, close + abs(sin(close)) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;
