//! Many who publish and promote at once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use super::stores::{Kept, draft, google, registry, run, stores};
use crate::registry::place::Store;
use crate::registry::{Expected, State};
use crate::test_bucket::Fault;

const WRITERS: u32 = 8;

/// What a writer got done.
struct Done {
    versions: Vec<u64>,
    promoted: Vec<u64>,
}

/// Publishes a model after another, and promotes each.
async fn write(store: Store, writer: u32, models: u32) -> Done {
    let registry = registry(&store);
    let mut done = Done {
        versions: Vec::new(),
        promoted: Vec::new(),
    };
    for i in 0..models {
        let slope = f64::from(writer * 1000 + i);
        let published = registry.publish(vec![draft("m", slope)]).await.unwrap();
        let version = published[0].manifest.version;
        done.versions.push(version);
        let promotion = registry
            .promote("m", version, "champion", Expected::Any, false)
            .await;
        match promotion {
            Ok(change) => done
                .promoted
                .extend(change.and_then(|change| change.version)),
            Err(error) => {
                let message = error.to_string();
                assert!(
                    message.contains("somebody else has changed the champion"),
                    "{message}"
                );
            }
        }
    }
    done
}

/// Looks at the champion for as long as there are writers: it is always a version that
/// can be used.
async fn watch(store: Store, over: &AtomicBool) -> usize {
    let registry = registry(&store);
    let mut looks = 0;
    while !over.load(Ordering::SeqCst) {
        if let Some(head) = registry.head("m", "champion").await.unwrap() {
            let manifest = registry.manifest("m", head.version).await.unwrap();
            assert_eq!(manifest.version, head.version);
            looks += 1;
        }
        tokio::task::yield_now().await;
    }
    looks
}

fn all_at_once(kept: &Kept, models: u32) {
    let over = AtomicBool::new(false);
    let (done, looks) = run(async {
        let write_all = async {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| tokio::spawn(write(kept.store.clone(), writer, models)))
                .collect();
            let done = futures::future::join_all(writers).await;
            over.store(true, Ordering::SeqCst);
            done
        };
        tokio::join!(write_all, watch(kept.store.clone(), &over))
    });
    let done: Vec<Done> = done.into_iter().map(Result::unwrap).collect();
    assert!(looks > 0, "{}: nobody looked", kept.kind);

    // No version is lost, no number is given twice.
    let all = u64::from(WRITERS * models);
    let versions: Vec<u64> = done.iter().flat_map(|done| done.versions.clone()).collect();
    let distinct: BTreeSet<u64> = versions.iter().copied().collect();
    assert_eq!(versions.len() as u64, all, "{}", kept.kind);
    assert_eq!(distinct, (1..=all).collect(), "{}", kept.kind);
    run(async {
        let registry = registry(&kept.store);
        let listing = registry.list("m").await.unwrap();
        assert_eq!(listing.versions.len() as u64, all);
        assert!(
            listing
                .versions
                .values()
                .all(|state| *state == State::Ready)
        );
        let mut models = BTreeSet::new();
        for version in listing.ready() {
            let manifest = registry.manifest("m", version).await.unwrap();
            models.insert(manifest.files["model.bin"].sha256.clone());
        }
        assert_eq!(
            models.len() as u64,
            all,
            "{}: every model is there",
            kept.kind
        );

        // Every promotion that was reported is in the history, once, and no other.
        let history = registry.history("m", "champion").await.unwrap();
        let serials: Vec<u64> = history.iter().map(|entry| entry.serial).collect();
        assert_eq!(serials, (1..=history.len() as u64).collect::<Vec<_>>());
        let mut in_history: Vec<u64> = history.iter().filter_map(|entry| entry.version).collect();
        let mut promoted: Vec<u64> = done.iter().flat_map(|done| done.promoted.clone()).collect();
        let head = registry.head("m", "champion").await.unwrap().unwrap();
        assert_eq!(Some(&head.version), in_history.last());
        in_history.sort_unstable();
        promoted.sort_unstable();
        assert_eq!(in_history, promoted, "{}", kept.kind);
    });
}

#[test]
fn eight_writers_in_memory() {
    all_at_once(&stores()[0], 50);
}

#[test]
fn eight_writers_in_a_folder() {
    all_at_once(&stores()[1], 50);
}

#[test]
fn eight_writers_in_a_bucket() {
    all_at_once(&stores()[2], 50);
}

/// Answers are lost and requests refused meanwhile.
#[test]
fn eight_writers_in_a_bucket_on_a_bad_day() {
    for fault in [Fault::Refused, Fault::Lost] {
        let kept = stores().remove(2);
        let server = kept.server.as_ref().unwrap();
        server.fail_every(13, fault);
        let kept = Kept {
            store: google(server),
            ..kept
        };
        all_at_once(&kept, 5);
    }
}

/// The same expectation twice at once: one holds.
#[test]
fn of_two_promotions_one_wins() {
    for kept in stores() {
        run(async {
            let registry = registry(&kept.store);
            for slope in [1.0, 2.0, 3.0] {
                registry.publish(vec![draft("m", slope)]).await.unwrap();
            }
            let from = Expected::Version;
            registry
                .promote("m", 1, "champion", from(None), false)
                .await
                .unwrap();
            let (a, b) = tokio::join!(
                registry.promote("m", 2, "champion", from(Some(1)), false),
                registry.promote("m", 3, "champion", from(Some(1)), false),
            );
            assert!(a.is_ok() != b.is_ok(), "{}: {a:?} {b:?}", kept.kind);
            let won = if a.is_ok() { 2 } else { 3 };
            let head = registry.head("m", "champion").await.unwrap().unwrap();
            assert_eq!(head.version, won);
        });
    }
}
