//! A store that fails at one call, or from one call on, whichever it is: the registry
//! can be read afterwards, nothing of a version that is not whole is seen, and what was
//! asked for can be done again.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error as StoreError, GetOptions, GetResult, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult,
};

use super::stores::{draft, registry, run};
use crate::error::Result;
use crate::registry::manifest::Gates;
use crate::registry::place::Store;
use crate::registry::{Expected, Registry};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// One call is refused.
    Refused,
    /// One call is done, and the answer is lost.
    Lost,
    /// From one call on nothing is done, as if the process had been killed.
    Dead,
}

/// A store that fails.
#[derive(Debug)]
struct Faulty {
    inner: Store,
    mode: Mode,
    /// The first call that fails, from 1.
    at: usize,
    calls: Arc<AtomicUsize>,
}

fn fault() -> StoreError {
    StoreError::Generic {
        store: "Faulty",
        source: "it fails because the test says so".into(),
    }
}

impl Faulty {
    /// Counts a call: whether it is to be done, and whether its answer is lost.
    fn call(&self) -> (bool, bool) {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        match self.mode {
            Mode::Refused => (call != self.at, false),
            Mode::Lost => (true, call == self.at),
            Mode::Dead => (call < self.at, false),
        }
    }

    async fn asked<T>(
        &self,
        work: impl Future<Output = object_store::Result<T>>,
    ) -> object_store::Result<T> {
        let (done, lost) = self.call();
        if !done {
            return Err(fault());
        }
        let answer = work.await;
        if lost { Err(fault()) } else { answer }
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.asked(self.inner.put_opts(location, payload, opts))
            .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.asked(self.inner.put_multipart_opts(location, opts))
            .await
    }

