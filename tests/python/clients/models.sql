-- Models of the runner, and what it predicts with them, for the clients that have the
-- functions: they must predict the same to the last bit.
CREATE OR REPLACE TABLE samples AS
SELECT i, (i * 7919) % 1000 / 1000.0 AS a, (i * 104729) % 997 / 997.0 AS b,
  CASE WHEN i % 11 = 0 THEN NULL ELSE (i * 31) % 101 / 101.0 END AS c,
  sin((i * 7919) % 1000 / 100.0) + (i * 13) % 17 / 17.0 AS y, (i * 7919) % 1000 > 500 AS up
FROM range(4000) r(i);

CREATE OR REPLACE TABLE models AS
SELECT 'gbdt' AS name, fit(y, {'a': a, 'b': b, 'c': c}, {'algorithm': 'gbdt', 'trees': 40}) AS model FROM samples
UNION ALL
SELECT 'random_forest', fit(y, {'a': a, 'b': b, 'c': c}, {'algorithm': 'random_forest', 'trees': 20}) FROM samples
UNION ALL
SELECT 'ols', fit(y, {'a': a, 'b': b, 'c': c}) FROM samples
UNION ALL
SELECT 'logistic', fit(up, {'a': a, 'b': b, 'c': c}, {'algorithm': 'logistic'}) FROM samples;

CREATE OR REPLACE TABLE predictions AS
SELECT name, i, predict(model, {'a': a, 'b': b, 'c': c}) AS prediction FROM samples CROSS JOIN models;
