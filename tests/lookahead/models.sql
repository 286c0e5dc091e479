-- Leaks of targets, splits and choices, each with a clean twin.

-- case: the target as a feature
-- finds: LA060
CREATE TABLE l AS SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT fit(target, {'a': a, 't': target}) FROM l;

-- case: the target renamed
-- finds: LA060
CREATE TABLE l AS SELECT *, target * 100 AS percent FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT fit(target, {'a': a, 'p': percent}) FROM l;

-- case: another target as a feature
-- finds: LA060
CREATE TABLE l AS SELECT * FROM shift_target('f', price => 'close', horizon => 5, name => 'week', partition_by => 'symbol', order_by => 'ts');
CREATE TABLE m AS SELECT * FROM shift_target('l', price => 'close', horizon => 20, name => 'month', partition_by => 'symbol', order_by => 'ts');
SELECT fit(month, {'w': week}) FROM m;

-- case: the time of the target as a feature
-- finds: LA060
CREATE TABLE l AS SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT fit(target, {'d': date_diff('day', ts, target_time)}) FROM l;

-- case: a present column that is the target
-- finds: LA060
SELECT fit(close, {'h': high, 'mid': (close + high) / 2}) FROM prices;

-- case: a present target without itself
-- finds: clean
SELECT fit(close, {'h': high, 'l': low}) FROM prices;

-- case: the target, lagged by its horizon
-- finds: clean
CREATE TABLE l AS SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
CREATE TABLE s AS SELECT *, lag(target, 5) OVER (PARTITION BY symbol ORDER BY ts) AS last FROM l;
SELECT fit(target, {'last': last}) FROM s;

-- case: the target, lagged by less than its horizon
-- finds: LA060
CREATE TABLE l AS SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
CREATE TABLE s AS SELECT *, lag(target, 4) OVER (PARTITION BY symbol ORDER BY ts) AS last FROM l;
SELECT fit(target, {'last': last}) FROM s;

-- case: a target of prepare_training_data among the features
-- finds: LA060
CREATE TABLE f AS SELECT symbol, ts, a, b AS base_w20_s2_break, c AS base_w20_s2_width FROM raw;
CREATE TABLE p AS SELECT * FROM prepare_training_data('f', pattern_window => 20, std_dev => 2, target_lag => 5, partition_by => 'symbol', order_by => 'ts');
SELECT fit(target_break, {'a': a, 'w': target_width}) FROM p;

-- case: targets of prepare_training_data as targets
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, a, b AS base_w20_s2_break, c AS base_w20_s2_width FROM raw;
CREATE TABLE p AS SELECT * FROM prepare_training_data('f', pattern_window => 20, std_dev => 2, target_lag => 5, partition_by => 'symbol', order_by => 'ts');
SELECT fit(target_break, {'a': a}) AS m1, fit(target_width, {'a': a}) AS m2 FROM p;

-- case: a pattern as a feature
-- finds: LA061
SELECT fit(target, {'a': a, 'p': base_w20_s2_distance}) FROM features;

-- case: a pattern under another name
-- finds: LA061
CREATE VIEW v AS SELECT *, base_w20_s2_distance * 2 AS d FROM features;
SELECT fit(target, {'d': d}) FROM v;

-- case: a pattern by name in a table function
-- finds: LA061
SELECT * FROM feature_importance('features', target => 'y', features => ['a', 'base_w20_s2_distance'], order_by => 'ts');

-- case: patterns are not found by pattern
-- finds: clean
CREATE TABLE f AS SELECT ts, a, base_w20_s2_distance, y FROM features;
SELECT * FROM feature_importance('f', target => 'y', order_by => 'ts');

-- case: a column that is called the future
-- finds: LA062
SELECT fit(y, {'r': forward_return}) FROM features;

-- case: a column that is called the future, in a list
-- finds: LA062
SELECT * FROM feature_screen('features', target => 'y', features => ['a', 'next_close']);

-- case: the same column as the target
-- finds: clean
SELECT fit(forward_return, {'r': past_return}) FROM features;

-- case: chosen on all rows
-- finds: LA022
CREATE TABLE s AS SELECT *, CASE WHEN target_time < DATE '2020-01-01' THEN 'train' ELSE 'test' END AS split
FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_screen('s', target => 'target', features => ['a', 'b'], horizon => 5);
SELECT fit(target, {'a': a}) FROM s WHERE split = 'train';

