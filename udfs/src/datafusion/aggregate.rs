//! Aggregate functions.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility,
};

use crate::datafusion::array_reader::read_arrays;
use crate::datafusion::frame::SlidingAccumulator;
use crate::datafusion::groups::GroupStates;
use crate::datafusion::{array_writer, contain, execution, planning, types};
use crate::definition::{self, AnyAggregate, AnyState};
use crate::error::Error;
use crate::input::Rows;
use crate::value::{Type, Value};

/// An aggregate function of the catalogue.
pub struct AggregateFunction {
    /// The kernel.
    pub function: &'static dyn AnyAggregate,
    aliases: Vec<String>,
    signature: Signature,
}

impl AggregateFunction {
    pub fn new(function: &'static dyn AnyAggregate) -> Self {
        let aliases = function.signature().aliases;
        Self {
            function,
            aliases: aliases.iter().map(ToString::to_string).collect(),
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    fn refuse_distinct(&self, args: &AccumulatorArgs) -> Result<()> {
        if !args.is_distinct {
            return Ok(());
        }
        Err(planning(Error::data(
            self.name(),
            "DISTINCT is not supported; aggregate over (SELECT DISTINCT ...) instead",
        )))
    }
}

impl fmt::Debug for AggregateFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.function.signature().name)
    }
}

impl PartialEq for AggregateFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for AggregateFunction {}

impl Hash for AggregateFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl AggregateUDFImpl for AggregateFunction {
    fn name(&self) -> &str {
        self.function.signature().name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types::coerce(self.function.signature(), given))
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        let definition = self.function.signature();
        types::check(definition, given).map_err(planning)?;
        Ok(types::data_type(definition.returns))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.refuse_distinct(&args)?;
        Ok(Box::new(StateAccumulator::new(self.function)))
    }

    // Offsets of 64 bits: the states of many groups leave in one array.
    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "state");
        Ok(vec![Arc::new(Field::new(
            name,
            DataType::LargeBinary,
            true,
        ))])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        self.refuse_distinct(&args)?;
        Ok(Box::new(GroupStates::new(self.function)))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.refuse_distinct(&args)?;
        Ok(Box::new(SlidingAccumulator::new(self.function)))
    }

    // States merge in any order, so ORDER BY within the call changes nothing
    // and needs no sort.
    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    // The value of an empty frame, and of no rows.
    fn default_value(&self, _data_type: &DataType) -> Result<ScalarValue> {
        let function = self.function;
        let definition = function.signature();
        contain(definition.name, || {
            scalar_value(definition, function.finish(&function.start())?)
        })
        .map_err(execution)
    }
}

/// The value of one group.
pub fn scalar_value(
    signature: &'static definition::Signature,
    value: Value,
) -> crate::Result<ScalarValue> {
    // A window has a value per row: an array of one for each would cost more than most
    // kernels.
    let value = match (signature.returns, value) {
        (Type::Double, Value::Double(value)) => return Ok(ScalarValue::Float64(Some(value))),
        (Type::Blob, Value::Blob(bytes)) => return Ok(ScalarValue::Binary(Some(bytes))),
        (_, value) => value,
    };
    let array = array_writer::values_array(signature.name, signature.returns, vec![value])?;
    ScalarValue::try_from_array(&array, 0)
        .map_err(|error| Error::internal(signature.name, error.strip_backtrace()))
}

/// The saved state in a row of a state column.
pub fn state_bytes<'a>(
    function: &str,
    saved: &'a dyn Array,
    row: usize,
) -> crate::Result<Option<&'a [u8]>> {
    let Some(saved) = saved.as_binary_opt::<i64>() else {
        let message = format!("a state of type {} was passed", saved.data_type());
        return Err(Error::internal(function, message));
    };
    Ok(saved.is_valid(row).then(|| saved.value(row)))
}

/// The accumulator of a whole relation, a group or a frame that only grows.
struct StateAccumulator {
    function: &'static dyn AnyAggregate,
    // DataFusion wants accumulators to be Sync. States need only be Send, and
    // the lock is never contended.
    state: Mutex<AnyState>,
}

impl StateAccumulator {
    fn new(function: &'static dyn AnyAggregate) -> Self {
        Self {
            function,
            state: Mutex::new(function.start()),
        }
    }

    fn with_state<T>(
        &mut self,
        kernel: impl FnOnce(&'static dyn AnyAggregate, &mut AnyState) -> crate::Result<T>,
    ) -> Result<T> {
        let function = self.function;
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        contain(function.signature().name, || kernel(function, state)).map_err(execution)
    }
}

impl fmt::Debug for StateAccumulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.function.signature().name)
    }
}

impl Accumulator for StateAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.with_state(|function, state| {
            let inputs = read_arrays(function.signature(), values)?;
            match inputs.rows {
                0 => Ok(()),
                rows => function.update(state, &inputs, Rows::All(rows)),
            }
        })
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.with_state(|function, state| {
            function.settle(state);
            scalar_value(function.signature(), function.finish(state)?)
        })
    }

    fn size(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        size_of_val(self) + self.function.size(&state)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let saved = self.with_state(|function, state| {
            let saved = function.save(state)?;
            // Asked for once: from here on the bytes are the state.
            *state = function.start();
            Ok(saved)
        })?;
        Ok(vec![ScalarValue::LargeBinary(Some(saved))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.with_state(|function, state| {
            for saved in states {
                for row in 0..saved.len() {
                    let name = function.signature().name;
                    if let Some(bytes) = state_bytes(name, saved, row)? {
                        function.merge(state, &function.load(bytes)?)?;
                    }
                }
            }
            Ok(())
        })
    }
}
