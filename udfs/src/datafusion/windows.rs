//! Short frames of rows, a block of them at a time and on all threads.
//!
//! DataFusion slides an accumulator over a partition row by row, on one thread, with two
//! slices of every argument for each row. A frame that is counted in rows can be told
//! from the one before, so a call here becomes a window function that computes the
//! frames of all rows at hand when it is asked for the first of them.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    Expr, LogicalPlan, PartitionEvaluator, Signature, Volatility, WindowFrameBound,
    WindowFrameUnits, WindowFunctionDefinition, WindowUDFImpl,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use datafusion::prelude::SessionContext;
use rayon::prelude::*;

use super::aggregate::{AggregateFunction, scalar_value};
use super::array_reader::read_arrays;
use super::frame::afresh;
use super::{contain, execution, types};
use crate::definition::{AnyAggregate, Sliding};
use crate::input::{Inputs, Rows};
use crate::value::Value;

/// Rows of the longest frame: what a task reads before its first result is to be little.
const LONGEST: i64 = 1024;
/// Frames of a task. A number of its own: values do not depend on the threads.
const TASK: usize = 512;
/// Frames that are computed ahead.
const AHEAD: usize = 32 * TASK;

/// Adds the rule to a session that does not have it. Its plans stay in this process:
/// what they hold is not a function of the catalogue.
pub fn register(context: &SessionContext) {
    let state = context.state();
    let rules = &state.optimizer().rules;
    if rules.iter().any(|rule| rule.name() == ShortFrames.name()) {
        return;
    }
    let state = SessionStateBuilder::new_from_existing(state)
        .with_optimizer_rule(Arc::new(ShortFrames))
        .build();
    *context.state_ref().write() = state;
}

/// See the module.
#[derive(Debug)]
struct ShortFrames;

impl OptimizerRule for ShortFrames {
    fn name(&self) -> &str {
        "lagrange_short_frames"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        if !matches!(plan, LogicalPlan::Window(_)) {
            return Ok(Transformed::no(plan));
        }
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expression| {
            let name = names.save(&expression);
            let rewritten = over_frames(expression)?;
            Ok(rewritten.update_data(|expression| name.restore(expression)))
        })
    }
}

/// An expression whose calls over short frames are window functions.
fn over_frames(expression: Expr) -> Result<Transformed<Expr>> {
    expression.transform_up(|expression| {
        let Expr::WindowFunction(call) = &expression else {
            return Ok(Transformed::no(expression));
        };
        Ok(match FrameFunction::of(call) {
            Some(function) => Transformed::yes(Expr::from(WindowFunction {
                fun: WindowFunctionDefinition::WindowUDF(Arc::new(function.into())),
                params: call.params.clone(),
            })),
            None => Transformed::no(expression),
        })
    })
}

/// A frame of rows, counted from the row whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Frame {
    first: i64,
    last: i64,
}

impl Frame {
    /// Of a call, if it is counted in rows, has two ends and is short.
    fn of(params: &WindowFunctionParams) -> Option<Self> {
        let frame = &params.window_frame;
        let counted = |value: &ScalarValue| match value {
            ScalarValue::UInt64(Some(rows)) => i64::try_from(*rows).ok(),
            ScalarValue::Int64(rows) => *rows,
            _ => None,
        };
        let bound = |bound: &WindowFrameBound| match bound {
            WindowFrameBound::Preceding(rows) => Some(-counted(rows)?),
            WindowFrameBound::CurrentRow => Some(0),
            WindowFrameBound::Following(rows) => counted(rows),
        };
        let (first, last) = (bound(&frame.start_bound)?, bound(&frame.end_bound)?);
        let rows = last.checked_sub(first)?;
        let short = (0..LONGEST).contains(&rows);
        (frame.units == WindowFrameUnits::Rows && short).then_some(Self { first, last })
    }

    /// The frame of a row, of the rows that there are.
    fn range(self, row: usize, rows: usize) -> Range<usize> {
        let at = |offset: i64| (row as i64 + offset).clamp(0, rows as i64) as usize;
        at(self.first)..at(self.last + 1)
    }

    /// The frames from `first` on that are not the last of the rows at hand: of those
    /// it is not known where they end.
    fn ahead(self, first: &Range<usize>, rows: usize) -> Vec<Range<usize>> {
        if first.is_empty() || first.end == rows {
            return vec![first.clone()];
        }
        let row = first.end as i64 - 1 - self.last;
        let after = (row.max(0) as usize..rows).map(|row| self.range(row, rows));
        let known = after.take_while(|range| range.end < rows && !range.is_empty());
        let mut frames: Vec<Range<usize>> = known.take(AHEAD).collect();
        if frames.first() != Some(first) {
            frames = vec![first.clone()];
        }
        frames
    }
}

/// An aggregate of the catalogue over a frame.
struct FrameFunction {
    function: &'static dyn AnyAggregate,
    frame: Frame,
    signature: Signature,
}

impl FrameFunction {
    /// Of a call of one of our aggregates.
    fn of(call: &WindowFunction) -> Option<Self> {
        let WindowFunctionDefinition::AggregateUDF(aggregate) = &call.fun else {
            return None;
        };
        let ours = aggregate.inner().downcast_ref::<AggregateFunction>()?;
        let params = &call.params;
        let plain = params.filter.is_none() && params.null_treatment.is_none() && !params.distinct;
        Some(Self {
            function: ours.function,
            frame: Frame::of(params).filter(|_| plain)?,
            signature: Signature::user_defined(Volatility::Immutable),
        })
    }