-- case: chosen on training rows
-- finds: clean
CREATE TABLE s AS SELECT *, CASE WHEN target_time < DATE '2020-01-01' THEN 'train' ELSE 'test' END AS split
FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
WITH t AS (SELECT * FROM s WHERE split = 'train') SELECT * FROM feature_screen('t', target => 'target', features => ['a', 'b'], horizon => 5);
SELECT fit(target, {'a': a}) FROM s WHERE split = 'train';

-- case: chosen before an end that is passed
-- finds: clean
CREATE TABLE s AS SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_screen('s', target => 'target', features => ['a'], horizon => 5, train_end => '2020-01-01');
SELECT fit(target, {'a': a}) FROM s WHERE target_time < DATE '2020-01-01';

-- case: trained on all rows, judged on some
-- finds: LA023
CREATE TABLE model AS SELECT fit(target, {'a': a}) AS model FROM s;
SELECT rmse(target, predict(model, {'a': a})) FROM s CROSS JOIN model WHERE ts >= DATE '2020-01-01';

-- case: trained before, judged after
-- finds: clean
CREATE TABLE model AS SELECT fit(target, {'a': a}) AS model FROM s WHERE target_time < DATE '2020-01-01';
SELECT rmse(target, predict(model, {'a': a})) FROM s CROSS JOIN model WHERE ts >= DATE '2020-01-01';

-- case: trained on all rows for tomorrow
-- finds: clean
CREATE TABLE model AS SELECT fit(target, {'a': a}) AS model FROM s;
SELECT predict(model, {'a': a}) FROM today CROSS JOIN model;

-- case: cut by the row's time
-- finds: LA030
CREATE TABLE l AS SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT fit(target, {'a': a}) FROM l WHERE ts < DATE '2020-01-01';

-- case: cut by the target's time
-- finds: clean
CREATE TABLE l AS SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT fit(target, {'a': a}) FROM l WHERE target_time < DATE '2020-01-01';

-- case: cut by the row's time in a split column
-- finds: LA030
CREATE TABLE l AS SELECT *, CASE WHEN ts < DATE '2020-01-01' THEN 'train' ELSE 'test' END AS split
FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT fit(target, {'a': a}) FROM l WHERE split = 'train';

-- case: cut by a flag
-- finds: LA030
CREATE TABLE l AS SELECT *, ts < DATE '2020-01-01' AS is_train
FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT fit(target, {'a': a}) FROM l WHERE is_train;

-- case: cut by a flag of the target's time
-- finds: clean
CREATE TABLE l AS SELECT *, target_time < DATE '2020-01-01' AS is_train
FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT fit(target, {'a': a}) FROM l WHERE is_train;

-- case: cut with a gap
-- finds: clean
CREATE TABLE l AS SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT fit(target, {'a': a}) FROM l WHERE ts < DATE '2020-01-01' - INTERVAL '10 days';

