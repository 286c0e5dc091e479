-- Leaks that lie between relations, each with a clean twin.

-- case: statistics joined back
-- finds: LA020
WITH stats AS (SELECT symbol, avg(close) AS m, stddev(close) AS s FROM prices GROUP BY symbol),
scaled AS (
  SELECT p.symbol, p.ts, (p.close - stats.m) / stats.s AS z, lead(p.close, 5) OVER (PARTITION BY p.symbol ORDER BY p.ts) AS y
  FROM prices AS p JOIN stats ON stats.symbol = p.symbol
)
SELECT fit(y, {'z': z}) FROM scaled;

-- case: statistics of the training rows joined back
-- finds: clean
WITH stats AS (SELECT symbol, avg(close) AS m, stddev(close) AS s FROM prices WHERE ts < DATE '2020-01-01' GROUP BY symbol),
scaled AS (
  SELECT p.symbol, p.ts, (p.close - stats.m) / stats.s AS z, lead(p.close, 5) OVER (PARTITION BY p.symbol ORDER BY p.ts) AS y
  FROM prices AS p JOIN stats ON stats.symbol = p.symbol
)
SELECT fit(y, {'z': z}) FROM scaled;

-- case: min-max scaling by a cross join
-- finds: LA020
CREATE VIEW bounds AS SELECT min(volume) AS lo, max(volume) AS hi FROM prices;
SELECT fit(y, {'v': v}) FROM (
  SELECT (volume - lo) / (hi - lo) AS v, lead(close, 1) OVER (PARTITION BY symbol ORDER BY ts) AS y FROM prices CROSS JOIN bounds
) AS s;

-- case: min-max scaling by training rows of a split column
-- finds: clean
CREATE VIEW bounds AS SELECT min(volume) AS lo, max(volume) AS hi FROM samples WHERE split = 'train';
SELECT fit(y, {'v': v}) FROM (
  SELECT split, (volume - lo) / (hi - lo) AS v, y FROM samples CROSS JOIN bounds
) AS s WHERE split = 'train';

-- case: statistics of the test rows
-- finds: LA020
CREATE VIEW bounds AS SELECT min(volume) AS lo, max(volume) AS hi FROM samples WHERE split = 'test';
SELECT fit(y, {'v': v}) FROM (
  SELECT split, (volume - lo) / (hi - lo) AS v, y FROM samples CROSS JOIN bounds
) AS s WHERE split = 'train';

-- case: conditional aggregate over training rows
-- finds: clean
WITH m AS (SELECT avg(CASE WHEN ts < DATE '2019-01-01' THEN volume END) AS mean FROM prices)
SELECT fit(target, {'v': volume - mean}) FROM prices CROSS JOIN m WHERE target_time < DATE '2019-01-01';

-- case: filtered aggregate over training rows
-- finds: clean
WITH m AS (SELECT avg(volume) FILTER (WHERE ts < DATE '2019-01-01') AS mean FROM prices)
SELECT fit(target, {'v': volume - mean}) FROM prices CROSS JOIN m WHERE target_time < DATE '2019-01-01';

-- case: quantile sub-selected in a condition
-- finds: LA020
SELECT fit(target, {'big': CASE WHEN volume > (SELECT quantile_cont(volume, 0.9) FROM prices) THEN 1 ELSE 0 END}) FROM prices;

-- case: clipping by quantiles known before
-- finds: clean
SELECT fit(target, {'big': CASE WHEN volume > (SELECT quantile_cont(volume, 0.9) FROM prices WHERE ts < DATE '2018-01-01') THEN 1 ELSE 0 END})
FROM prices WHERE target_time < DATE '2020-01-01';

-- case: aggregates per date joined back
-- finds: clean
WITH market AS (SELECT ts, avg(ret) AS market FROM prices GROUP BY ts)
SELECT fit(target, {'excess': p.ret - m.market}) FROM prices AS p JOIN market AS m ON m.ts = p.ts;

