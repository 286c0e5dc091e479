//! From publishing to deleting, the same on every store.

use lagrange_udfs::models::Model;

use super::stores::{draft, model, registry, run, stores};
use crate::error::Status;
use crate::registry::manifest::{CARD, Gates, JSON, MANIFEST, MODEL, ONNX};
use crate::registry::names::Reference;
use crate::registry::{Expected, Published, Registry, State};

async fn publish(registry: &Registry, name: &str, slope: f64) -> Published {
    registry
        .publish(vec![draft(name, slope)])
        .await
        .unwrap()
        .remove(0)
}

async fn champion(registry: &Registry, name: &str) -> Option<u64> {
    registry
        .head(name, "champion")
        .await
        .unwrap()
        .map(|head| head.version)
}

#[test]
fn a_version_has_all_its_files() {
    run(async {
        for kept in stores() {
            let registry = registry(&kept.store);
            assert!(registry.names().await.unwrap().is_empty(), "{}", kept.kind);
            let first = publish(&registry, "m", 2.0).await;
            assert!(first.new && first.manifest.version == 1, "{}", kept.kind);
            let files: Vec<&String> = first.manifest.files.keys().collect();
            assert_eq!(files, [CARD, MODEL, JSON, ONNX]);
            let read = registry.manifest("m", 1).await.unwrap();
            assert_eq!(read, first.manifest);
            let bytes = registry.file(&read, MODEL).await.unwrap();
            assert_eq!(bytes, model(2.0));
            assert_eq!(Model::read(&bytes).unwrap().header().features, ["x"]);
            let onnx = registry.file(&read, ONNX).await.unwrap();
            assert_eq!(Some(onnx), first.onnx);
            let card = registry.file(&read, CARD).await.unwrap();
            let card = String::from_utf8(card.to_vec()).unwrap();
            for part in [
                "# m, version 1",
                "1970-01-01T00:00:00Z to 1970-01-02T00:00:00Z",
                "10 used, 1 left out",
                "| `x` | number | 1 | 100.0 % |",
                "predict_model('m@1', {'x': x})",
                "InferenceSession",
                "| `r2` | 0.5 |",
            ] {
                assert!(card.contains(part), "{}: no {part} in\n{card}", kept.kind);
            }

            // The same again is the version that is there; another is another.
            let again = publish(&registry, "m", 2.0).await;
            assert!(!again.new);
            assert_eq!(again.manifest, first.manifest);
            assert_eq!(publish(&registry, "m", 3.0).await.manifest.version, 2);
            assert_eq!(publish(&registry, "n", 2.0).await.manifest.version, 1);
            assert_eq!(registry.names().await.unwrap(), ["m", "n"]);
        }
    });
}

#[test]
fn aliases_are_promoted_and_rolled_back() {
    run(async {
        for kept in stores() {
            let registry = registry(&kept.store);
            for slope in [1.0, 2.0, 3.0] {
                publish(&registry, "m", slope).await;
            }
            let error = registry
                .resolve(&Reference::parse("m").unwrap())
                .await
                .unwrap_err();
            assert!(
                error.in_a_line().contains("lagrange models promote m 3"),
                "{}",
                error.in_a_line()
            );
            for version in [1, 2, 3] {
                registry
                    .promote("m", version, "champion", Expected::Any, false)
                    .await
                    .unwrap();
            }
            assert_eq!(champion(&registry, "m").await, Some(3));
            assert_eq!(
                registry
                    .resolve(&Reference::parse("m").unwrap())
                    .await
                    .unwrap(),
                3
            );
            let same = registry
                .promote("m", 3, "champion", Expected::Any, false)
                .await
                .unwrap();
            assert!(same.is_none());

            let wrong = Expected::Version(Some(2));
            let error = registry
                .promote("m", 1, "champion", wrong, false)
                .await
                .unwrap_err();
            assert!(
                error.to_string().contains("is version 3, not version 2"),
                "{error}"
            );
            let none = Expected::Version(None);
            assert!(
                registry
                    .promote("m", 1, "champion", none, false)
                    .await
                    .is_err()
            );
            registry
                .promote("m", 1, "challenger", none, false)
                .await
                .unwrap();

            // Back, and further back, and not to and fro.
            assert_eq!(
                registry.rollback("m", "champion").await.unwrap().version,
                Some(2)
            );
            assert_eq!(
                registry.rollback("m", "champion").await.unwrap().version,
                Some(1)
            );
            let error = registry.rollback("m", "champion").await.unwrap_err();
            assert!(error.to_string().contains("no other before"), "{error}");
            let history = registry.history("m", "champion").await.unwrap();
            let versions: Vec<_> = history.iter().map(|entry| entry.version.unwrap()).collect();
            assert_eq!(versions, [1, 2, 3, 2, 1]);
            let heads = registry.heads("m").await.unwrap();
            let heads: Vec<_> = heads
                .iter()
                .map(|h| (h.entry.alias.as_str(), h.version))
                .collect();
            assert_eq!(heads, [("challenger", 1), ("champion", 1)]);
        }
    });
}