-- case: where the data ends is no cut
-- finds: clean
CREATE TABLE recent AS SELECT * FROM f WHERE ts <= DATE '2024-12-31';
CREATE TABLE l AS SELECT * FROM shift_target('recent', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT fit(target, {'a': a}) FROM l WHERE target_time < DATE '2020-01-01';

-- case: a purge of one row
-- finds: LA031
CREATE TABLE l AS SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('l', target => 'target', features => ['a'], order_by => 'ts', partition_by => 'symbol');

-- case: a purge that is shorter than the entry lag asks
-- finds: LA031
CREATE TABLE l AS SELECT * FROM shift_target('f', price => 'close', horizon => 5, entry_lag => 1, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('l', target => 'target', features => ['a'], order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: a purge of the horizon
-- finds: clean
CREATE TABLE l AS SELECT * FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
SELECT * FROM feature_importance('l', target => 'target', features => ['a'], order_by => 'ts', partition_by => 'symbol', horizon => 5);

-- case: a random split
-- finds: LA032
SELECT fit(target, {'a': a}) FROM s WHERE random() < 0.8;

-- case: a split by hash
-- finds: LA032
CREATE VIEW training AS SELECT * FROM s WHERE hash(symbol, ts) % 10 < 8;
SELECT fit(target, {'a': a}) FROM training;

-- case: a sample
-- finds: LA032
SELECT fit(target, {'a': a}) FROM s TABLESAMPLE BERNOULLI (80);

-- case: features by name in a table function, one of them ahead
-- finds: LA001
CREATE TABLE f AS SELECT symbol, ts, y, lag(close) OVER (PARTITION BY symbol ORDER BY ts) AS a, lead(close) OVER (PARTITION BY symbol ORDER BY ts) AS b FROM prices;
SELECT * FROM select_features('f', target => 'y', features => ['a', 'b'], order_by => 'ts');

-- case: the one ahead is excluded
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, y, lag(close) OVER (PARTITION BY symbol ORDER BY ts) AS a, lead(close) OVER (PARTITION BY symbol ORDER BY ts) AS b FROM prices;
SELECT * FROM select_features('f', target => 'y', exclude => ['b', 'symbol'], order_by => 'ts');

-- case: the one ahead is not named
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, y, lag(close) OVER (PARTITION BY symbol ORDER BY ts) AS a, lead(close) OVER (PARTITION BY symbol ORDER BY ts) AS b FROM prices;
SELECT * FROM select_features('f', target => 'y', features => 'a', order_by => 'ts');

-- case: rolling regression
-- finds: clean
SELECT symbol, ts, fit(y, {'a': a}) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 250 PRECEDING AND 5 PRECEDING) FROM s;

-- case: a leak in a struct column
-- finds: LA001
CREATE TABLE s AS SELECT target, {'a': a, 'b': lead(a) OVER (PARTITION BY symbol ORDER BY ts)} AS inputs FROM f;
SELECT fit(target, inputs) FROM s;

-- case: a field of a struct column that does not leak
-- finds: clean
CREATE TABLE s AS SELECT target, {'a': a, 'b': lead(a) OVER (PARTITION BY symbol ORDER BY ts)} AS inputs FROM f;
SELECT fit(target, {'a': inputs['a']}) FROM s;

-- case: waived with a reason
-- finds: clean
SELECT fit(target, {'x': x}) FROM (
  SELECT target,
         lead(close, 1) OVER (PARTITION BY symbol ORDER BY ts) AS x -- lagrange: allow(LA001) an upper bound for the study, never traded
  FROM prices) AS s;

-- case: waived without a reason
-- finds: LA001 LA090
SELECT fit(target, {'x': x}) FROM (
  SELECT target,
         lead(close, 1) OVER (PARTITION BY symbol ORDER BY ts) AS x -- lagrange: allow(LA001)
  FROM prices) AS s;

-- case: a waiver that waives nothing
-- finds: LA091
SELECT fit(target, {'x': x}) FROM (
  SELECT target,
         lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts) AS x -- lagrange: allow(LA001) it was a lead once
  FROM prices) AS s;

-- case: a function that nobody knows
-- finds: LA080
SELECT fit(target, {'x': kalman_smooth(close)}) FROM prices;

-- case: a leak that no model takes
-- finds: clean
CREATE TABLE s AS SELECT symbol, ts, target, lag(close) OVER (PARTITION BY symbol ORDER BY ts) AS a, lead(close) OVER (PARTITION BY symbol ORDER BY ts) AS b FROM prices;
SELECT fit(target, {'a': a}) FROM s;

-- case: a model of all rows, beside a split
-- finds: LA023
CREATE TABLE samples AS
SELECT *, CASE WHEN target_time < DATE '2020-01-01' THEN 'train' WHEN ts < DATE '2020-01-01' THEN 'purged' ELSE 'test' END AS split
FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
CREATE TABLE m AS
SELECT * FROM train_model('samples', target => 'target', features => ['a'], order_by => 'ts', partition_by => 'symbol', horizon => 5, test_share => 0);

-- case: a model of all training rows, beside a split
-- finds: clean
CREATE TABLE samples AS
SELECT *, CASE WHEN target_time < DATE '2020-01-01' THEN 'train' WHEN ts < DATE '2020-01-01' THEN 'purged' ELSE 'test' END AS split
FROM shift_target('f', price => 'close', horizon => 5, partition_by => 'symbol', order_by => 'ts');
CREATE TABLE m AS
WITH training AS (SELECT * FROM samples WHERE split = 'train')
SELECT * FROM train_model('training', target => 'target', features => ['a'], order_by => 'ts', partition_by => 'symbol', horizon => 5, test_share => 0);