    fn key(&self) -> (&str, Frame) {
        (self.function.signature().name, self.frame)
    }
}

impl fmt::Debug for FrameFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.function.signature().name)
    }
}

impl PartialEq for FrameFunction {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for FrameFunction {}

impl Hash for FrameFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl WindowUDFImpl for FrameFunction {
    fn name(&self) -> &str {
        self.function.signature().name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types::coerce(self.function.signature(), given))
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let returns = types::data_type(self.function.signature().returns);
        Ok(Arc::new(Field::new(args.name(), returns, true)))
    }

    fn partition_evaluator(
        &self,
        args: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Frames {
            function: self.function,
            frame: self.frame,
            arguments: args.input_exprs().len(),
            of: None,
            ready: VecDeque::new(),
        }))
    }
}

/// The frames of a partition, in order.
struct Frames {
    function: &'static dyn AnyAggregate,
    frame: Frame,
    /// How many arrays are arguments; what they are ordered by follows.
    arguments: usize,
    /// The first argument of the rows that values are ready of.
    of: Option<ArrayRef>,
    /// Values that were computed ahead.
    ready: VecDeque<(Range<usize>, crate::Result<Value>)>,
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} over frames", self.function.signature().name)
    }
}

impl Frames {
    fn value(&mut self, arrays: &[ArrayRef], frame: &Range<usize>) -> crate::Result<Value> {
        let same = self
            .of
            .as_ref()
            .zip(arrays.first())
            .is_some_and(|(known, array)| Arc::ptr_eq(known, array));
        if !same || self.ready.front().is_none_or(|(ready, _)| ready != frame) {
            self.compute(arrays, frame)?;
            self.of = arrays.first().cloned();
        }
        match self.ready.pop_front() {
            Some((_, value)) => value,
            None => self.function.finish(&self.function.start()),
        }
    }

    fn compute(&mut self, arrays: &[ArrayRef], first: &Range<usize>) -> crate::Result<()> {
        self.ready.clear();
        let rows = arrays.first().map_or(0, |array| array.len());
        let frames = self.frame.ahead(first, rows);
        let of = |frames: &[Range<usize>]| values(self.function, arrays, frames);
        let computed = match frames.len() {
            0..=TASK => vec![of(&frames)?],
            _ => {
                let tasks = frames.par_chunks(TASK).map(of);
                tasks.collect::<crate::Result<Vec<_>>>()?
            }
        };
        let computed = computed.into_iter().zip(frames.chunks(TASK));
        for (values, frames) in computed {
            self.ready.extend(frames.iter().cloned().zip(values));
        }
        Ok(())
    }
}

/// The values of frames that follow one another, up to the first error.
fn values(
    function: &dyn AnyAggregate,
    arrays: &[ArrayRef],
    frames: &[Range<usize>],
) -> crate::Result<Vec<crate::Result<Value>>> {
    let from = frames.first().map_or(0, |frame| frame.start);
    let to = frames.last().map_or(from, |frame| frame.end);
    let slices: Vec<ArrayRef> = arrays
        .iter()
        .map(|array| array.slice(from, to - from))
        .collect();
    let inputs = read_arrays(function.signature(), &slices)?;
    let mut window = function.sliding(&inputs)?;
    let mut held = 0..0;
    let mut values = Vec::with_capacity(frames.len());
    for frame in frames {
        let frame = frame.start - from..frame.end - from;
        let value = match &mut window {
            Some(window) => slide(window.as_mut(), &inputs, &mut held, frame),
            None => {
                let rows: Vec<u32> = frame.map(|row| row as u32).collect();
                afresh(function, &inputs, Rows::Some(&rows))
            }
        };
        let failed = value.is_err();
        values.push(value);
        if failed {
            break;
        }
    }
    Ok(values)
}

/// The value of a frame, from the window of the one before.
fn slide(
    window: &mut dyn Sliding,
    inputs: &Inputs<'_>,
    held: &mut Range<usize>,
    frame: Range<usize>,
) -> crate::Result<Value> {
    if held.start == held.end {
        *held = frame.start..frame.start;
    }
    window.push(inputs, held.end..frame.end)?;
    window.pop(frame.start - held.start);
    *held = frame;
    window.finish()
}

impl PartitionEvaluator for Frames {
    fn evaluate(&mut self, values: &[ArrayRef], range: &Range<usize>) -> Result<ScalarValue> {
        let arguments = &values[..self.arguments.min(values.len())];
        let signature = self.function.signature();
        contain(signature.name, || {
            let value = self.value(arguments, range)?;
            scalar_value(signature, value)
        })
        .map_err(execution)
    }

    fn supports_bounded_execution(&self) -> bool {
        true
    }

    fn uses_window_frame(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Frame;

    #[test]
    fn frames_ahead_are_those_that_the_engine_asks_for() {
        for (first, last) in [(-2, 0), (0, 0), (-1, 2), (1, 3), (-4, -2)] {
            let frame = Frame { first, last };
            let asked: Vec<_> = (0..20).map(|row| frame.range(row, 20)).collect();
            for (row, range) in asked.iter().enumerate() {
                let ahead = frame.ahead(range, 20);
                assert_eq!(asked[row..row + ahead.len()], ahead, "{frame:?} {row}");
                // All but those at the end are computed at once.
                let ends = range.end == 20 || range.is_empty();
                let rest = asked[row..].iter().filter(|range| range.end < 20).count();
                assert_eq!(ahead.len(), if ends { 1 } else { rest }, "{frame:?} {row}");
            }
        }
    }
}
