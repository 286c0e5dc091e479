//! Runs the `lagrange` binary the way users do, in a folder of its own.

mod check;
mod configuration;
mod functions;
mod gates;
mod inputs;
mod interrupts;
mod kills;
mod lineage;
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
mod transcripts;
mod trials;