#[test]
fn a_deleted_number_is_never_used_again() {
    run(async {
        for kept in stores() {
            let registry = registry(&kept.store);
            for slope in [1.0, 2.0, 3.0] {
                publish(&registry, "m", slope).await;
            }
            registry
                .promote("m", 1, "champion", Expected::Any, false)
                .await
                .unwrap();
            registry
                .promote("m", 2, "champion", Expected::Any, false)
                .await
                .unwrap();
            let error = registry.delete("m", 2, false).await.unwrap_err();
            assert!(error.to_string().contains("is the champion"), "{error}");
            registry.delete("m", 3, false).await.unwrap();
            // What was deleted comes back as another version.
            assert_eq!(publish(&registry, "m", 3.0).await.manifest.version, 4);
            let changes = registry.delete("m", 2, true).await.unwrap();
            assert_eq!(changes[0].version, Some(1));
            assert_eq!(champion(&registry, "m").await, Some(1));
            let listing = registry.list("m").await.unwrap();
            assert_eq!(listing.ready().collect::<Vec<_>>(), [1, 4]);
            assert_eq!(listing.versions[&2], State::Deleted);
            let error = registry.manifest("m", 2).await.unwrap_err();
            assert!(
                error
                    .in_a_line()
                    .contains("deleted (there are versions 4, 1)"),
                "{}",
                error.in_a_line()
            );
            assert!(
                registry
                    .promote("m", 2, "champion", Expected::Any, true)
                    .await
                    .is_err()
            );
            // The last of an alias takes it along.
            assert_eq!(
                registry.delete("m", 1, true).await.unwrap()[0].version,
                None
            );
            assert_eq!(champion(&registry, "m").await, None);
            assert!(
                registry
                    .verify("m", None)
                    .await
                    .unwrap()
                    .iter()
                    .all(|v| v.faults.is_empty())
            );
        }
    });
}

#[test]
fn an_alias_outlives_the_version_it_was_given_to() {
    run(async {
        let kept = stores().remove(0);
        let registry = registry(&kept.store);
        publish(&registry, "m", 1.0).await;
        publish(&registry, "m", 2.0).await;
        registry
            .promote("m", 1, "champion", Expected::Any, false)
            .await
            .unwrap();
        registry
            .promote("m", 2, "champion", Expected::Any, false)
            .await
            .unwrap();
        // A deletion that raced with the promotion.
        registry.bury("m", 2, None).await.unwrap();
        assert_eq!(champion(&registry, "m").await, Some(1));
        publish(&registry, "m", 3.0).await;
        registry
            .promote("m", 3, "champion", Expected::Version(Some(1)), false)
            .await
            .unwrap();
        assert_eq!(
            registry.rollback("m", "champion").await.unwrap().version,
            Some(1)
        );
    });
}

