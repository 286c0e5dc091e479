//! Objects and the cache, on a folder and on a bucket with bad days.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::memory::InMemory;
use object_store::path::Path;

use super::cache::{Cache, Wanted};
use super::objects::{self, Object};
use crate::files::sha256;
use crate::registry::Place;
use crate::test_bucket::{Fault, Gcs, client};

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

/// A bucket, and a client with little patience.
fn bucket() -> (Gcs, Place) {
    let server = Gcs::start();
    let client = client(&server);
    (server, Place::given(Arc::new(client)))
}

/// Bytes that differ from place to place.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

async fn object(place: &Place, name: &str) -> Object {
    let listed = objects::list(place, &Path::from("set")).await.unwrap();
    listed
        .into_iter()
        .find(|object| object.name == name)
        .unwrap()
}

#[test]
fn large_objects_are_read_in_parts_through_bad_days() {
    let (server, place) = bucket();
    let bytes = noise(20_000_001);
    server.put("trading/set/large", bytes.clone());
    run(async {
        let large = object(&place, "large").await;
        for fault in [Fault::Refused, Fault::Lost, Fault::Cut] {
            server.fail_every(3, fault);
            let mut found = Vec::new();
            objects::read(&place, &large, |part| {
                found.extend_from_slice(part);
                Ok(())
            })
            .await
            .unwrap();
            assert!(found == bytes, "{fault:?}");
        }
        server.fail_every(0, Fault::Refused);
        assert_eq!(
            objects::digest(&place, &large).await.unwrap(),
            sha256(&bytes)
        );
        // Another object of that name is not mixed with this one.
        server.put("trading/set/large", noise(20_000_000));
        let error = objects::digest(&place, &large).await.unwrap_err();
        assert!(error.message().contains("was replaced"), "{error}");
    });
}

#[test]
fn lists_go_over_pages() {
    let (server, place) = bucket();
    for i in 0..2500 {
        server.put(&format!("trading/set/{i:05}"), vec![1]);
    }
    server.put("trading/set/inner/x", vec![1]);
    run(async {
        let listed = objects::list(&place, &Path::from("set")).await.unwrap();
        assert_eq!(listed.len(), 2500);
        assert_eq!(listed[2499].name, "02499");
        let folders = objects::folders(&place, &Path::from("set")).await.unwrap();
        assert_eq!(folders, ["inner"]);
    });
}

/// A place with sets of one object of so many bytes.
async fn sets(names: &[&str], size: usize) -> Place {
    let place = Place::given(Arc::new(InMemory::new()));
    for name in names {
        let path = Path::from("set").join(*name);
        place.put(&path, Bytes::from(noise(size))).await.unwrap();
    }
    place
}

async fn wanted(place: &Place, name: &str) -> Vec<Wanted> {
    vec![Wanted {
        object: object(place, name).await,
        sha256: None,
    }]
}

#[test]
fn the_cache_keeps_what_was_used_last() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path().to_path_buf(), 2500);
    run(async {
        let place = sets(&["a", "b", "c"], 1000).await;
        let there = |name: &str| folder.path().join(name).join(name).exists();
        for name in ["a", "b"] {
            let held = cache
                .hold(name, &place, &wanted(&place, name).await)
                .await
                .unwrap();
            assert_eq!(std::fs::read(&held.files[0]).unwrap(), noise(1000));
        }
        std::thread::sleep(Duration::from_millis(20));
        // What is there is not asked for again.
        let known = wanted(&place, "a").await;
        place.remove(&known[0].object.path).await.unwrap();
        cache.hold("a", &place, &known).await.unwrap();
        // There is no room for three: the one that was not used goes.
        let held = cache
            .hold("c", &place, &wanted(&place, "c").await)
            .await
            .unwrap();
        assert!(there("a") && !there("b") && there("c"));
        // What is held stays, whatever is needed.
        let a = cache.hold("a", &place, &known).await.unwrap();
        cache
            .hold("b", &place, &wanted(&place, "b").await)
            .await
            .unwrap();
        assert!(there("a") && there("b") && there("c"));
        drop((held, a));
    });
}

#[test]
fn a_set_larger_than_the_cache_is_refused_and_a_wrong_checksum_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let place = sets(&["a"], 1000).await;
        let small = Cache::new(folder.path().join("small"), 999);
        let error = small
            .hold("a", &place, &wanted(&place, "a").await)
            .await
            .unwrap_err();
        assert!(
            error.message().contains("does not fit the cache"),
            "{error}"
        );
        assert!(!folder.path().join("small").exists());

        let cache = Cache::new(folder.path().join("cache"), 10_000);
        let mut wanted = wanted(&place, "a").await;
        wanted[0].sha256 = Some(sha256(b"something else"));
        let error = cache.hold("a", &place, &wanted).await.unwrap_err();
        assert!(error.message().contains("not what was exported"), "{error}");
        let left: Vec<PathBuf> = std::fs::read_dir(folder.path().join("cache/a"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(left, [folder.path().join("cache/a/.lock")]);
    });
}

#[test]
fn a_download_that_was_cut_off_is_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path().to_path_buf(), 10_000);
    run(async {
        let place = sets(&["a"], 1000).await;
        // What a process that was killed may leave: a part aside, and a short file.
        std::fs::create_dir_all(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/.writing-x"), b"part").unwrap();
        std::fs::write(folder.path().join("a/a"), b"short").unwrap();
        let held = cache
            .hold("a", &place, &wanted(&place, "a").await)
            .await
            .unwrap();
        assert_eq!(std::fs::read(&held.files[0]).unwrap(), noise(1000));
    });
}
