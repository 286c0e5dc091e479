//! Table functions: the arguments and the columns of the relation become SQL
//! text, whose plan takes the place of the call.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use arrow::datatypes::Schema;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{DataFusionError, Result, plan_datafusion_err};
use datafusion::datasource::ViewTable;
use datafusion::execution::SessionState;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::Analyzer;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion::prelude::SessionContext;

use crate::call::{Call, Literal, SourceColumn, Target};
use crate::datafusion::types::{is_number, usage};
use crate::datafusion::{contain, literal, planning};
use crate::definition::{Kind, Signature, Table};
use crate::error::Error;

/// The SQL that a call of `function` stands for, for callers that have the
/// syntax tree and so can take named arguments and see CTEs.
///
/// `with_prefix` is empty or a WITH clause (`WITH a AS (...), b AS (...)`) that
/// the relation may name.
///
/// # Errors
/// Wrong arguments, or a relation that cannot be planned.
pub async fn expand_call(
    context: &SessionContext,
    function: &'static dyn Table,
    positional: Vec<Literal>,
    named: Vec<(String, Literal)>,
    with_prefix: &str,
) -> crate::Result<String> {
    let signature = function.signature();
    let columns = match relation(signature, &positional, &named)? {
        None => Vec::new(),
        Some(relation) => {
            let query = format!("{with_prefix} SELECT * FROM {relation}");
            let plan = context.state().create_logical_plan(&query).await;
            let plan = plan.map_err(|error| unreadable(signature, &relation, "", error))?;
            source_columns(plan.schema().as_arrow())
        }
    };
    generate(function, positional, named, &columns)
}

/// The relation that the call reads, as it stands after FROM; `None` for a
/// function that reads none.
fn relation(
    signature: &'static Signature,
    positional: &[Literal],
    named: &[(String, Literal)],
) -> crate::Result<Option<String>> {
    let target = Target::DataFusion(&[]);
    let call = Call::resolve(signature, positional.to_vec(), named.to_vec(), target)?;
    let reads = |kind: Kind| {
        signature
            .arguments
            .iter()
            .any(|argument| argument.kind == kind)
    };
    reads(Kind::Relation).then(|| call.relation()).transpose()
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

fn generate(
    function: &'static dyn Table,
    positional: Vec<Literal>,
    named: Vec<(String, Literal)>,
    columns: &[SourceColumn],
) -> crate::Result<String> {
    let signature = function.signature();
    contain(signature.name, || {
        let target = Target::DataFusion(columns);
        function.sql(&Call::resolve(signature, positional, named, target)?)
    })
}

fn unreadable(signature: &Signature, relation: &str, hint: &str, error: DataFusionError) -> Error {
    let message = error.strip_backtrace();
    Error::data(
        signature.name,
        format!("the relation {relation} cannot be read{hint}: {message}"),
    )
}

/// A table function of the catalogue.
pub struct TableFunction {
    function: &'static dyn Table,
}

impl TableFunction {
    pub fn new(function: &'static dyn Table) -> Self {
        Self { function }
    }

    fn constants(&self, arguments: &[Expr]) -> crate::Result<Vec<Literal>> {
        let signature = self.function.signature();
        let names = signature.arguments.iter().map(|argument| argument.name);
        arguments
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
            .collect()
    }

    fn plan(&self, state: &SessionState, arguments: &[Expr]) -> Result<ViewTable> {
        let signature = self.function.signature();
        let positional = self.constants(arguments).map_err(planning)?;
        let columns = match relation(signature, &positional, &[]).map_err(planning)? {
            None => Vec::new(),
            Some(relation) => {
                let hint = " (a bare DataFusion session shows tables and views, but no CTE, to a \
                            table function)";
                let plan = plan_now(state, &format!("SELECT * FROM {relation}"))
                    .map_err(|error| planning(unreadable(signature, &relation, hint, error)))?;
                source_columns(plan.schema().as_arrow())
            }
        };
        let sql = generate(self.function, positional, Vec::new(), &columns).map_err(planning)?;
        let plan = plan_now(state, &sql)?;
        // A view's schema is that of its plan, which is final once types are
        // coerced.
        let coercion = Analyzer::with_rules(vec![Arc::new(TypeCoercion::new())]);
        let plan = coercion.execute_and_check(plan, &ConfigOptions::default(), |_, _| {})?;
        Ok(ViewTable::new(plan, Some(sql)))
    }
}

impl fmt::Debug for TableFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.function.signature().name)
    }
}

impl TableFunctionImpl for TableFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let Some(state) = args.session().as_any().downcast_ref::<SessionState>() else {
            let name = self.function.signature().name;
            return Err(plan_datafusion_err!("{name}: this session cannot plan SQL"));
        };
        Ok(Arc::new(self.plan(state, args.exprs())?))
    }
}

/// Plans a query from within the planner, which is not async.
///
/// Catalogues in memory answer at the first poll. One that does real I/O gets
/// a thread with a runtime of its own: blocking on the caller's runtime could
/// deadlock, or be refused by it.
fn plan_now(state: &SessionState, sql: &str) -> Result<LogicalPlan> {
    let first_poll = {
        let planning = pin!(state.create_logical_plan(sql));
        planning.poll(&mut Context::from_waker(Waker::noop()))
    };
    let plan = match first_poll {
        Poll::Ready(plan) => plan?,
        Poll::Pending => plan_on_thread(state, sql)?,
    };
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)?;
    Ok(plan)
}

fn plan_on_thread(state: &SessionState, sql: &str) -> Result<LogicalPlan> {
    thread::scope(|scope| {
        let planner = scope.spawn(|| {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?
                .block_on(state.create_logical_plan(sql))
        });
        planner
            .join()
            .unwrap_or_else(|_| Err(plan_datafusion_err!("the planner panicked")))
    })
}