-- case: aggregates per date by USING
-- finds: clean
WITH market AS (SELECT ts, avg(ret) AS market FROM prices GROUP BY ts)
SELECT fit(target, {'excess': ret - market}) FROM prices JOIN market USING (ts);

-- case: the month's mean on its own days
-- finds: LA043
WITH monthly AS (SELECT symbol, date_trunc('month', ts) AS month, avg(close) AS m FROM prices GROUP BY symbol, date_trunc('month', ts))
SELECT fit(target, {'r': p.close / m.m}) FROM prices AS p
JOIN monthly AS m ON m.symbol = p.symbol AND m.month = date_trunc('month', p.ts);

-- case: the mean of the month before
-- finds: clean
WITH monthly AS (SELECT symbol, date_trunc('month', ts) AS month, avg(close) AS m FROM prices GROUP BY symbol, date_trunc('month', ts))
SELECT fit(target, {'r': p.close / m.m}) FROM prices AS p
JOIN monthly AS m ON m.symbol = p.symbol AND m.month = date_trunc('month', p.ts) - INTERVAL '1 month';

-- case: daily close on minute bars
-- finds: LA043
CREATE TABLE daily AS SELECT symbol, date_trunc('day', ts) AS day, max(close) AS high FROM bars GROUP BY 1, 2;
CREATE VIEW joined AS SELECT b.*, d.high FROM bars AS b JOIN daily AS d ON d.symbol = b.symbol AND d.day = date_trunc('day', b.ts);
SELECT fit(target, {'h': close / high}) FROM joined;

-- case: as-of join on the start of a bucket
-- finds: LA043
CREATE TABLE weekly AS SELECT symbol, time_bucket(INTERVAL '7 days', ts) AS week, sum(volume) AS v FROM prices GROUP BY ALL;
SELECT fit(target, {'v': w.v}) FROM prices AS p JOIN weekly AS w ON w.symbol = p.symbol AND w.week <= p.ts;

-- case: as-of join on the end of a bucket
-- finds: clean
CREATE TABLE weekly AS SELECT symbol, time_bucket(INTERVAL '7 days', ts) AS week, sum(volume) AS v FROM prices GROUP BY ALL;
SELECT fit(target, {'v': w.v}) FROM prices AS p JOIN weekly AS w ON w.symbol = p.symbol AND w.week + INTERVAL '7 days' <= p.ts;

-- case: monthly bars on their own
-- finds: clean
CREATE TABLE monthly AS SELECT symbol, date_trunc('month', ts) AS month, sum(volume) AS v, max(close) AS c FROM prices GROUP BY 1, 2;
SELECT fit(y, {'v': v}) FROM (SELECT v, lead(c, 1) OVER (PARTITION BY symbol ORDER BY month, symbol) AS y FROM monthly) AS s
WHERE v IS NOT NULL AND 1 = 1;

-- case: news after the bar
-- finds: LA041
SELECT fit(target, {'tone': n.tone}) FROM prices AS p JOIN news AS n ON n.symbol = p.symbol AND n.ts >= p.ts;

-- case: news before the bar
-- finds: clean
SELECT fit(target, {'tone': n.tone}) FROM prices AS p JOIN news AS n ON n.symbol = p.symbol AND n.ts <= p.ts;

-- case: news around the bar
-- finds: LA041
SELECT fit(target, {'tone': n.tone}) FROM prices AS p
JOIN news AS n ON n.symbol = p.symbol AND n.ts BETWEEN p.ts - INTERVAL '2 days' AND p.ts + INTERVAL '2 days';

-- case: news of the two days before
-- finds: clean
SELECT fit(target, {'tone': n.tone}) FROM prices AS p
JOIN news AS n ON n.symbol = p.symbol AND n.ts BETWEEN p.ts - INTERVAL '2 days' AND p.ts;

