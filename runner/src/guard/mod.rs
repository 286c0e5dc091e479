//! The lookahead guard: does a feature of a model depend on data later than its
//! row? Answered from the script alone.
//!
//! - [`rules`]: what is looked for.
//! - [`lineage`]: what is known of a column; [`graph`]: what it is made of;
//!   [`names`]: what names tell; [`shared`]: lists that values share.
//! - [`analysis`]: the walk over statements; [`statements`], [`query`], [`wildcards`],
//!   [`joins`], [`reach`], [`expressions`], [`windows`], [`calls`]: its parts.
//! - [`fits`]: what reaches a model.
//! - [`plan`]: what a replay on data recomputes.
//! - [`waivers`], [`report`]: what is said about it; [`ancestry`]: the lineage of
//!   columns, as text and as drawings.
//!
//! It reads syntax trees and knows no engine; the functions of Lagrange it knows
//! through [`Catalogue`].

pub mod analysis;
pub mod ancestry;
mod calls;
mod expressions;
mod fits;
mod graph;
mod joins;
pub mod lineage;
pub mod names;
pub mod plan;
mod query;
mod reach;
pub mod report;
pub mod rules;
mod shared;
mod statements;
mod waivers;
mod wildcards;
mod windows;

use sqlparser::ast::{Query, Statement};
use sqlparser::tokenizer::Location;

pub use ancestry::Ancestry;
pub use report::Report;

/// A statement to look at.
#[derive(Debug, Clone, Copy)]
pub struct Unit<'a> {
    /// The file as the user named it.
    pub file: &'a str,
    /// The text of the file.
    pub text: &'a str,
    /// Where the statement starts.
    pub start: Location,
    /// The syntax tree, parameters replaced where they are known.
    pub statement: &'a Statement,
}

/// What kind of function a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    /// From a row to a value.
    Scalar,
    /// From many rows to a value.
    Aggregate,
    /// Stands after FROM.
    Table,
}

/// A constant argument.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// NULL, or not constant.
    Null,
    /// True or false.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// Another number.
    Number(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Constant>),
}

/// An argument of a function.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its default; `None` if it must be passed or is NULL.
    pub default: Option<Constant>,
}

/// What the guard asks about Lagrange's own functions.
pub trait Catalogue: Sync {
    /// What a name is; `None` if it is not one of ours.
    fn kind(&self, name: &str) -> Option<FunctionKind>;

    /// Its arguments in order.
    fn parameters(&self, name: &str) -> Vec<Parameter>;

    /// The query that a call of a table function stands for. `columns` are those
    /// of its relation, if they are all known.
    fn expand(
        &self,
        name: &str,
        arguments: &[(String, Constant)],
        columns: Option<&[String]>,
    ) -> Option<Query>;

    /// Parses a query.
    fn parse(&self, sql: &str) -> Option<Query>;
}

/// Where the columns of statements come from.
pub fn lineage(units: &[Unit<'_>], catalogue: &dyn Catalogue) -> Ancestry {
    let mut analysis = analysis::Analysis::new(catalogue);
    analysis.prepare(units);
    for unit in units {
        analysis.statement(unit);
    }
    Ancestry::new(&analysis)
}

/// Looks at statements in their order.
pub fn check(units: &[Unit<'_>], catalogue: &dyn Catalogue) -> Report {
    let mut analysis = analysis::Analysis::new(catalogue);
    analysis.prepare(units);
    for unit in units {
        analysis.statement(unit);
    }
    analysis.finish()
}
