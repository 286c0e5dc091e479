-- Features and patterns of each bar, from that bar and the ones before it.
--
-- Reads `prices`, writes `features`. Scripts that make prices include this file,
-- so that a model is trained and used on one definition of its features.
--
-- Nothing here can look ahead: every window is partitioned by symbol, ordered by
-- time and ends at the current row. A window that is not yet full, or holds a
-- missing price, gives NULL rather than a value from fewer bars.
-- Means and deviations come from sums of decimals, which are exact: a close right
-- on its mean has distance 0, and a flat window has deviation 0, however an engine
-- slides its windows. The deviation of n values is
-- sqrt((n * sum of squares - square of the sum) / (n * (n - 1))).
CREATE OR REPLACE TABLE features AS
WITH moves AS (
  SELECT symbol, ts, open, high, low, close, volume,
         close / LAG(close, 1) OVER history - 1 AS return_1,
         close / LAG(close, 5) OVER history - 1 AS return_5,
         close / LAG(close, 20) OVER history - 1 AS return_20,
         open / LAG(close, 1) OVER history - 1 AS gap,
         (high - low) / close AS bar_range,
         (close - low) / NULLIF(high - low, 0) AS close_position
  FROM prices
  WINDOW history AS (PARTITION BY symbol ORDER BY ts)
),
decimals AS (
  SELECT *,
         CAST(close AS DECIMAL(19, 8)) AS d_close,
         CAST(volume AS DECIMAL(19, 4)) AS d_volume,
         CAST(return_1 AS DECIMAL(19, 12)) AS d_return
  FROM moves
),
windows AS (
  SELECT *,
         CASE WHEN COUNT(d_close) OVER w20 = 20 THEN CAST(SUM(d_close) OVER w20 AS DECIMAL(19, 8)) END AS close_20,
         CASE WHEN COUNT(d_close) OVER w50 = 50 THEN CAST(SUM(d_close) OVER w50 AS DECIMAL(19, 8)) END AS close_50,
         CASE WHEN COUNT(d_volume) OVER w20 = 20 THEN CAST(SUM(d_volume) OVER w20 AS DECIMAL(19, 4)) END AS volume_20,
         CASE WHEN COUNT(d_return) OVER w20 = 20 THEN CAST(SUM(d_return) OVER w20 AS DECIMAL(19, 12)) END AS returns_20,
         SUM(d_close * d_close) OVER w20 AS close_squares_20,
         SUM(d_close * d_close) OVER w50 AS close_squares_50,
         SUM(d_volume * d_volume) OVER w20 AS volume_squares_20,
         SUM(d_return * d_return) OVER w20 AS return_squares_20
  FROM decimals
  WINDOW w20 AS (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 19 PRECEDING AND CURRENT ROW),
         w50 AS (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 49 PRECEDING AND CURRENT ROW)
),
bands AS (
  SELECT *,
         CAST(close_20 AS DOUBLE) / 20 AS mean_20,
         CAST(close_50 AS DOUBLE) / 50 AS mean_50,
         CAST(volume_20 AS DOUBLE) / 20 AS volume_mean,
         sqrt(CAST(20 * close_squares_20 - close_20 * close_20 AS DOUBLE) / (20 * 19)) AS sd_20,
         sqrt(CAST(50 * close_squares_50 - close_50 * close_50 AS DOUBLE) / (50 * 49)) AS sd_50,
         sqrt(CAST(20 * volume_squares_20 - volume_20 * volume_20 AS DOUBLE) / (20 * 19)) AS volume_sd,
         sqrt(CAST(20 * return_squares_20 - returns_20 * returns_20 AS DOUBLE) / (20 * 19)) AS volatility_20
  FROM windows
)
SELECT symbol, ts, close,
       -- What a model may use.
       return_1, return_5, return_20, volatility_20, gap, bar_range, close_position,
       close / mean_20 - 1 AS distance_20,
       close / mean_50 - 1 AS distance_50,
       mean_20 / mean_50 - 1 AS trend,
       (volume - volume_mean) / NULLIF(volume_sd, 0) AS volume_z20,
       -- Bollinger patterns, named base_w{window}_s{deviations}_{pattern}. They
       -- describe the current bar; prepare_training_data turns them into targets.
       CASE WHEN close > mean_20 + 2 * sd_20 THEN 1 WHEN sd_20 IS NOT NULL THEN 0 END AS base_w20_s2_upper_break,
       CASE WHEN close < mean_20 - 2 * sd_20 THEN 1 WHEN sd_20 IS NOT NULL THEN 0 END AS base_w20_s2_lower_break,
       (close - mean_20) / NULLIF(sd_20, 0) AS base_w20_s2_distance,
       4 * sd_20 / mean_20 AS base_w20_s2_width,
       CASE WHEN close > mean_50 + 2 * sd_50 THEN 1 WHEN sd_50 IS NOT NULL THEN 0 END AS base_w50_s2_upper_break,
       CASE WHEN close < mean_50 - 2 * sd_50 THEN 1 WHEN sd_50 IS NOT NULL THEN 0 END AS base_w50_s2_lower_break,
       (close - mean_50) / NULLIF(sd_50, 0) AS base_w50_s2_distance,
       4 * sd_50 / mean_50 AS base_w50_s2_width
FROM bands;
