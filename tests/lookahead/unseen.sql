-- Scripts written without a look at the check, to measure it at first sight; see README.md.

-- case: zscore in subquery in from, comma join
-- finds: LA020
SELECT fit(t.fwd, {'z': (t.px - m.mu) / m.sd}) FROM ticks t, (SELECT AVG(px) mu, STDDEV(px) sd FROM ticks) m;

-- case: having-based per entity quantile
-- finds: LA020
CREATE TABLE q AS SELECT ticker, quantile_cont(px, 0.99) AS cap FROM ticks GROUP BY ticker;
CREATE TABLE w AS SELECT t.*, least(t.px, q.cap) AS winsor FROM ticks t LEFT JOIN q USING (ticker);
SELECT fit(fwd, {'w': winsor}) FROM w;

-- case: future volatility through list
-- finds: LA004
SELECT fit(y, {'v': v}) FROM (SELECT y, stddev_samp(ret) OVER (PARTITION BY ticker ORDER BY ts ROWS BETWEEN 1 FOLLOWING AND 20 FOLLOWING) v FROM ticks) s;

-- case: lead in case condition
-- finds: LA001
SELECT fit(y, {'up': CASE WHEN nxt > px THEN 1 ELSE 0 END}) FROM (SELECT y, px, lead(px) OVER (PARTITION BY ticker ORDER BY ts) nxt FROM ticks) s;

-- case: lateral alias
-- finds: LA001
CREATE TABLE s AS SELECT ticker, ts, y, lead(px, 2) OVER (PARTITION BY ticker ORDER BY ts) AS p2, p2 / px AS ratio FROM ticks;
SELECT fit(y, {'r': ratio}) FROM s;

-- case: update brings leak
-- finds: LA001
CREATE TABLE s AS SELECT ticker, ts, y, px AS f FROM ticks;
UPDATE s SET f = (SELECT lead(px) OVER (PARTITION BY ticker ORDER BY ts) FROM ticks);
SELECT fit(y, {'f': f}) FROM s;

-- case: recursive
-- finds: LA080
WITH RECURSIVE r AS (SELECT 1 AS n, px, y FROM ticks UNION ALL SELECT n + 1, px, y FROM r WHERE n < 5)
SELECT fit(y, {'p': px}) FROM r;

-- case: array of future
-- finds: LA004
SELECT fit(y, {'m': list_max(f)}) FROM (SELECT y, array_agg(px) OVER (PARTITION BY ticker ORDER BY ts ROWS BETWEEN CURRENT ROW AND 3 FOLLOWING) AS f FROM ticks) s;

-- case: struct row
-- finds: LA001 LA060
SELECT fit(y, s) FROM (SELECT lead(px) OVER (PARTITION BY ticker ORDER BY ts) AS a, y FROM ticks) s;

-- case: correlated count of later rows
-- finds: LA041 LA020
SELECT fit(y, {'n': n}) FROM (SELECT y, (SELECT count(*) FROM trades tr WHERE tr.ticker = t.ticker AND tr.ts > t.ts) AS n FROM ticks t) s;

-- case: correlated average until next week
-- finds: LA041 LA020
SELECT fit(y, {'n': n}) FROM (SELECT y, (SELECT avg(px) FROM trades tr WHERE tr.ticker = t.ticker AND tr.ts <= t.ts + INTERVAL '7 days') AS n FROM ticks t) s;

-- case: latest by max ts
-- finds: LA050
WITH mx AS (SELECT ticker, max(ts) AS mts FROM ratings GROUP BY ticker),
latest AS (SELECT r.ticker, r.score FROM ratings r JOIN mx ON r.ticker = mx.ticker AND r.ts = mx.mts)
SELECT fit(t.y, {'s': l.score}) FROM ticks t JOIN latest l ON l.ticker = t.ticker;

