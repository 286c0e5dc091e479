//! Runs the `lagrange` binary the way users do, in a folder of its own.

mod check;
mod configuration;
mod functions;
mod gcs;
mod inputs;
mod lineage;
mod models;
mod outputs;
mod parameters;
mod project;
mod scripts;
mod statements;
mod tables;
mod trials;
