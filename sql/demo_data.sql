-- A market to try things on: fifty symbols, two thousand business days.
--
-- Writes `prices` (a row per symbol and bar) and `features` (what was known at
-- the close of each bar).
--
-- The same seed gives the same numbers on every engine. Randomness is a hash in
-- BIGINT arithmetic, and shocks stay whole numbers until a price is formed, so no
-- sum depends on the order in which an engine adds.
--
-- What is planted, and what a model can therefore find:
--   attention   heavy trading lifts the five bars after it a little
--   pressure    order flow moves the price and is given back ten bars later, so
--               that moves of some days partly revert
-- The rest is noise, and there is far more of it: five bars ahead, a good model
-- reaches an out-of-sample correlation of about 0.12.

DECLARE symbols BIGINT DEFAULT 50;
DECLARE bars BIGINT DEFAULT 2000; -- at most 100,000
DECLARE seed BIGINT DEFAULT 1;

CREATE OR REPLACE TABLE prices AS
WITH calendar AS (
  SELECT row_number() OVER (ORDER BY day.i) AS bar,
         DATE '2016-01-04' + CAST(day.i AS INTEGER) AS ts
  FROM range($bars * 2) AS day(i)
  WHERE day.i % 7 < 5
),
keyed AS (
  SELECT symbol.i AS symbol, calendar.bar, calendar.ts, draw.i AS draw,
         ((symbol.i * 100000 + calendar.bar) * 30 + draw.i) % 2147483647 AS key
  FROM calendar
  CROSS JOIN range($symbols) AS symbol(i)
  CROSS JOIN range(30) AS draw(i)
  WHERE calendar.bar <= $bars
),
-- Multiplying and squaring modulo a prime below 2^31 never overflows 63 bits.
once AS (
  SELECT *, (key * 1103515245 + 12345) % 2147483647 AS hash_1 FROM keyed
),
twice AS (
  SELECT *, (hash_1 * hash_1 + key * 48271 + $seed) % 2147483647 AS hash_2 FROM once
),
thrice AS (
  SELECT *, (hash_2 * hash_2 + hash_1 * 69621) % 2147483647 AS hash_3 FROM twice
),
-- Five independent shocks per bar. A sum of six uniforms, less its mean, is close
-- to normal; its standard deviation is 1.5e9.
shocks AS (
  SELECT symbol, bar, ts,
         CAST(SUM(hash_3) FILTER (WHERE draw BETWEEN 0 AND 5) AS BIGINT) - 6442450941 AS news,
         CAST(SUM(hash_3) FILTER (WHERE draw BETWEEN 6 AND 11) AS BIGINT) - 6442450941 AS overnight,
         CAST(SUM(hash_3) FILTER (WHERE draw BETWEEN 12 AND 17) AS BIGINT) - 6442450941 AS attention,
         CAST(SUM(hash_3) FILTER (WHERE draw BETWEEN 18 AND 23) AS BIGINT) - 6442450941 AS pressure,
         CAST(SUM(hash_3) FILTER (WHERE draw BETWEEN 24 AND 29) AS BIGINT) - 6442450941 AS spread
  FROM thrice
  GROUP BY symbol, bar, ts
),
-- A bar's move is new, or was visible before it: the attention of earlier bars in
-- their volume, the pressure of ten bars ago in the move it made then.
moves AS (
  SELECT symbol, ts, overnight, attention, spread,
         18 * news + 9 * overnight
         + COALESCE(CAST(SUM(attention) OVER lately AS BIGINT), 0)
         + 2 * (pressure - COALESCE(LAG(pressure, 10) OVER history, 0)) AS move
  FROM shocks
  WINDOW history AS (PARTITION BY symbol ORDER BY ts),
         lately AS (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 5 PRECEDING AND 1 PRECEDING)
),
-- 4e-13 turns moves into log returns with a standard deviation of about 1.2 %.
closes AS (
  SELECT *,
         round((20 + 3 * symbol) * exp(4e-13 * CAST(CAST(SUM(move) OVER so_far AS BIGINT) AS DOUBLE)), 2) AS close
  FROM moves
  WINDOW so_far AS (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
opens AS (
  SELECT *,
         round(COALESCE(LAG(close) OVER (PARTITION BY symbol ORDER BY ts), close) * exp(3.6e-12 * overnight), 2) AS open
  FROM closes
)
SELECT 'S' || lpad(CAST(symbol AS VARCHAR), 3, '0') AS symbol, ts, open,
       round(greatest(open, close) * (1 + 0.004 * exp(2.8e-10 * spread)), 2) AS high,
       round(least(open, close) * (1 - 0.004 * exp(2.8e-10 * spread)), 2) AS low,
       close,
       round(1000000 * exp(2.3e-10 * attention + 1.1e-10 * spread)) AS volume
FROM opens;

INCLUDE 'features.sql';