-- case: the next bar by a self-join
-- finds: LA041
SELECT fit(target, {'next': b.close}) FROM bars AS a JOIN bars AS b ON a.symbol = b.symbol AND b.bar = a.bar + 1;

-- case: the bar before by a self-join
-- finds: clean
SELECT fit(target, {'previous': b.close}) FROM bars AS a JOIN bars AS b ON a.symbol = b.symbol AND b.bar = a.bar - 1;

-- case: the next bar, the other way round
-- finds: LA041
SELECT fit(target, {'next': b.close}) FROM bars AS a, bars AS b WHERE a.symbol = b.symbol AND b.bar - 1 = a.bar;

-- case: the next day in time
-- finds: LA041
WITH j AS (SELECT a.symbol, a.ts, a.target, b.close AS c FROM prices AS a LEFT JOIN prices AS b ON a.symbol = b.symbol AND b.ts = a.ts + INTERVAL '1 day')
SELECT fit(target, {'c': c}) FROM j;

-- case: the day before in time
-- finds: clean
WITH j AS (SELECT a.symbol, a.ts, a.target, b.close AS c FROM prices AS a LEFT JOIN prices AS b ON a.symbol = b.symbol AND b.ts = a.ts - INTERVAL '1 day')
SELECT fit(target, {'c': c}) FROM j;

-- case: ratings of all times
-- finds: LA042
CREATE TABLE ratings (symbol VARCHAR, rated_at TIMESTAMP, rating DOUBLE);
SELECT fit(target, {'r': r.rating}) FROM prices AS p JOIN ratings AS r ON r.symbol = p.symbol;

-- case: ratings known then
-- finds: clean
CREATE TABLE ratings (symbol VARCHAR, rated_at TIMESTAMP, rating DOUBLE);
SELECT fit(target, {'r': r.rating}) FROM prices AS p JOIN ratings AS r ON r.symbol = p.symbol AND r.rated_at <= p.ts;

-- case: ratings by validity
-- finds: clean
CREATE TABLE ratings (symbol VARCHAR, valid_from TIMESTAMP, valid_to TIMESTAMP, rating DOUBLE);
SELECT fit(target, {'r': r.rating}) FROM prices AS p JOIN ratings AS r ON r.symbol = p.symbol AND p.ts >= r.valid_from AND p.ts < r.valid_to;

-- case: ratings by validity, between
-- finds: clean
CREATE TABLE ratings (symbol VARCHAR, valid_from TIMESTAMP, valid_to TIMESTAMP, rating DOUBLE);
SELECT fit(target, {'r': r.rating}) FROM prices AS p JOIN ratings AS r ON r.symbol = p.symbol AND p.ts BETWEEN r.valid_from AND r.valid_to;

-- case: by USING the entity alone
-- finds: LA042
CREATE TABLE ratings (symbol VARCHAR, rated_at TIMESTAMP, rating DOUBLE);
SELECT fit(target, {'r': rating}) FROM prices JOIN ratings USING (symbol);

-- case: a table without a time
-- finds: clean
CREATE TABLE sectors (symbol VARCHAR, beta DOUBLE);
SELECT fit(target, {'b': beta}) FROM prices JOIN sectors USING (symbol);

-- case: figures on the end of their quarter
-- finds: LA040
SELECT fit(target, {'e': f.eps}) FROM prices AS p JOIN fundamentals AS f ON f.symbol = p.symbol AND f.period_end = p.ts;

-- case: figures at or after the end of their quarter
-- finds: LA040
SELECT fit(target, {'e': f.eps}) FROM prices AS p JOIN fundamentals AS f ON f.symbol = p.symbol AND f.period_end <= p.ts;

-- case: figures once published
-- finds: clean
SELECT fit(target, {'e': f.eps}) FROM prices AS p JOIN fundamentals AS f ON f.symbol = p.symbol AND f.published_at <= p.ts;

