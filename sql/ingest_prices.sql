-- Prices from a file: a CSV (.gz too) or Parquet path, a row per symbol and bar.
--
--   lagrange run sql/ingest_prices.sql sql/train.sql --set prices=stocks.csv.gz
--
-- Writes the tables of demo_data.sql, `prices` and `features`, under the same
-- names, so that every script after it runs unchanged. If your file names its
-- columns otherwise, change the names inside CAST(...).

DECLARE prices STRING;

-- A price or volume that is missing (NULL or NaN) stays missing: a gap filled by
-- hand is a number nobody could have traded on.
CREATE OR REPLACE TABLE prices AS
SELECT CAST(name AS VARCHAR) AS symbol,
       CAST(date AS DATE) AS ts,
       NULLIF(CAST(open AS DOUBLE), CAST('NaN' AS DOUBLE)) AS open,
       NULLIF(CAST(high AS DOUBLE), CAST('NaN' AS DOUBLE)) AS high,
       NULLIF(CAST(low AS DOUBLE), CAST('NaN' AS DOUBLE)) AS low,
       NULLIF(CAST(close AS DOUBLE), CAST('NaN' AS DOUBLE)) AS close,
       NULLIF(CAST(volume AS DOUBLE), CAST('NaN' AS DOUBLE)) AS volume
FROM read_table($prices);

INCLUDE 'features.sql';