-- case: dedupe with max value
-- finds: LA050
WITH d AS (SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY ticker ORDER BY score DESC) rn FROM ratings) z WHERE rn <= 1)
SELECT fit(t.y, {'s': d.score}) FROM ticks t JOIN d ON d.ticker = t.ticker;

-- case: kfold by modulo
-- finds: LA032
SELECT fit(y, {'a': a}) FROM s WHERE md5(ticker || CAST(ts AS VARCHAR)) < '8';

-- case: negative interval self join
-- finds: LA041
SELECT fit(a.y, {'p': b.px}) FROM ticks a JOIN ticks b ON a.ticker = b.ticker AND a.ts = b.ts - INTERVAL '1 hour';

-- case: quarter join using
-- finds: LA043
CREATE TABLE qtr AS SELECT ticker, quarter(ts) AS q, year(ts) AS yr, sum(vol) AS v FROM ticks GROUP BY ticker, quarter(ts), year(ts);
SELECT fit(t.y, {'v': x.v}) FROM ticks t JOIN qtr x ON x.ticker = t.ticker AND x.yr = year(t.ts) AND x.q = quarter(t.ts);

-- case: sort by two
-- finds: LA012
SELECT fit(y, {'p': p}) FROM (SELECT y, lag(px) OVER (ORDER BY ticker, ts) p FROM ticks) s;

-- case: group by over whole window then diff
-- finds: LA011
SELECT fit(y, {'p': px - mn}) FROM (SELECT y, px, min(px) OVER (PARTITION BY ticker) mn FROM ticks) s;

-- case: pca-like udf
-- finds: LA080
SELECT fit(y, {'p': p}) FROM (SELECT y, hilbert(px) OVER (PARTITION BY ticker ORDER BY ts) p FROM ticks) s;

-- case: in-subquery future event
-- finds: LA020
SELECT fit(y, {'e': e}) FROM (SELECT y, CASE WHEN ticker IN (SELECT ticker FROM events GROUP BY ticker HAVING count(*) > 3) THEN 1 ELSE 0 END AS e FROM ticks) s;

-- case: expected range
-- finds: LA009
SELECT fit(y, {'e': e}) FROM (SELECT y, rank() OVER (PARTITION BY ticker ORDER BY ts DESC) AS e FROM ticks) s;

-- case: select except
-- finds: LA001
CREATE TABLE a AS SELECT ticker, ts, y, px, lead(px) OVER (PARTITION BY ticker ORDER BY ts) AS nx, 5 AS k FROM ticks;
CREATE TABLE b AS SELECT * EXCLUDE (k) REPLACE (nx * 2 AS px) FROM a;
SELECT fit(y, {'px': px}) FROM b;

-- case: pivot-like max case
-- finds: LA020
CREATE TABLE p AS SELECT ticker, max(CASE WHEN kind = 'a' THEN v END) AS av FROM ev GROUP BY ticker;
SELECT fit(t.y, {'a': p.av}) FROM ticks t JOIN p ON p.ticker = t.ticker;

-- case: resample to right label but joined same bucket
-- finds: LA043
CREATE TABLE h AS SELECT ticker, date_trunc('hour', ts) + INTERVAL '1 hour' AS hour_end, sum(vol) AS v FROM ticks GROUP BY 1, 2;
SELECT fit(t.y, {'v': h.v}) FROM ticks t JOIN h ON h.ticker = t.ticker AND h.hour_end = date_trunc('hour', t.ts) + INTERVAL '1 hour';

-- case: intersect
-- finds: LA001
SELECT fit(y, {'x': x}) FROM (SELECT y, lead(px) OVER (PARTITION BY ticker ORDER BY ts) AS x FROM ticks EXCEPT SELECT y, px FROM other) s;

-- case: clean expanding z
-- finds: clean
SELECT fit(y, {'z': z}) FROM (SELECT y, (px - avg(px) OVER w) / nullif(stddev(px) OVER w, 0) AS z FROM ticks WINDOW w AS (PARTITION BY ticker ORDER BY ts)) s;

