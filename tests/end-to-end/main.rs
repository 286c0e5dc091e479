//! Runs the `lagrange` binary the way users do, in a folder of its own.

mod check;
mod configuration;
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
mod statements;
mod tables;
mod tracking;
mod transcripts;
mod trials;
