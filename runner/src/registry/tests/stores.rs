//! The stores that tests run on, and small models.

use std::sync::Arc;

use bytes::Bytes;
use lagrange_udfs::models::{Body, Coefficient, Header, Linear, Model};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use tempfile::TempDir;

use crate::registry::place::Store;
use crate::registry::{Draft, Origin, Place, Registry};
use crate::test_bucket::{Gcs, client};

/// A store, and what keeps it alive.
pub struct Kept {
    /// What it is.
    pub kind: &'static str,
    /// The store.
    pub store: Store,
    /// The folder, if it is one.
    pub folder: Option<TempDir>,
    /// The server, if it is one.
    pub server: Option<Gcs>,
}

/// One of every kind.
pub fn stores() -> Vec<Kept> {
    let folder = tempfile::tempdir().unwrap();
    let local = Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
    let server = Gcs::start();
    let bucket = google(&server);
    let kept = |kind, store, folder, server| Kept {
        kind,
        store,
        folder,
        server,
    };
    vec![
        kept("memory", Arc::new(InMemory::new()) as Store, None, None),
        kept("folder", local, Some(folder), None),
        kept("bucket", bucket, None, Some(server)),
    ]
}

/// A client of a server, as the runner makes one, but with little patience.
pub fn google(server: &Gcs) -> Store {
    Arc::new(PrefixStore::new(client(server), Path::from("models")))
}

/// A registry on a store.
pub fn registry(store: &Store) -> Registry {
    Registry {
        place: Place::given(store.clone()),
        origin: Origin::default(),
    }
}

/// A model of one feature.
pub fn model(slope: f64) -> Bytes {
    let header: Header = serde_json::from_value(serde_json::json!({
        "algorithm": "ols",
        "target": "y",
        "features": ["x"],
        "parameters": { "alpha": slope },
        "rows_used": 10,
        "rows_skipped": 1,
        "status": "ok",
        "library": "0.1.0",
        "window": { "from": 0.0, "to": 86400.0, "calendar": true },
    }))
    .unwrap();
    let coefficient = |value| Coefficient {
        value,
        standardized: value / 2.0,
        ..Coefficient::default()
    };
    let body = Body::Linear(Linear {
        intercept: coefficient(1.0),
        coefficients: vec![coefficient(slope)],
        residual_deviation: None,
        r2: Some(0.5),
        degrees_of_freedom: 8.0,
    });
    Bytes::from(Model::new(header, body).write().unwrap())
}

/// A model to publish.
pub fn draft(name: &str, slope: f64) -> Draft {
    Draft::new(name.to_owned(), model(slope))
}

/// Runs a test's futures on two threads.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}
