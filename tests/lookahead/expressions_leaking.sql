-- Written by a table of expressions and of ways to hide them: see tests/lookahead/README.md.

-- case: lead, direct
-- expect: LA001
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       lead(close, 1) OVER (PARTITION BY symbol ORDER BY ts) / close AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: lead, cte
-- expect: LA001
WITH computed AS (
  SELECT symbol, ts, close, lead(close, 1) OVER (PARTITION BY symbol ORDER BY ts) / close AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: lead, view
-- expect: LA001
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, lead(close, 1) OVER (PARTITION BY symbol ORDER BY ts) / close AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: lead-default, cte
-- expect: LA001
WITH computed AS (
  SELECT symbol, ts, close, coalesce(lead(volume) OVER (PARTITION BY symbol ORDER BY ts), 0) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: lead-default, view
-- expect: LA001
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, coalesce(lead(volume) OVER (PARTITION BY symbol ORDER BY ts), 0) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: lead-default, ours
-- expect: LA001
CREATE TABLE f AS SELECT symbol, ts, close, coalesce(lead(volume) OVER (PARTITION BY symbol ORDER BY ts), 0) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: negative-lag, view
-- expect: LA002
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, lag(close, -2) OVER (PARTITION BY symbol ORDER BY ts) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: negative-lag, ours
-- expect: LA002
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, -2) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: negative-lag, lagged
-- expect: LA002
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, -2) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: variable-lag, ours
-- expect: LA003
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, CAST(volume AS INTEGER)) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: variable-lag, lagged
-- expect: LA003
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, CAST(volume AS INTEGER)) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: variable-lag, direct
-- expect: LA003
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       lag(close, CAST(volume AS INTEGER)) OVER (PARTITION BY symbol ORDER BY ts) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: following, lagged
-- expect: LA004
CREATE TABLE f AS SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND 4 FOLLOWING) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: following, direct
-- expect: LA004
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND 4 FOLLOWING) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: following, cte
-- expect: LA004
WITH computed AS (
  SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND 4 FOLLOWING) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: range-following, direct
