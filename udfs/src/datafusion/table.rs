//! Table functions: the arguments and the columns of the relation become SQL
//! text, whose plan takes the place of the call.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Result, plan_datafusion_err};
use datafusion::datasource::ViewTable;
use datafusion::execution::SessionState;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::Analyzer;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion::prelude::SessionContext;

use crate::call::Literal;
use crate::datafusion::planning;
use crate::datafusion::table_call::TableCall;
use crate::definition::Table;

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
    let call = TableCall::new(function, positional, named);
    let Some(relation) = call.relation()? else {
        return call.sql(None);
    };
    let query = format!("{with_prefix} SELECT * FROM {relation}");
    let plan = context.state().create_logical_plan(&query).await;
    let plan = plan.map_err(|error| call.unreadable(&relation, &error.strip_backtrace()))?;
    call.sql(Some(plan.schema().as_arrow()))
}

/// A table function of the catalogue.
pub struct TableFunction {
    function: &'static dyn Table,
}

impl TableFunction {
    pub fn new(function: &'static dyn Table) -> Self {
        Self { function }
    }

    fn plan(&self, state: &SessionState, arguments: &[Expr]) -> Result<ViewTable> {
        let call = TableCall::from_expressions(self.function, arguments).map_err(planning)?;
        let sql = match call.relation().map_err(planning)? {
            None => call.sql(None),
            Some(relation) => {
                let plan = plan_now(state, &format!("SELECT * FROM {relation}"))
                    .map_err(|error| planning(call.unseen(&relation, &error.strip_backtrace())))?;
                call.sql(Some(plan.schema().as_arrow()))
            }
        }
        .map_err(planning)?;
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