-- case: figures with a delay
-- finds: clean
SELECT fit(target, {'e': f.eps}) FROM prices AS p JOIN fundamentals AS f ON f.symbol = p.symbol AND f.period_end + INTERVAL '90 days' <= p.ts;

-- case: the latest row of all time
-- finds: LA050
WITH last AS (SELECT symbol, volume FROM prices QUALIFY row_number() OVER (PARTITION BY symbol ORDER BY ts DESC) = 1)
SELECT fit(p.target, {'v': l.volume}) FROM prices AS p JOIN last AS l ON l.symbol = p.symbol;

-- case: the latest row, numbered before
-- finds: LA050
WITH numbered AS (SELECT symbol, volume, row_number() OVER (PARTITION BY symbol ORDER BY ts DESC) AS rn FROM prices),
last AS (SELECT symbol, volume FROM numbered WHERE rn = 1)
SELECT fit(p.target, {'v': l.volume}) FROM prices AS p JOIN last AS l ON l.symbol = p.symbol;

-- case: DISTINCT ON the latest
-- finds: LA050
WITH last AS (SELECT DISTINCT ON (symbol) symbol, volume FROM prices ORDER BY symbol, ts DESC)
SELECT fit(p.target, {'v': l.volume}) FROM prices AS p JOIN last AS l ON l.symbol = p.symbol;

-- case: DISTINCT ON the first
-- finds: clean
WITH first AS (SELECT DISTINCT ON (symbol) symbol, volume AS v FROM prices ORDER BY symbol, ts)
SELECT fit(p.target, {'v': l.v}) FROM prices AS p JOIN (SELECT symbol, v FROM first) AS l ON l.symbol = p.symbol;

-- case: the latest row before each
-- finds: clean
WITH joined AS (
  SELECT p.symbol, p.ts, p.target, n.tone FROM prices AS p JOIN news AS n ON n.symbol = p.symbol AND n.ts <= p.ts
  QUALIFY row_number() OVER (PARTITION BY p.symbol, p.ts ORDER BY n.ts DESC) = 1
)
SELECT fit(target, {'t': tone}) FROM joined;

-- case: the first row of an entity
-- finds: clean
WITH first AS (SELECT symbol, close AS c0 FROM prices QUALIFY row_number() OVER (PARTITION BY symbol ORDER BY ts) = 1)
SELECT fit(p.target, {'v': p.close / l.c0}) FROM prices AS p JOIN first AS l ON l.symbol = p.symbol;

-- case: the value at the maximum
-- finds: LA020
WITH peak AS (SELECT symbol, arg_max(volume, ts) AS v FROM prices GROUP BY symbol)
SELECT fit(p.target, {'v': peak.v}) FROM prices AS p JOIN peak ON peak.symbol = p.symbol;

-- case: history aggregated by a self-join
-- finds: clean
WITH history AS (
  SELECT p.symbol, p.ts, avg(h.close) AS mean FROM prices AS p JOIN prices AS h ON h.symbol = p.symbol AND h.ts < p.ts GROUP BY p.symbol, p.ts
)
SELECT fit(p.target, {'m': mean}) FROM prices AS p JOIN history USING (symbol, ts);

-- case: the future aggregated by a self-join
-- finds: LA041
WITH history AS (
  SELECT p.symbol, p.ts, avg(h.close) AS mean FROM prices AS p JOIN prices AS h ON h.symbol = p.symbol AND h.ts > p.ts GROUP BY p.symbol, p.ts
)
SELECT fit(p.target, {'m': mean}) FROM prices AS p JOIN history USING (symbol, ts);

-- case: a union brings the leak
-- finds: LA001
WITH both AS (
  SELECT symbol, ts, target, lag(close) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM a
  UNION ALL SELECT symbol, ts, target, lead(close) OVER (PARTITION BY symbol ORDER BY ts) FROM b
)
SELECT fit(target, {'x': x}) FROM both;