-- expect: LA004
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       max(close) OVER (PARTITION BY symbol ORDER BY ts RANGE BETWEEN CURRENT ROW AND INTERVAL '5 days' FOLLOWING) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: range-following, cte
-- expect: LA004
WITH computed AS (
  SELECT symbol, ts, close, max(close) OVER (PARTITION BY symbol ORDER BY ts RANGE BETWEEN CURRENT ROW AND INTERVAL '5 days' FOLLOWING) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: range-following, view
-- expect: LA004
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, max(close) OVER (PARTITION BY symbol ORDER BY ts RANGE BETWEEN CURRENT ROW AND INTERVAL '5 days' FOLLOWING) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: unbounded-following, cte
-- expect: LA004
WITH computed AS (
  SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: unbounded-following, view
-- expect: LA004
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: unbounded-following, ours
-- expect: LA004
CREATE TABLE f AS SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: ties, view
-- expect: LA005
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, sum(volume) OVER (PARTITION BY symbol ORDER BY date_trunc('day', ts)) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: ties, ours
-- expect: LA005
CREATE TABLE f AS SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY date_trunc('day', ts)) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: ties, lagged
-- expect: LA005
CREATE TABLE f AS SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY date_trunc('day', ts)) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: cast-ties, ours
-- expect: LA005
CREATE TABLE f AS SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY CAST(ts AS DATE)) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: cast-ties, lagged
-- expect: LA005
CREATE TABLE f AS SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY CAST(ts AS DATE)) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: cast-ties, direct
-- expect: LA005
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       avg(close) OVER (PARTITION BY symbol ORDER BY CAST(ts AS DATE)) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: centred, lagged
-- expect: LA006
CREATE TABLE f AS SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: centred, direct
-- expect: LA006
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: centred, cte
-- expect: LA006
WITH computed AS (
  SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: backfill, direct
-- expect: LA007
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       first_value(volume IGNORE NULLS) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: backfill, cte
-- expect: LA007
WITH computed AS (
  SELECT symbol, ts, close, first_value(volume IGNORE NULLS) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: backfill, view
-- expect: LA007
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, first_value(volume IGNORE NULLS) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: last-value, cte
-- expect: LA008
WITH computed AS (
  SELECT symbol, ts, close, close / last_value(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: last-value, view
-- expect: LA008
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, close / last_value(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: last-value, ours
-- expect: LA008
CREATE TABLE f AS SELECT symbol, ts, close, close / last_value(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: descending, view
-- expect: LA009
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts DESC) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: descending, ours
-- expect: LA009
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts DESC) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: descending, lagged
-- expect: LA009
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts DESC) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: descending-sum, ours
-- expect: LA009
CREATE TABLE f AS SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts DESC) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: descending-sum, lagged
-- expect: LA009
CREATE TABLE f AS SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts DESC) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: descending-sum, direct
-- expect: LA009
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       sum(volume) OVER (PARTITION BY symbol ORDER BY ts DESC) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: unpartitioned, lagged
-- expect: LA010
CREATE TABLE f AS SELECT symbol, ts, close, avg(close) OVER (ORDER BY ts ROWS 9 PRECEDING) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: unpartitioned, direct
-- expect: LA010
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       avg(close) OVER (ORDER BY ts ROWS 9 PRECEDING) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: unpartitioned, cte
-- expect: LA010
WITH computed AS (
  SELECT symbol, ts, close, avg(close) OVER (ORDER BY ts ROWS 9 PRECEDING) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: whole-partition, direct
-- expect: LA011
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       (close - avg(close) OVER (PARTITION BY symbol)) / stddev(close) OVER (PARTITION BY symbol) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: whole-partition, cte
-- expect: LA011
WITH computed AS (
  SELECT symbol, ts, close, (close - avg(close) OVER (PARTITION BY symbol)) / stddev(close) OVER (PARTITION BY symbol) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: whole-partition, view
-- expect: LA011
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, (close - avg(close) OVER (PARTITION BY symbol)) / stddev(close) OVER (PARTITION BY symbol) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: empty-window, cte
-- expect: LA011
WITH computed AS (
  SELECT symbol, ts, close, volume / max(volume) OVER () AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: empty-window, view
-- expect: LA011
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, volume / max(volume) OVER () AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: empty-window, ours
-- expect: LA011
CREATE TABLE f AS SELECT symbol, ts, close, volume / max(volume) OVER () AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: ntile, view
-- expect: LA011
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, ntile(5) OVER (PARTITION BY symbol ORDER BY ts) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: ntile, ours
-- expect: LA011
CREATE TABLE f AS SELECT symbol, ts, close, ntile(5) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: ntile, lagged
-- expect: LA011
CREATE TABLE f AS SELECT symbol, ts, close, ntile(5) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: crossing, ours
-- expect: LA012
CREATE TABLE f AS SELECT symbol, ts, close, close / lag(close, 1) OVER (ORDER BY symbol, ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: crossing, lagged
-- expect: LA012
CREATE TABLE f AS SELECT symbol, ts, close, close / lag(close, 1) OVER (ORDER BY symbol, ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: crossing, direct
-- expect: LA012
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       close / lag(close, 1) OVER (ORDER BY symbol, ts) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: crossing-time, lagged
-- expect: LA012
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, 1) OVER (ORDER BY ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: crossing-time, direct
-- expect: LA012
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       lag(close, 1) OVER (ORDER BY ts) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: crossing-time, cte
-- expect: LA012
WITH computed AS (
  SELECT symbol, ts, close, lag(close, 1) OVER (ORDER BY ts) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: sub-selected-mean, direct
-- expect: LA020
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       close - (SELECT avg(close) FROM prices) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: sub-selected-mean, cte
-- expect: LA020
WITH computed AS (
  SELECT symbol, ts, close, close - (SELECT avg(close) FROM prices) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: sub-selected-mean, view
-- expect: LA020
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, close - (SELECT avg(close) FROM prices) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: sub-selected-by-entity, cte
-- expect: LA020
WITH computed AS (
  SELECT symbol, ts, close, close / (SELECT max(p2.close) FROM prices AS p2 WHERE p2.symbol = prices.symbol) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: sub-selected-by-entity, view
-- expect: LA020
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, close / (SELECT max(p2.close) FROM prices AS p2 WHERE p2.symbol = prices.symbol) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: sub-selected-by-entity, ours
-- expect: LA020
CREATE TABLE f AS SELECT symbol, ts, close, close / (SELECT max(p2.close) FROM prices AS p2 WHERE p2.symbol = prices.symbol) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: whole-rank, view
-- expect: LA021
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, percent_rank() OVER (ORDER BY volume) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: whole-rank, ours
-- expect: LA021
CREATE TABLE f AS SELECT symbol, ts, close, percent_rank() OVER (ORDER BY volume) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: whole-rank, lagged
-- expect: LA021
CREATE TABLE f AS SELECT symbol, ts, close, percent_rank() OVER (ORDER BY volume) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: clock, ours
-- expect: LA070
CREATE TABLE f AS SELECT symbol, ts, close, date_diff('day', ts, current_date) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: clock, lagged
-- expect: LA070
CREATE TABLE f AS SELECT symbol, ts, close, date_diff('day', ts, current_date) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: clock, direct
-- expect: LA070
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       date_diff('day', ts, current_date) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: random, lagged
-- expect: LA070
CREATE TABLE f AS SELECT symbol, ts, close, close + random() AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: random, direct
-- expect: LA070
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       close + random() AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: random, cte
-- expect: LA070
WITH computed AS (
  SELECT symbol, ts, close, close + random() AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;
