-- Prices from a file: a CSV (.gz too) or Parquet path, a row per symbol and bar.
--
--   lagrange run sql/ingest_prices.sql sql/train.sql --set prices=stocks.csv.gz
--
-- Writes the tables of demo_data.sql, `prices` and `features`, under the same
-- names, so that every script after it runs unchanged. If your file names its
-- columns otherwise, change the names inside CAST(...).

DECLARE prices STRING;

-- A price or volume that is missing stays missing: a gap filled by hand is a
-- number nobody could have traded on.
CREATE OR REPLACE TABLE prices AS
SELECT CAST(name AS VARCHAR) AS symbol,
       CAST(date AS DATE) AS ts,
       CAST(open AS DOUBLE) AS open,
       CAST(high AS DOUBLE) AS high,
       CAST(low AS DOUBLE) AS low,
       CAST(close AS DOUBLE) AS close,
       CAST(volume AS DOUBLE) AS volume
FROM read_table($prices);

INCLUDE 'features.sql';
