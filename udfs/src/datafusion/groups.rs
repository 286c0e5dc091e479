//! GROUP BY: the states of all groups together, so that the columns of a batch
//! are read once and not once per group.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, LargeBinaryArray};
use datafusion::common::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use crate::datafusion::aggregate::state_bytes;
use crate::datafusion::array_reader::read_arrays;
use crate::datafusion::{array_writer, contain, execution};
use crate::definition::{AnyAggregate, AnyState};
use crate::input::Rows;

/// The states of all groups; `None` is the state of no rows.
pub struct GroupStates {
    function: &'static dyn AnyAggregate,
    states: Vec<Option<AnyState>>,
    bytes: usize,
    partition: Partition,
}

impl GroupStates {
    pub fn new(function: &'static dyn AnyAggregate) -> Self {
        Self {
            function,
            states: Vec::new(),
            bytes: 0,
            partition: Partition::default(),
        }
    }

    fn name(&self) -> &'static str {
        self.function.signature().name
    }

    fn update(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
    ) -> crate::Result<()> {
        let function = self.function;
        let inputs = read_arrays(function.signature(), values)?;
        self.partition.split(groups, filter, self.states.len());
        for (group, rows) in self.partition.iter() {
            let state = &mut self.states[group];
            self.bytes -= state.as_ref().map_or(0, |state| function.size(state));
            let state = state.get_or_insert_with(|| function.start());
            let rows = if rows.len() == inputs.rows {
                Rows::All(inputs.rows)
            } else {
                Rows::Some(rows)
            };
            function.update(state, &inputs, rows)?;
            self.bytes += function.size(state);
        }
        Ok(())
    }

    fn merge(&mut self, saved: &dyn Array, groups: &[usize]) -> crate::Result<()> {
        let function = self.function;
        for (row, &group) in groups.iter().enumerate() {
            let Some(bytes) = state_bytes(function.signature().name, saved, row)? else {
                continue;
            };
            let from = function.load(bytes)?;
            match &mut self.states[group] {
                Some(into) => {
                    self.bytes -= function.size(into);
                    function.merge(into, &from)?;
                    self.bytes += function.size(into);
                }
                none => {
                    self.bytes += function.size(&from);
                    *none = Some(from);
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, emit: EmitTo) -> Vec<Option<AnyState>> {
        let taken = emit.take_needed(&mut self.states);
        let sizes = taken
            .iter()
            .flatten()
            .map(|state| self.function.size(state));
        self.bytes -= sizes.sum::<usize>();
        taken
    }

    fn finish(&self, states: Vec<Option<AnyState>>) -> crate::Result<ArrayRef> {
        let fresh = self.function.start();
        let values = states
            .into_iter()
            .map(|state| match state {
                Some(mut state) => {
                    self.function.settle(&mut state);
                    self.function.finish(&state)
                }
                None => self.function.finish(&fresh),
            })
            .collect::<crate::Result<_>>()?;
        array_writer::values_array(self.name(), self.function.signature().returns, values)
    }

    fn save(&self, states: &[Option<AnyState>]) -> crate::Result<ArrayRef> {
        let saved = states
            .iter()
            .map(|state| {
                state
                    .as_ref()
                    .map(|state| self.function.save(state))
                    .transpose()
            })
            .collect::<crate::Result<Vec<_>>>()?;
        Ok(Arc::new(LargeBinaryArray::from_iter(saved)))
    }

    fn save_each_row(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> crate::Result<ArrayRef> {
        let inputs = read_arrays(self.function.signature(), values)?;
        let saved = (0..inputs.rows)
            .map(|row| {
                if !passes(filter, row) {
                    return Ok(None);
                }
                let mut state = self.function.start();
                let rows = [row as u32];
                self.function
                    .update(&mut state, &inputs, Rows::Some(&rows))?;
                self.function.save(&state).map(Some)
            })
            .collect::<crate::Result<Vec<_>>>()?;
        Ok(Arc::new(LargeBinaryArray::from_iter(saved)))
    }
}

impl GroupsAccumulator for GroupStates {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.states.resize_with(total_num_groups, || None);
        contain(self.name(), || {
            self.update(values, group_indices, opt_filter)
        })
        .map_err(execution)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let states = self.take(emit_to);
        contain(self.name(), || self.finish(states)).map_err(execution)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let states = self.take(emit_to);
        let saved = contain(self.name(), || self.save(&states)).map_err(execution)?;
        Ok(vec![saved])
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.states.resize_with(total_num_groups, || None);
        contain(self.name(), || self.merge(&values[0], group_indices)).map_err(execution)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let saved =
            contain(self.name(), || self.save_each_row(values, opt_filter)).map_err(execution)?;
        Ok(vec![saved])
    }

    fn size(&self) -> usize {
        size_of_val(self)
            + self.bytes
            + self.states.capacity() * size_of::<Option<AnyState>>()
            + self.partition.bytes()
    }
}

/// Whether FILTER keeps the row.
fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

/// The rows of a batch by group: a counting sort whose cost depends on the
/// groups in the batch, not on all groups so far.
#[derive(Default)]
struct Partition {
    /// Rows of the batch per group, all zero between batches; then, while the
    /// rows are placed, where the next row of the group goes.
    next: Vec<u32>,
    /// The groups in the batch, by first appearance.
    present: Vec<usize>,
    /// The end of the rows of each present group.
    ends: Vec<u32>,
    /// The rows, group after group, ascending within each.
    rows: Vec<u32>,
}

impl Partition {
    fn split(&mut self, groups: &[usize], filter: Option<&BooleanArray>, total: usize) {
        self.next.resize(total.max(self.next.len()), 0);
        self.present.clear();
        self.ends.clear();
        let kept = |row: usize| passes(filter, row);
        for (row, &group) in groups.iter().enumerate() {
            if kept(row) {
                if self.next[group] == 0 {
                    self.present.push(group);
                }
                self.next[group] += 1;
            }
        }
        let mut end = 0;
        for &group in &self.present {
            let start = end;
            end += self.next[group];
            self.next[group] = start;
            self.ends.push(end);
        }
        self.rows.clear();
        self.rows.resize(end as usize, 0);
        for (row, &group) in groups.iter().enumerate() {
            if kept(row) {
                self.rows[self.next[group] as usize] = row as u32;
                self.next[group] += 1;
            }
        }
        for &group in &self.present {
            self.next[group] = 0;
        }
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &[u32])> {
        let mut start = 0;
        self.present
            .iter()
            .zip(&self.ends)
            .map(move |(&group, &end)| {
                let rows = &self.rows[start..end as usize];
                start = end as usize;
                (group, rows)
            })
    }

    fn bytes(&self) -> usize {
        let words = self.next.capacity() + self.ends.capacity() + self.rows.capacity();
        words * size_of::<u32>() + self.present.capacity() * size_of::<usize>()
    }
}
