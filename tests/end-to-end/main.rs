//! Runs the `lagrange` binary the way users do, in a folder of its own.

mod check;
#[cfg(feature = "cluster")]
mod cluster;
mod configuration;
mod containers;
mod documents;
mod export;
mod fake_google;
mod fake_mlflow;
mod functions;
mod gates;
mod gcs;
mod inputs;
mod interrupts;
mod kills;
mod lineage;
mod mlflow;
mod models;
mod outputs;
mod parameters;
mod plans;
mod project;
mod projects;
mod results;
mod resume;
mod scripts;
mod selection;
mod sources;
mod statements;
mod submit;
mod tables;
mod tracking;
mod transcripts;
mod trials;
mod vertex_models;