    async fn get_opts(
        &self,
        location: &Path,
        options: GetOptions,
    ) -> object_store::Result<GetResult> {
        self.asked(self.inner.get_opts(location, options)).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        let (done, lost) = self.call();
        if !done {
            return futures::stream::once(async { Err(fault()) }).boxed();
        }
        let answers = self.inner.delete_stream(locations);
        if lost {
            return answers.map(|_| Err(fault())).boxed();
        }
        answers
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        let (done, lost) = self.call();
        if !done || lost {
            return futures::stream::once(async { Err(fault()) }).boxed();
        }
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.asked(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(
        &self,
        from: &Path,
        to: &Path,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.asked(self.inner.copy_opts(from, to, options)).await
    }
}

/// Whether a registry that `operation` was interrupted in is as it should be. Returns
/// the versions of `m` that can be used.
async fn whole(good: &Registry, told: &str) -> Vec<u64> {
    for name in good.names().await.unwrap() {
        for verdict in good.verify(&name, None).await.unwrap() {
            assert!(verdict.faults.is_empty(), "{told}: {verdict:?}");
        }
        for head in good.heads(&name).await.unwrap() {
            let found = good.manifest(&name, head.version).await;
            assert!(found.is_ok(), "{told}: {} leads nowhere", head.entry.alias);
        }
    }
    good.list("m").await.unwrap().ready().collect()
}

/// Fails `operation` at every call that it makes, in every way.
fn fail_everywhere(
    name: &str,
    operation: impl AsyncFn(&Registry) -> Result<()>,
    after: impl AsyncFn(&Registry, bool, Mode, &[u64], &str),
) {
    run(async {
        for mode in [Mode::Refused, Mode::Lost, Mode::Dead] {
            let mut at = 0;
            loop {
                at += 1;
                let inner: Store = Arc::new(InMemory::new());
                let good = registry(&inner);
                for slope in [1.0, 2.0] {
                    good.publish(vec![draft("m", slope)]).await.unwrap();
                }
                for version in [1, 2] {
                    let any = Expected::Any;
                    good.promote("m", version, "champion", any, false)
                        .await
                        .unwrap();
                }
                let calls = Arc::new(AtomicUsize::new(0));
                let faulty: Store = Arc::new(Faulty {
                    inner,
                    mode,
                    at,
                    calls: calls.clone(),
                });
                let outcome = operation(&registry(&faulty)).await;
                let told = format!("{name}, {mode:?} at call {at}: {outcome:?}");
                let versions = whole(&good, &told).await;
                after(&good, outcome.is_ok(), mode, &versions, &told).await;
                if calls.load(Ordering::SeqCst) < at {
                    assert!(outcome.is_ok(), "{told}");
                    assert!(at > 3, "{told}: hardly anything was called");
                    break;
                }
            }
        }
    });
}

#[test]
fn publishing_is_whole_or_nothing() {
    let publish =
        async |registry: &Registry| registry.publish(vec![draft("m", 3.0)]).await.map(|_| ());
    fail_everywhere(
        "publish",
        publish,
        async |good, ok, mode, versions, told| {
            let new = versions.iter().find(|version| **version > 2).copied();
            if ok || mode != Mode::Dead {
                assert_eq!(new.is_some(), ok, "{told}");
            }
            // Again: the same model is there once, under a number of its own.
            let again = good.publish(vec![draft("m", 3.0)]).await.unwrap().remove(0);
            assert_eq!(again.new, new.is_none(), "{told}");
            let all: Vec<u64> = good.list("m").await.unwrap().ready().collect();
            assert_eq!(all.len(), 3, "{told}");
        },
    );
}

#[test]
fn several_models_are_published_together() {
    let publish = async |registry: &Registry| {
        let drafts = vec![draft("m", 3.0), draft("n", 3.0), draft("o", 3.0)];
        registry.publish(drafts).await.map(|_| ())
    };
    fail_everywhere("publish all", publish, async |good, ok, mode, _, told| {
        let mut there = 0;
        for name in ["m", "n", "o"] {
            let listing = good.list(name).await.unwrap();
            there += listing
                .ready()
                .filter(|version| *version > 2 || name != "m")
                .count();
        }
        // A store that is away for good cannot be told to take back.
        if ok || mode != Mode::Dead {
            assert_eq!(there, if ok { 3 } else { 0 }, "{told}");
        }
    });
}

#[test]
fn a_promotion_is_made_or_not() {
    let promote = async |registry: &Registry| {
        registry
            .promote("m", 1, "champion", Expected::Any, false)
            .await
            .map(|_| ())
    };
    fail_everywhere("promote", promote, async |good, ok, _, versions, told| {
        assert_eq!(versions, [1, 2], "{told}");
        let head = good.head("m", "champion").await.unwrap().unwrap();
        assert!([1, 2].contains(&head.version), "{told}");
        if ok {
            assert_eq!(head.version, 1, "{told}");
        }
        good.promote("m", 1, "champion", Expected::Any, false)
            .await
            .unwrap();
        let head = good.head("m", "champion").await.unwrap().unwrap();
        assert_eq!(head.version, 1, "{told}");
    });
}

#[test]
fn a_rollback_is_made_or_not() {
    let rollback = async |registry: &Registry| registry.rollback("m", "champion").await.map(|_| ());
    fail_everywhere("rollback", rollback, async |good, ok, _, versions, told| {
        assert_eq!(versions, [1, 2], "{told}");
        let head = good.head("m", "champion").await.unwrap().unwrap();
        assert!(
            if ok {
                head.version == 1
            } else {
                [1, 2].contains(&head.version)
            },
            "{told}"
        );
    });
}

#[test]
fn a_deletion_is_made_or_not() {
    let delete = async |registry: &Registry| registry.delete("m", 2, true).await.map(|_| ());
    fail_everywhere("delete", delete, async |good, ok, _, versions, told| {
        assert!(
            versions == [1] || (!ok && versions == [1, 2]),
            "{told}: {versions:?}"
        );
        let head = good.head("m", "champion").await.unwrap().unwrap();
        assert!(versions.contains(&head.version), "{told}");
        // Again, to the end; the number stays taken.
        good.delete("m", 2, true).await.unwrap();
        let new = good.publish(vec![draft("m", 2.0)]).await.unwrap().remove(0);
        assert_eq!(new.manifest.version, 3, "{told}");
    });
}

#[test]
fn gates_are_recorded_or_not() {
    let record = async |registry: &Registry| {
        registry.record_gates("m", 2, Gates::Failed).await?;
        registry.manifest("m", 2).await.map(|_| ())
    };
    fail_everywhere("gates", record, async |good, ok, _, _, told| {
        let gates = good.manifest("m", 2).await.unwrap().gates;
        assert!(!ok || gates == Gates::Failed, "{told}");
    });
}
