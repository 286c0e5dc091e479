//! The functions in a DataFusion session: lags, a model per symbol, predictions.
//!
//! ```sh
//! cargo run --release --example datafusion
//! ```
//!
//! A client's Cargo.toml takes no DuckDB:
//!
//! ```toml
//! lagrange-udfs = { version = "0.1", default-features = false, features = ["datafusion"] }
//! ```

use datafusion::error::Result;
use datafusion::prelude::SessionContext;

#[tokio::main]
async fn main() -> Result<()> {
    let context = SessionContext::new();
    lagrange_udfs::register_all(&context)
        .map_err(|error| datafusion::error::DataFusionError::External(Box::new(error)))?;

    // Any source of DataFusion will do: Parquet, CSV, Arrow, a catalogue.
    let prices = "CREATE TABLE prices AS
                  SELECT i % 2 AS symbol, i / 2 AS day, 100.0 + (i * 37) % 11 + i AS close FROM range(200) r(i)";
    context.sql(prices).await?.collect().await?;

    // A table function takes constants by position.
    let lagged = "CREATE TABLE lagged AS
                  SELECT * FROM lag_features('prices', 'close', [1, 2], 'symbol', 'day')";
    context.sql(lagged).await?.collect().await?;

    // An aggregate fits a model per group, a scalar predicts with it.
    let predictions = "SELECT lagged.symbol, count(*) AS days,
                              round(rmse(close, predict(model, {'one': close_lag1, 'two': close_lag2})), 3) AS rmse
                       FROM lagged
                       JOIN (SELECT symbol, fit(close, {'one': close_lag1, 'two': close_lag2}) AS model
                             FROM lagged GROUP BY symbol) AS models ON models.symbol = lagged.symbol
                       GROUP BY lagged.symbol ORDER BY lagged.symbol";
    context.sql(predictions).await?.show().await
}
