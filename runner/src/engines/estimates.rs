//! How many rows tables have, without running anything and without a lock.

use std::collections::BTreeMap;

use lagrange_udfs::call::quote_text;
use lagrange_udfs::duckdb::Session;

use super::{Choice, inputs, store};
use crate::cli::EngineName;
use crate::error::Result;

impl Choice {
    /// The rows of the tables that are there, by their names in lower case: what the
    /// engine estimates, or what the files say.
    ///
    /// # Errors
    /// A database that cannot be read now; most likely something else uses it.
    pub fn row_estimates(&self) -> Result<BTreeMap<String, u64>> {
        let mut estimates = self.local_estimates()?;
        for source in &self.sources {
            estimates.insert(source.name.clone(), source.manifest.rows);
        }
        Ok(estimates)
    }

    fn local_estimates(&self) -> Result<BTreeMap<String, u64>> {
        if !self.database.exists() {
            return Ok(BTreeMap::new());
        }
        match self.engine {
            EngineName::DuckDb => self.duckdb_estimates(),
            EngineName::DataFusion => Ok(store::tables_of(&self.database)?
                .into_iter()
                .filter_map(|(table, files)| {
                    Some((table.to_lowercase(), inputs::parquet_rows(&files)?))
                })
                .collect()),
        }
    }

    fn duckdb_estimates(&self) -> Result<BTreeMap<String, u64>> {
        let session = Session::open(None, &[])?;
        let path = quote_text(&self.database.display().to_string());
        let failed = |error: duckdb::Error| crate::error::Error::failed(error.to_string());
        session
            .execute_batch(&format!("ATTACH {path} AS looked_at (READ_ONLY)"))
            .map_err(failed)?;
        let sql = "SELECT lower(table_name), estimated_size FROM duckdb_tables() \
                   WHERE database_name = 'looked_at'";
        let mut statement = session.prepare(sql).map_err(failed)?;
        let rows = statement
            .query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
            })
            .map_err(failed)?;
        let mut estimates = BTreeMap::new();
        for row in rows {
            let (table, rows) = row.map_err(failed)?;
            estimates.insert(table, u64::try_from(rows).unwrap_or_default());
        }
        Ok(estimates)
    }
}
