-- Written by a table of expressions and of ways to hide them: see tests/lookahead/README.md.

-- case: lead, direct
-- finds: LA001
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       lead(close, 1) OVER (PARTITION BY symbol ORDER BY ts) / close AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: lead, cte
-- finds: LA001
WITH computed AS (
  SELECT symbol, ts, close, lead(close, 1) OVER (PARTITION BY symbol ORDER BY ts) / close AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: lead, view
-- finds: LA001
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, lead(close, 1) OVER (PARTITION BY symbol ORDER BY ts) / close AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: lead-default, cte
-- finds: LA001
WITH computed AS (
  SELECT symbol, ts, close, coalesce(lead(volume) OVER (PARTITION BY symbol ORDER BY ts), 0) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: lead-default, view
-- finds: LA001
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, coalesce(lead(volume) OVER (PARTITION BY symbol ORDER BY ts), 0) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: lead-default, ours
-- finds: LA001
CREATE TABLE f AS SELECT symbol, ts, close, coalesce(lead(volume) OVER (PARTITION BY symbol ORDER BY ts), 0) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: negative-lag, view
-- finds: LA002
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, lag(close, -2) OVER (PARTITION BY symbol ORDER BY ts) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: negative-lag, ours
-- finds: LA002
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, -2) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: negative-lag, lagged
-- finds: LA002
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, -2) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: variable-lag, ours
-- finds: LA003
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, CAST(volume AS INTEGER)) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: variable-lag, lagged
-- finds: LA003
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, CAST(volume AS INTEGER)) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: variable-lag, direct
-- finds: LA003
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       lag(close, CAST(volume AS INTEGER)) OVER (PARTITION BY symbol ORDER BY ts) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: following, lagged
-- finds: LA004
CREATE TABLE f AS SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND 4 FOLLOWING) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: following, direct
-- finds: LA004
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND 4 FOLLOWING) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: following, cte
-- finds: LA004
WITH computed AS (
  SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND 4 FOLLOWING) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: range-following, direct
