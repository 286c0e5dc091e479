//! Runs the `lagrange` binary the way users do, in a folder of its own.

mod check;
mod configuration;
mod fake_mlflow;
mod functions;
mod gcs;
mod inputs;
mod lineage;
mod mlflow;
mod models;
mod outputs;
mod parameters;
mod project;
mod scripts;
mod statements;
mod tables;
mod tracking;
mod trials;