-- case: a union without a leak
-- finds: clean
WITH both AS (
  SELECT symbol, ts, target, lag(close) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM a
  UNION ALL SELECT symbol, ts, target, lag(close, 2) OVER (PARTITION BY symbol ORDER BY ts) FROM b
)
SELECT fit(target, {'x': x}) FROM both;

-- case: inserted later
-- finds: LA001
CREATE TABLE f AS SELECT symbol, ts, close, target, lag(close) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM a;
INSERT INTO f SELECT symbol, ts, close, target, lead(close) OVER (PARTITION BY symbol ORDER BY ts) FROM b;
SELECT fit(target, {'x': x}) FROM f;

-- case: named windows
-- finds: LA004
SELECT fit(target, {'x': x}) FROM (
  SELECT target, avg(close) OVER (w ROWS BETWEEN CURRENT ROW AND 3 FOLLOWING) AS x FROM prices WINDOW w AS (PARTITION BY symbol ORDER BY ts)) AS s;

-- case: named windows, clean
-- finds: clean
SELECT fit(target, {'x': x}) FROM (
  SELECT target, avg(close) OVER (w ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS x FROM prices WINDOW w AS (PARTITION BY symbol ORDER BY ts)) AS s;

-- case: a window that is named in descending order
-- finds: LA009
SELECT fit(target, {'x': x}) FROM (
  SELECT target, lag(close) OVER w AS x FROM prices WINDOW w AS (PARTITION BY symbol ORDER BY ts DESC)) AS s;

-- case: one entity alone needs no partition
-- finds: clean
SELECT fit(target, {'x': x}) FROM (
  SELECT target, lag(close) OVER (ORDER BY ts) AS x FROM prices WHERE symbol = 'SPY') AS s;

-- case: a series without entities
-- finds: clean
SELECT fit(y, {'x': x}) FROM (SELECT lag(v) OVER (ORDER BY ts) AS x, lead(v) OVER (ORDER BY ts) AS y FROM series) AS s;

-- case: lead and lag that cancel
-- finds: clean
WITH a AS (SELECT symbol, ts, target, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS ahead FROM prices)
SELECT fit(target, {'x': x}) FROM (SELECT target, lag(ahead, 3) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM a) AS s;

-- case: lead and lag that do not quite cancel
-- finds: LA001
WITH a AS (SELECT symbol, ts, target, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS ahead FROM prices)
SELECT fit(target, {'x': x}) FROM (SELECT target, lag(ahead, 2) OVER (PARTITION BY symbol ORDER BY ts) AS x FROM a) AS s;

-- case: single-candle lookahead: the signal shifted by one
-- finds: LA001
CREATE VIEW signals AS SELECT *, CASE WHEN lead(close, 1) OVER (PARTITION BY symbol ORDER BY ts) > close THEN 1 ELSE 0 END AS enter FROM prices;
SELECT fit(target, {'enter': enter}) FROM signals;

-- case: delayed entry: a leak hidden by a lag of an earlier table
-- finds: LA001
CREATE TABLE raw AS SELECT symbol, ts, close, target, lead(close, 10) OVER (PARTITION BY symbol ORDER BY ts) AS peek FROM prices;
CREATE TABLE entries AS SELECT * FROM lag_features('raw', columns => ['peek'], lags => [4], partition_by => 'symbol', order_by => 'ts');
SELECT fit(target, {'entry': peek_lag4}) FROM entries;

-- case: a model of all rows as a feature
-- finds: LA020
CREATE TABLE first AS SELECT fit(target, {'a': a}) AS model FROM samples;
CREATE TABLE stacked AS SELECT s.*, predict(first.model, {'a': s.a}) AS p FROM samples AS s CROSS JOIN first;
SELECT fit(target, {'p': p}) FROM stacked;

-- case: a latent aggregate that stays with its groups
-- finds: clean
WITH per AS (SELECT symbol, avg(close) AS mean, max(y) AS y FROM history GROUP BY symbol)
SELECT fit(y, {'m': mean}) FROM per;