-- case: clean cross-sectional rank within sector and date
-- finds: clean
SELECT fit(y, {'z': z}) FROM (SELECT y, percent_rank() OVER (PARTITION BY ts, sector ORDER BY px) AS z FROM ticks) s;

-- case: clean resampled right label joined asof
-- finds: clean
CREATE TABLE h AS SELECT ticker, date_trunc('hour', ts) + INTERVAL '1 hour' AS hour_end, sum(vol) AS v FROM ticks GROUP BY 1, 2;
SELECT fit(t.y, {'v': h.v}) FROM ticks t JOIN h ON h.ticker = t.ticker AND h.hour_end <= t.ts;

-- case: clean calendar features
-- finds: clean
SELECT fit(y, {'dow': extract(dow FROM ts), 'm': month(ts), 'age': date_diff('day', listed_at, ts)}) FROM ticks;

-- case: clean streak gaps and islands
-- finds: clean
WITH a AS (SELECT *, CASE WHEN px > lag(px) OVER (PARTITION BY ticker ORDER BY ts) THEN 0 ELSE 1 END AS brk FROM ticks),
b AS (SELECT *, sum(brk) OVER (PARTITION BY ticker ORDER BY ts ROWS UNBOUNDED PRECEDING) AS grp FROM a),
c AS (SELECT *, row_number() OVER (PARTITION BY ticker, grp ORDER BY ts) AS streak FROM b)
SELECT fit(y, {'s': streak}) FROM c;