#[test]
fn gates_that_failed_stop_a_promotion() {
    run(async {
        for kept in stores() {
            let registry = registry(&kept.store);
            let mut doubtful = draft("m", 1.0);
            doubtful.origin.gates = Gates::Pending;
            registry.publish(vec![doubtful]).await.unwrap();
            let promote = |force| registry.promote("m", 1, "champion", Expected::Any, force);
            let error = promote(false).await.unwrap_err();
            assert!(
                error.to_string().contains("has not come to its gates"),
                "{error}"
            );
            registry.record_gates("m", 1, Gates::Failed).await.unwrap();
            let error = promote(false).await.unwrap_err();
            assert!(
                error.in_a_line().contains("have failed (--force"),
                "{}",
                error.in_a_line()
            );
            assert_eq!(champion(&registry, "m").await, None);
            registry.record_gates("m", 1, Gates::Passed).await.unwrap();
            promote(false).await.unwrap();
            publish(&registry, "m", 2.0).await;
            registry.record_gates("m", 2, Gates::Failed).await.unwrap();
            registry
                .promote("m", 2, "champion", Expected::Any, true)
                .await
                .unwrap();
            assert_eq!(champion(&registry, "m").await, Some(2));
        }
    });
}

#[test]
fn what_is_unknown_is_named_with_what_is_near() {
    run(async {
        let kept = stores().remove(0);
        let registry = registry(&kept.store);
        let message = |reference: &str| {
            let reference = Reference::parse(reference).unwrap();
            let registry = &registry;
            async move { registry.find(&reference).await.unwrap_err().in_a_line() }
        };
        assert!(message("m@1").await.contains("the registry is empty"));
        publish(&registry, "forward_return", 1.0).await;
        registry
            .promote("forward_return", 1, "champion", Expected::Any, false)
            .await
            .unwrap();
        assert!(
            message("forward_retrun@1")
                .await
                .contains("did you mean 'forward_return'?")
        );
        assert!(
            message("forward_return@champoin")
                .await
                .contains("did you mean 'champion'?")
        );
        assert!(
            message("forward_return@7")
                .await
                .contains("there are versions 1")
        );
        let error = registry.list("../etc").await.unwrap_err();
        assert_eq!(error.status(), Status::Usage);
        for name in ["..", "a/b", "", "con", "a\\b"] {
            assert!(
                registry.publish(vec![draft(name, 1.0)]).await.is_err(),
                "{name}"
            );
            assert!(registry.manifest(name, 1).await.is_err(), "{name}");
            assert!(registry.head(name, "champion").await.is_err(), "{name}");
            assert!(
                registry.head("forward_return", name).await.is_err(),
                "{name}"
            );
        }
    });
}

#[test]
fn a_changed_file_is_found() {
    run(async {
        let kept = stores().remove(1);
        let registry = registry(&kept.store);
        for slope in [1.0, 2.0, 3.0, 4.0] {
            publish(&registry, "m", slope).await;
        }
        let folder = kept.folder.as_ref().unwrap().path().join("m");
        std::fs::write(folder.join("1").join(CARD), "shorter").unwrap();
        let path = folder.join("2").join(MODEL);
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(path, bytes).unwrap();
        std::fs::remove_file(folder.join("3").join(ONNX)).unwrap();
        std::fs::write(folder.join("4").join(MANIFEST), "{").unwrap();
        let verdicts = registry.verify("m", None).await.unwrap();
        let faults: Vec<String> = verdicts.iter().map(|v| v.faults.join("; ")).collect();
        assert!(
            faults[0].contains("card.md is damaged: it has 7 bytes"),
            "{faults:?}"
        );
        assert!(
            faults[1].contains("model.bin is damaged: its checksum"),
            "{faults:?}"
        );
        assert!(
            faults[2].contains("model.onnx is damaged: it is not there"),
            "{faults:?}"
        );
        assert!(faults[3].contains("manifest.json is damaged"), "{faults:?}");
        let manifest = registry.manifest("m", 2).await.unwrap();
        assert!(registry.file(&manifest, MODEL).await.is_err());
    });
}

#[test]
fn a_manifest_of_a_later_version_says_so() {
    run(async {
        let kept = stores().remove(1);
        let registry = registry(&kept.store);
        publish(&registry, "m", 1.0).await;
        let path = kept
            .folder
            .as_ref()
            .unwrap()
            .path()
            .join("m/1")
            .join(MANIFEST);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("\"format\": 1", "\"format\": 9", 1)).unwrap();
        let error = registry.manifest("m", 1).await.unwrap_err().in_a_line();
        assert!(
            error.contains("has format 9") && error.contains("update Lagrange"),
            "{error}"
        );
    });
}
