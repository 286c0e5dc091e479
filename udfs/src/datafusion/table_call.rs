//! A call of a table function on its way to SQL: the arguments become constants,
//! the relation that they name is looked up by whoever can, and both become text.

use arrow::datatypes::Schema;
use datafusion::logical_expr::Expr;

use crate::call::{Call, Literal, SourceColumn, Target};
use crate::datafusion::types::{is_number, usage};
use crate::datafusion::{contain, literal};
use crate::definition::{Kind, Table};
use crate::error::{Error, Result};

/// A call that has not been turned into SQL yet.
pub struct TableCall {
    function: &'static dyn Table,
    positional: Vec<Literal>,
    named: Vec<(String, Literal)>,
}

impl TableCall {
    /// A call with its arguments as constants.
    pub fn new(
        function: &'static dyn Table,
        positional: Vec<Literal>,
        named: Vec<(String, Literal)>,
    ) -> Self {
        Self {
            function,
            positional,
            named,
        }
    }

    /// A call as a planner of DataFusion hands it over.
    ///
    /// # Errors
    /// An argument that is not a constant.
    pub fn from_expressions(function: &'static dyn Table, arguments: &[Expr]) -> Result<Self> {
        let signature = function.signature();
        let names = signature.arguments.iter().map(|argument| argument.name);
        let positional = arguments
            .iter()
            .zip(names.chain(std::iter::repeat("")))
            .map(|(argument, name)| {
                let fix = format!("pass a constant: {}", usage(signature));
                match argument {
                    Expr::Literal(value, _) => literal::literal(value)
                        .map_err(|found| Error::argument(signature.name, name, found, fix)),
                    other => Err(Error::argument(signature.name, name, other, fix)),
                }
            })
            .collect::<Result<_>>()?;
        Ok(Self::new(function, positional, Vec::new()))
    }

    /// The relation that the call reads, as it stands after FROM; `None` for a
    /// function that reads none.
    ///
    /// # Errors
    /// Wrong arguments.
    pub fn relation(&self) -> Result<Option<String>> {
        let call = self.resolve(&[])?;
        let mut arguments = self.function.signature().arguments.iter();
        arguments
            .any(|argument| argument.kind == Kind::Relation)
            .then(|| call.relation())
            .transpose()
    }

    /// The SQL that the call stands for. `relation` is the schema of what
    /// [`relation`](Self::relation) names.
    ///
    /// # Errors
    /// Wrong arguments, or columns that the function cannot work with.
    pub fn sql(&self, relation: Option<&Schema>) -> Result<String> {
        let columns = relation.map(source_columns).unwrap_or_default();
        contain(self.function.signature().name, || {
            self.function.sql(&self.resolve(&columns)?)
        })
    }

    fn resolve<'a>(&self, columns: &'a [SourceColumn]) -> Result<Call<'a>> {
        Call::resolve(
            self.function.signature(),
            self.positional.clone(),
            self.named.clone(),
            Target::DataFusion(columns),
        )
    }

    /// The relation cannot be planned.
    pub fn unreadable(&self, relation: &str, why: &str) -> Error {
        Error::data(
            self.function.signature().name,
            format!("the relation {relation} cannot be read: {why}"),
        )
    }

    /// The relation cannot be planned by a session, which looks it up by its name.
    pub fn unseen(&self, relation: &str, why: &str) -> Error {
        let hint =
            "a bare DataFusion session shows tables and views, but no CTE, to a table function";
        Error::data(
            self.function.signature().name,
            format!("the relation {relation} cannot be read ({hint}): {why}"),
        )
    }
}

fn source_columns(schema: &Schema) -> Vec<SourceColumn> {
    let fields = schema.fields().iter();
    fields
        .map(|field| SourceColumn {
            name: field.name().clone(),
            numeric: is_number(field.data_type()),
        })
        .collect()
}