-- case: clean calendar spine
-- finds: clean
WITH days AS (SELECT DATE '2020-01-01' + CAST(i AS INTEGER) AS ts FROM range(1000) r(i)),
grid AS (SELECT d.ts, s.ticker FROM days d CROSS JOIN (SELECT DISTINCT ticker FROM ticks) s),
filled AS (SELECT g.ticker, g.ts, t.y, last_value(t.px IGNORE NULLS) OVER (PARTITION BY g.ticker ORDER BY g.ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS px FROM grid g LEFT JOIN ticks t ON t.ticker = g.ticker AND t.ts = g.ts)
SELECT fit(y, {'p': px}) FROM filled;

-- case: clean per group models
-- finds: clean
CREATE TABLE l AS SELECT * FROM shift_target('f', price => 'px', horizon => 3, partition_by => 'ticker', order_by => 'ts');
SELECT ticker, fit(target, {'a': a, 'b': b}, {'algorithm': 'ridge'}) FROM l WHERE target_time < TIMESTAMP '2021-01-01' GROUP BY ticker;

-- case: clean walk forward by fold table
-- finds: clean
CREATE TABLE l AS SELECT * FROM shift_target('f', price => 'px', horizon => 3, partition_by => 'ticker', order_by => 'ts');
CREATE TABLE folds AS SELECT i AS fold, DATE '2020-01-01' + CAST(i * 90 AS INTEGER) AS test_start FROM range(8) r(i);
CREATE TABLE models AS SELECT fold, fit(target, {'a': a}) AS model FROM l JOIN folds ON l.target_time < folds.test_start GROUP BY fold;
SELECT fold, ic(target, predict(model, {'a': a})) FROM l CROSS JOIN models WHERE ts > DATE '2020-01-01' GROUP BY fold;

-- case: clean ema-ish
-- finds: clean
SELECT fit(y, {'e': 0.5 * px + 0.3 * lag(px, 1) OVER w + 0.2 * lag(px, 2) OVER w}) FROM ticks WINDOW w AS (PARTITION BY ticker ORDER BY ts);

-- case: clean volume share of the day so far
-- finds: clean
SELECT fit(y, {'s': s}) FROM (SELECT y, vol / sum(vol) OVER (PARTITION BY ticker, CAST(ts AS DATE) ORDER BY ts) AS s FROM ticks) q;

-- case: clean latest fundamentals as of
-- finds: clean
SELECT fit(y, {'e': e}) FROM (SELECT t.y, (SELECT f.eps FROM fundamentals f WHERE f.ticker = t.ticker AND f.filed_at <= t.ts ORDER BY f.filed_at DESC LIMIT 1) AS e FROM ticks t) s;

-- case: clean constants table
-- finds: clean
WITH p AS (SELECT 0.94 AS decay, 20 AS n) SELECT fit(y, {'d': px * p.decay}) FROM ticks CROSS JOIN p;

-- case: clean yesterday's daily bar
-- finds: clean
CREATE TABLE daily AS SELECT ticker, CAST(ts AS DATE) AS day, max(px) AS hi FROM ticks GROUP BY ticker, CAST(ts AS DATE);
CREATE TABLE prev AS SELECT ticker, day, lag(hi) OVER (PARTITION BY ticker ORDER BY day) AS hi1 FROM daily;
SELECT fit(t.y, {'h': p.hi1}) FROM ticks t JOIN prev p ON p.ticker = t.ticker AND p.day = CAST(t.ts AS DATE);

-- case: clean target encoding on the training rows
-- finds: clean
CREATE TABLE enc AS SELECT sector, avg(target) AS te FROM samples WHERE split = 'train' GROUP BY sector;
SELECT fit(target, {'te': enc.te}) FROM samples JOIN enc USING (sector) WHERE split = 'validate_later' OR ts < DATE '2019-01-01';

-- case: clean median of training by scalar subquery with column
-- finds: clean
CREATE TABLE cutoff AS SELECT quantile_disc(ts, 0.7) AS cut FROM ticks;
SELECT fit(y, {'c': px - (SELECT median(px) FROM ticks WHERE ts < (SELECT cut FROM cutoff))}) FROM ticks WHERE ts < (SELECT cut FROM cutoff);

-- case: deviation from a group mean
-- finds: LA020
WITH base AS (SELECT device_id, ts, temp, y FROM readings),
norm AS (SELECT device_id, avg(temp) mu FROM base GROUP BY device_id)
SELECT fit(b.y, {'d': b.temp - n.mu}) FROM base b INNER JOIN norm n ON b.device_id = n.device_id;

-- case: lead through two views
-- finds: LA001
CREATE VIEW x AS SELECT device_id, ts, y, lead(temp, 6) OVER win - temp AS delta FROM readings WINDOW win AS (PARTITION BY device_id ORDER BY ts);
CREATE VIEW x2 AS SELECT device_id, ts, y, delta AS d1, abs(delta) AS d2 FROM x;
SELECT * FROM information_coefficient('x2', target => 'y', features => ['d2'], order_by => 'ts', partition_by => 'device_id');

-- case: first value in descending order
-- finds: LA009
SELECT fit(y, {'f': f}) FROM (SELECT y, first_value(temp) OVER (PARTITION BY device_id ORDER BY ts DESC) AS f FROM readings) q;

-- case: share of the month's sum
-- finds: LA011
SELECT fit(y, {'f': f}) FROM (SELECT y, temp / sum(temp) OVER (PARTITION BY device_id, date_trunc('month', ts)) AS f FROM readings) q;

-- case: rain of the next day
-- finds: LA041
SELECT fit(r.y, {'w': w.rain}) FROM readings r LEFT JOIN weather w ON w.station = r.device_id AND w.obs_time > r.ts AND w.obs_time < r.ts + INTERVAL '1 day';

-- case: minimum by a correlated subquery
-- finds: LA020
SELECT fit(y, {'r': r}) FROM (SELECT y, temp - (SELECT min(temp) FROM readings z WHERE z.device_id = readings.device_id) AS r FROM readings) q;

-- case: current settings
-- finds: LA050
CREATE TABLE cur AS SELECT * FROM (SELECT c.*, rank() OVER (PARTITION BY device_id ORDER BY updated_at DESC) AS rk FROM config c) t WHERE rk = 1;
SELECT fit(r.y, {'c': cur.setting}) FROM readings r JOIN cur ON cur.device_id = r.device_id;

-- case: mean of targets that are not known yet
-- finds: LA060
CREATE TABLE l AS SELECT * FROM shift_target('readings', price => 'temp', horizon => 12, kind => 'difference', partition_by => 'device_id', order_by => 'ts');
CREATE TABLE z AS SELECT *, avg(target) OVER (PARTITION BY device_id ORDER BY ts ROWS BETWEEN 12 PRECEDING AND CURRENT ROW) AS smooth FROM l;
SELECT fit(target, {'s': smooth}) FROM z WHERE target_time < TIMESTAMP '2021-01-01';

-- case: target by LEAD, cut by the row
-- finds: LA030
CREATE TABLE z AS SELECT device_id, ts, temp, lead(temp, 12) OVER (PARTITION BY device_id ORDER BY ts) AS y FROM readings;
SELECT fit(y, {'t': temp}) FROM z WHERE ts < TIMESTAMP '2021-01-01';

-- case: a drawn column
-- finds: LA032
CREATE TABLE z AS SELECT *, random() AS u FROM readings;
SELECT fit(y, {'t': temp}) FROM z WHERE u < 0.7;

-- case: frame over everything
-- finds: LA004
SELECT fit(y, {'t': t}) FROM (SELECT y, max(temp) OVER (PARTITION BY device_id ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS t FROM readings) s;

-- case: daily mean by a comma join
-- finds: LA043
CREATE TABLE d AS SELECT device_id, date_trunc('day', ts) AS day, avg(temp) AS m FROM readings GROUP BY device_id, day;
SELECT fit(r.y, {'m': d.m}) FROM readings r, d WHERE d.device_id = r.device_id AND date_trunc('day', r.ts) = d.day;

-- case: dense rank over everything
-- finds: LA021
SELECT fit(y, {'k': k}) FROM (SELECT y, dense_rank() OVER (ORDER BY temp DESC) AS k FROM readings) s;

-- case: field of a struct
-- finds: LA001
CREATE TABLE s AS SELECT device_id, ts, y, struct_pack(cur := temp, nxt := lead(temp) OVER (PARTITION BY device_id ORDER BY ts)) AS st FROM readings;
SELECT fit(y, {'n': st.nxt}) FROM s;

-- case: scale by a comma join
-- finds: LA020
WITH model_scale AS (SELECT stddev(temp) AS sd FROM readings), r2 AS (SELECT readings.*, temp / model_scale.sd AS sc FROM readings, model_scale)
SELECT * FROM feature_importance('r2', target => 'y', features => ['sc'], order_by => 'ts', folds => 5);

-- case: frequency encoding
-- finds: LA020
SELECT fit(y, {'freq': f}) FROM readings JOIN (SELECT code, count(*) AS f FROM readings GROUP BY code) c USING (code);

-- case: mean of the hours before
-- finds: clean
WITH base AS (SELECT device_id, ts, temp, y FROM readings WHERE temp IS NOT NULL),
h AS (SELECT *, avg(temp) OVER (PARTITION BY device_id ORDER BY ts ROWS BETWEEN 24 PRECEDING AND 1 PRECEDING) AS mu FROM base)
SELECT fit(y, {'d': temp - mu}) FROM h WHERE mu IS NOT NULL;

-- case: the time of the target by LEAD
-- finds: clean
CREATE TABLE z AS SELECT device_id, ts, temp, lead(temp, 12) OVER w AS y, lead(ts, 12) OVER w AS known FROM readings WINDOW w AS (PARTITION BY device_id ORDER BY ts);
CREATE TABLE m AS SELECT fit(y, {'t': temp}) AS model FROM z WHERE known < TIMESTAMP '2021-01-01';
SELECT rmse(y, predict(model, {'t': temp})) FROM z CROSS JOIN m WHERE ts >= TIMESTAMP '2021-01-01';

-- case: mean of the week before
-- finds: clean
SELECT fit(y, {'m': m}) FROM (SELECT r.y, (SELECT avg(h.temp) FROM readings h WHERE h.device_id = r.device_id AND h.ts BETWEEN r.ts - INTERVAL '7 days' AND r.ts) AS m FROM readings r) q;

-- case: alarms of the day before
-- finds: clean
SELECT fit(y, {'x': x}) FROM (SELECT y, sum(CASE WHEN alarm THEN 1 ELSE 0 END) OVER (PARTITION BY device_id ORDER BY ts RANGE BETWEEN INTERVAL '1 day' PRECEDING AND CURRENT ROW) AS x FROM readings) s;

-- case: daily means of two days before
-- finds: clean
CREATE TABLE d AS SELECT device_id, date_trunc('day', ts) AS day, avg(temp) AS m FROM readings GROUP BY device_id, day;
SELECT fit(r.y, {'m': d.m}) FROM readings r JOIN d ON d.device_id = r.device_id AND d.day < date_trunc('day', r.ts) AND d.day >= date_trunc('day', r.ts) - INTERVAL '2 days';

-- case: age and hour
-- finds: clean
CREATE TABLE z AS SELECT *, row_number() OVER (PARTITION BY device_id ORDER BY ts) AS age FROM readings;
SELECT fit(y, {'age': age, 'h': hour(ts), 't': temp}) FROM z WHERE age > 24;

-- case: median across devices, lagged
-- finds: clean
WITH o AS (SELECT ts, median(temp) AS med FROM readings GROUP BY ts), lagged AS (SELECT ts, lag(med) OVER (ORDER BY ts) AS prev FROM o)
SELECT fit(r.y, {'p': r.temp - l.prev}) FROM readings r JOIN lagged l ON l.ts = r.ts;

-- case: settings by validity, LEAD for its end
-- finds: clean
CREATE TABLE cfg AS SELECT device_id, updated_at, setting, lead(updated_at) OVER (PARTITION BY device_id ORDER BY updated_at) AS replaced_at FROM config;
SELECT fit(r.y, {'s': c.setting}) FROM readings r JOIN cfg c ON c.device_id = r.device_id AND r.ts >= c.updated_at AND (r.ts < c.replaced_at OR c.replaced_at IS NULL);

-- case: rolling slope
-- finds: clean
SELECT fit(y, {'x': x}, {'algorithm': 'lasso'}) FROM (SELECT y, regr_slope(temp, epoch(ts)) OVER (PARTITION BY device_id ORDER BY ts ROWS 11 PRECEDING) AS x FROM readings) s;

-- case: scaler of earlier rows
-- finds: clean
CREATE TABLE scaler AS SELECT avg(temp) AS mu, stddev(temp) AS sd FROM readings WHERE ts < TIMESTAMP '2020-06-01';
CREATE TABLE f AS SELECT device_id, ts, (temp - mu) / sd AS z, lead(temp) OVER (PARTITION BY device_id ORDER BY ts) AS y, lead(ts) OVER (PARTITION BY device_id ORDER BY ts) AS y_time FROM readings CROSS JOIN scaler;
SELECT fit(y, {'z': z}) FROM f WHERE y_time <= TIMESTAMP '2020-06-01';

-- case: union and DISTINCT ON
-- finds: clean
WITH u AS (SELECT device_id, ts, temp, y FROM plant_a UNION ALL SELECT device_id, ts, temp, y FROM plant_b),
d AS (SELECT DISTINCT ON (device_id, ts) * FROM u ORDER BY device_id, ts, temp DESC)
SELECT fit(y, {'t': temp}) FROM d;

-- case: distinct codes so far
-- finds: clean
SELECT fit(y, {'t': t}) FROM (SELECT y, count(DISTINCT code) OVER (PARTITION BY device_id ORDER BY ts ROWS BETWEEN 100 PRECEDING AND CURRENT ROW) AS t FROM readings) s;