-- finds: LA004
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       max(close) OVER (PARTITION BY symbol ORDER BY ts RANGE BETWEEN CURRENT ROW AND INTERVAL '5 days' FOLLOWING) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: range-following, cte
-- finds: LA004
WITH computed AS (
  SELECT symbol, ts, close, max(close) OVER (PARTITION BY symbol ORDER BY ts RANGE BETWEEN CURRENT ROW AND INTERVAL '5 days' FOLLOWING) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: range-following, view
-- finds: LA004
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, max(close) OVER (PARTITION BY symbol ORDER BY ts RANGE BETWEEN CURRENT ROW AND INTERVAL '5 days' FOLLOWING) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: unbounded-following, cte
-- finds: LA004
WITH computed AS (
  SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: unbounded-following, view
-- finds: LA004
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: unbounded-following, ours
-- finds: LA004
CREATE TABLE f AS SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: ties, view
-- finds: LA005
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, sum(volume) OVER (PARTITION BY symbol ORDER BY date_trunc('day', ts)) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: ties, ours
-- finds: LA005
CREATE TABLE f AS SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY date_trunc('day', ts)) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: ties, lagged
-- finds: LA005
CREATE TABLE f AS SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY date_trunc('day', ts)) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: cast-ties, ours
-- finds: LA005
CREATE TABLE f AS SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY CAST(ts AS DATE)) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: cast-ties, lagged
-- finds: LA005
CREATE TABLE f AS SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY CAST(ts AS DATE)) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: cast-ties, direct
-- finds: LA005
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       avg(close) OVER (PARTITION BY symbol ORDER BY CAST(ts AS DATE)) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: centred, lagged
-- finds: LA006
CREATE TABLE f AS SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: centred, direct
-- finds: LA006
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: centred, cte
-- finds: LA006
WITH computed AS (
  SELECT symbol, ts, close, avg(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: backfill, direct
-- finds: LA007
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       first_value(volume IGNORE NULLS) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: backfill, cte
-- finds: LA007
WITH computed AS (
  SELECT symbol, ts, close, first_value(volume IGNORE NULLS) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: backfill, view
-- finds: LA007
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, first_value(volume IGNORE NULLS) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: last-value, cte
-- finds: LA008
WITH computed AS (
  SELECT symbol, ts, close, close / last_value(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: last-value, view
-- finds: LA008
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, close / last_value(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: last-value, ours
-- finds: LA008
CREATE TABLE f AS SELECT symbol, ts, close, close / last_value(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: descending, view
-- finds: LA009
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts DESC) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: descending, ours
-- finds: LA009
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts DESC) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: descending, lagged
-- finds: LA009
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts DESC) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: descending-sum, ours
-- finds: LA009
CREATE TABLE f AS SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts DESC) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: descending-sum, lagged
-- finds: LA009
CREATE TABLE f AS SELECT symbol, ts, close, sum(volume) OVER (PARTITION BY symbol ORDER BY ts DESC) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: descending-sum, direct
-- finds: LA009
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       sum(volume) OVER (PARTITION BY symbol ORDER BY ts DESC) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: unpartitioned, lagged
-- finds: LA010
CREATE TABLE f AS SELECT symbol, ts, close, avg(close) OVER (ORDER BY ts ROWS 9 PRECEDING) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: unpartitioned, direct
-- finds: LA010
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       avg(close) OVER (ORDER BY ts ROWS 9 PRECEDING) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: unpartitioned, cte
-- finds: LA010
WITH computed AS (
  SELECT symbol, ts, close, avg(close) OVER (ORDER BY ts ROWS 9 PRECEDING) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: whole-partition, direct
-- finds: LA011
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       (close - avg(close) OVER (PARTITION BY symbol)) / stddev(close) OVER (PARTITION BY symbol) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: whole-partition, cte
-- finds: LA011
WITH computed AS (
  SELECT symbol, ts, close, (close - avg(close) OVER (PARTITION BY symbol)) / stddev(close) OVER (PARTITION BY symbol) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: whole-partition, view
-- finds: LA011
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, (close - avg(close) OVER (PARTITION BY symbol)) / stddev(close) OVER (PARTITION BY symbol) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: empty-window, cte
-- finds: LA011
WITH computed AS (
  SELECT symbol, ts, close, volume / max(volume) OVER () AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: empty-window, view
-- finds: LA011
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, volume / max(volume) OVER () AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: empty-window, ours
-- finds: LA011
CREATE TABLE f AS SELECT symbol, ts, close, volume / max(volume) OVER () AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: ntile, view
-- finds: LA011
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, ntile(5) OVER (PARTITION BY symbol ORDER BY ts) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: ntile, ours
-- finds: LA011
CREATE TABLE f AS SELECT symbol, ts, close, ntile(5) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: ntile, lagged
-- finds: LA011
CREATE TABLE f AS SELECT symbol, ts, close, ntile(5) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: crossing, ours
-- finds: LA012
CREATE TABLE f AS SELECT symbol, ts, close, close / lag(close, 1) OVER (ORDER BY symbol, ts) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: crossing, lagged
-- finds: LA012
CREATE TABLE f AS SELECT symbol, ts, close, close / lag(close, 1) OVER (ORDER BY symbol, ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: crossing, direct
-- finds: LA012
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       close / lag(close, 1) OVER (ORDER BY symbol, ts) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: crossing-time, lagged
-- finds: LA012
CREATE TABLE f AS SELECT symbol, ts, close, lag(close, 1) OVER (ORDER BY ts) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: crossing-time, direct
-- finds: LA012
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       lag(close, 1) OVER (ORDER BY ts) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: crossing-time, cte
-- finds: LA012
WITH computed AS (
  SELECT symbol, ts, close, lag(close, 1) OVER (ORDER BY ts) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: sub-selected-mean, direct
-- finds: LA020
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       close - (SELECT avg(close) FROM prices) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: sub-selected-mean, cte
-- finds: LA020
WITH computed AS (
  SELECT symbol, ts, close, close - (SELECT avg(close) FROM prices) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: sub-selected-mean, view
-- finds: LA020
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, close - (SELECT avg(close) FROM prices) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: sub-selected-by-entity, cte
-- finds: LA020
WITH computed AS (
  SELECT symbol, ts, close, close / (SELECT max(p2.close) FROM prices AS p2 WHERE p2.symbol = prices.symbol) AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;

-- case: sub-selected-by-entity, view
-- finds: LA020
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, close / (SELECT max(p2.close) FROM prices AS p2 WHERE p2.symbol = prices.symbol) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: sub-selected-by-entity, ours
-- finds: LA020
CREATE TABLE f AS SELECT symbol, ts, close, close / (SELECT max(p2.close) FROM prices AS p2 WHERE p2.symbol = prices.symbol) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: whole-rank, view
-- finds: LA021
CREATE VIEW v AS SELECT symbol AS entity, ts AS t, close, percent_rank() OVER (ORDER BY volume) AS hidden FROM prices;
CREATE TABLE rows AS
SELECT a.entity, a.t, a.close, b.hidden AS h FROM v AS a JOIN v AS b ON a.entity = b.entity AND a.t = b.t;
CREATE TABLE model AS
SELECT fit(y, inputs) AS model
FROM (SELECT {'h': h, 'close': close} AS inputs, lead(close, 1) OVER (PARTITION BY entity ORDER BY t) AS y FROM rows) AS s;

-- case: whole-rank, ours
-- finds: LA021
CREATE TABLE f AS SELECT symbol, ts, close, percent_rank() OVER (ORDER BY volume) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: whole-rank, lagged
-- finds: LA021
CREATE TABLE f AS SELECT symbol, ts, close, percent_rank() OVER (ORDER BY volume) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: clock, ours
-- finds: LA070
CREATE TABLE f AS SELECT symbol, ts, close, date_diff('day', ts, current_date) AS x FROM prices;
CREATE TABLE labelled AS
SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('labelled', target => 'target', exclude => ['symbol', 'ts', 'close'],
                                 order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: clock, lagged
-- finds: LA070
CREATE TABLE f AS SELECT symbol, ts, close, date_diff('day', ts, current_date) AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: clock, direct
-- finds: LA070
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       date_diff('day', ts, current_date) AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: random, lagged
-- finds: LA070
CREATE TABLE f AS SELECT symbol, ts, close, close + random() AS x FROM prices;
WITH l AS (SELECT * FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts'))
SELECT * FROM feature_screen('(SELECT * FROM f2)', target => 'y', features => ['a']);
CREATE TABLE s AS
SELECT *, lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS y
FROM lag_features('f', columns => ['x'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'x': x, 'lag': x_lag1}) AS m FROM s;

-- case: random, direct
-- finds: LA070
CREATE TABLE samples AS
SELECT symbol, ts, lead(close, 5) OVER (PARTITION BY symbol ORDER BY ts) / close - 1 AS y,
       close + random() AS x
FROM prices;
SELECT fit(y, {'x': x}) AS model FROM samples;

-- case: random, cte
-- finds: LA070
WITH computed AS (
  SELECT symbol, ts, close, close + random() AS a FROM prices
),
renamed AS (SELECT symbol, ts, close, a * 2 AS b FROM computed),
labelled AS (
  SELECT *, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM renamed
)
SELECT symbol, fit(y, {'b': b, 'c': close}) AS model FROM labelled GROUP BY symbol;
