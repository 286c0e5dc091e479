-- What an analysis of trades overlooks when it cuts the data at entries: features that look
-- ahead at one candle, before the trade, or so rarely that no trade falls on them. Each with
-- a clean twin.

-- case: a single candle looks ahead
-- finds: LA001
CREATE TABLE s AS
SELECT symbol, ts, y,
       CASE WHEN ts = DATE '2020-01-20' THEN lead(close, 1) OVER (PARTITION BY symbol ORDER BY ts) ELSE close END AS x
FROM prices;
SELECT fit(y, {'x': x}) FROM s;

-- case: a single candle looks back
-- finds: clean
CREATE TABLE s AS
SELECT symbol, ts, y,
       CASE WHEN ts = DATE '2020-01-20' THEN lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts) ELSE close END AS x
FROM prices;
SELECT fit(y, {'x': x}) FROM s;

-- case: the entry comes after the signal, but before what the signal has seen
-- finds: LA001
CREATE TABLE signals AS
SELECT symbol, ts, y, close, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) > close AS rises FROM prices;
CREATE TABLE s AS
SELECT symbol, ts, y, CAST(lag(rises, 2) OVER (PARTITION BY symbol ORDER BY ts) AS INTEGER) AS entry FROM signals;
SELECT fit(y, {'entry': entry}) FROM s;

-- case: the entry comes when what the signal has seen is known
-- finds: clean
CREATE TABLE signals AS
SELECT symbol, ts, y, close, lead(close, 3) OVER (PARTITION BY symbol ORDER BY ts) AS later FROM prices;
CREATE TABLE s AS
SELECT symbol, ts, y, lag(later, 3) OVER (PARTITION BY symbol ORDER BY ts) AS entry FROM signals;
SELECT fit(y, {'entry': entry}) FROM s;

-- case: a signal too rare to trade
-- finds: LA004
CREATE TABLE s AS
SELECT symbol, ts, y,
       CASE WHEN volume > 99.9e0 THEN max(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN CURRENT ROW AND 3 FOLLOWING)
            ELSE 0 END AS x
FROM prices;
SELECT fit(y, {'x': x}) FROM s;

-- case: a rare signal of the past
-- finds: clean
CREATE TABLE s AS
SELECT symbol, ts, y,
       CASE WHEN volume > 99.9e0 THEN max(close) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 3 PRECEDING AND CURRENT ROW)
            ELSE 0 END AS x
FROM prices;
SELECT fit(y, {'x': x}) FROM s;

-- case: the last candle of all, on every row
-- finds: LA020
CREATE TABLE s AS
SELECT symbol, ts, y, close / (SELECT max(close) FROM prices WHERE ts = (SELECT max(ts) FROM prices)) AS x FROM prices;
SELECT fit(y, {'x': x}) FROM s;

-- case: lags that cross entities, through a table function
-- finds: LA012
CREATE TABLE f AS SELECT symbol, ts, y, close FROM prices;
CREATE TABLE s AS SELECT * FROM lag_features('f', columns => ['close'], lags => [1], order_by => 'ts');
SELECT fit(y, {'l': close_lag1}) FROM s;

-- case: lags within entities, through a table function
-- finds: clean
CREATE TABLE f AS SELECT symbol, ts, y, close FROM prices;
CREATE TABLE s AS SELECT * FROM lag_features('f', columns => ['close'], lags => [1], partition_by => 'symbol', order_by => 'ts');
SELECT fit(y, {'l': close_lag1}) FROM s;
