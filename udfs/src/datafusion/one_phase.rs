//! Aggregates that keep their rows, in one phase.
//!
//! DataFusion aggregates twice: the states of partitions are saved as bytes, moved
//! and joined. Where a state is the rows themselves, that copies them all three
//! times more than aggregating where the rows end up anyway.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, Partitioning};
use datafusion::prelude::SessionContext;
use serde_json::Value as Json;

use super::aggregate::AggregateFunction;
use super::literal::literal;
use crate::definition::Kind;

/// Adds the rule to a session that does not have it.
pub fn register(context: &SessionContext) {
    let state = context.state();
    let rules = state.physical_optimizers();
    if rules.iter().any(|rule| rule.name() == OnePhase.name()) {
        return;
    }
    let state = SessionStateBuilder::new_from_existing(state)
        .with_physical_optimizer_rule(Arc::new(OnePhase))
        .build();
    *context.state_ref().write() = state;
}

/// See the module.
#[derive(Debug)]
struct OnePhase;

impl PhysicalOptimizerRule for OnePhase {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_down(|plan| {
            Ok(match one_phase(&plan)? {
                Some(single) => Transformed::yes(single),
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "lagrange_one_phase"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The plan with its two phases in one, if that is what it is.
fn one_phase(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(last) = plan.downcast_ref::<AggregateExec>() else {
        return Ok(None);
    };
    let between = last.input();
    let first = match between.children()[..] {
        [below] => below.downcast_ref::<AggregateExec>(),
        _ => None,
    };
    let Some(first) = first.filter(|first| *first.mode() == AggregateMode::Partial) else {
        return Ok(None);
    };
    if !first.aggr_expr().iter().any(|call| keeps_rows(call)) {
        return Ok(None);
    }
    let rows = Arc::clone(first.input());
    let (mode, rows): (_, Arc<dyn ExecutionPlan>) = match last.mode() {
        AggregateMode::Final if between.is::<CoalescePartitionsExec>() => (
            AggregateMode::Single,
            Arc::new(CoalescePartitionsExec::new(rows)),
        ),
        AggregateMode::FinalPartitioned if between.is::<RepartitionExec>() => {
            let Partitioning::Hash(_, partitions) = between.properties().output_partitioning()
            else {
                return Ok(None);
            };
            let groups = Partitioning::Hash(first.group_expr().input_exprs(), *partitions);
            (
                AggregateMode::SinglePartitioned,
                Arc::new(RepartitionExec::try_new(rows, groups)?),
            )
        }
        _ => return Ok(None),
    };
    let single = AggregateExec::try_new(
        mode,
        first.group_expr().clone(),
        first.aggr_expr().to_vec(),
        first.filter_expr().to_vec(),
        rows,
        first.input_schema(),
    )?;
    Ok(Some(Arc::new(
        single.with_limit_options(last.limit_options()),
    )))
}

/// Whether a call keeps its rows, as far as its options tell.
fn keeps_rows(call: &AggregateFunctionExpr) -> bool {
    let Some(ours) = call.fun().inner().downcast_ref::<AggregateFunction>() else {
        return false;
    };
    let arguments = ours.function.signature().arguments;
    let place = arguments
        .iter()
        .position(|argument| argument.kind == Kind::Options);
    let given = place.and_then(|place| call.expressions().get(place).cloned());
    let options = given.and_then(|expression| {
        let value = expression.downcast_ref::<Literal>()?.value().clone();
        Some(Json::from(literal(&value).ok()?))
    });
    ours.function.keeps_rows(&options.unwrap_or(Json::Null))
}
