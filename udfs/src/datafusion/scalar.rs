//! Scalar functions.

use std::fmt;
use std::hash::{Hash, Hasher};

use arrow::array::{ArrayRef, new_empty_array};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::datafusion::array_reader::{Source, read};
use crate::datafusion::{array_writer, contain, execution, planning, types};
use crate::definition::{Category, Scalar};
use crate::error::Error;

/// A scalar function of the catalogue.
pub struct ScalarFunction {
    function: &'static dyn Scalar,
    aliases: Vec<String>,
    signature: Signature,
}

impl ScalarFunction {
    pub fn new(function: &'static dyn Scalar) -> Self {
        let definition = function.signature();
        // Functions that exist to raise errors must run where they stand: they
        // must not be folded at planning time or be evaluated early.
        let volatility = match definition.category {
            Category::Internal => Volatility::Volatile,
            _ => Volatility::Immutable,
        };
        Self {
            function,
            aliases: definition.aliases.iter().map(ToString::to_string).collect(),
            signature: Signature::user_defined(volatility),
        }
    }

    fn call(&self, arguments: &[(ArrayRef, bool)], rows: usize) -> crate::Result<ArrayRef> {
        let definition = self.function.signature();
        let sources = arguments.iter().map(|(array, constant)| Source {
            array: array.as_ref(),
            constant: *constant,
        });
        let inputs = read(definition, sources, rows)?;
        let column = self.function.call(&inputs)?;
        if column.len() != rows {
            return Err(Error::internal(
                definition.name,
                format!("{} values were returned for {rows} rows", column.len()),
            ));
        }
        array_writer::column_array(definition.name, definition.returns, column)
    }
}

impl fmt::Debug for ScalarFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.function.signature().name)
    }
}

impl PartialEq for ScalarFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for ScalarFunction {}

impl Hash for ScalarFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl ScalarUDFImpl for ScalarFunction {
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

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let definition = self.function.signature();
        if args.number_rows == 0 {
            let kind = types::data_type(definition.returns);
            return Ok(ColumnarValue::Array(new_empty_array(&kind)));
        }
        // A constant stays one value: a model is not copied for every row.
        let arguments = args
            .args
            .iter()
            .map(|argument| match argument {
                ColumnarValue::Array(array) => Ok((ArrayRef::clone(array), false)),
                ColumnarValue::Scalar(value) => Ok((value.to_array()?, true)),
            })
            .collect::<Result<Vec<_>>>()?;
        let constant = arguments.iter().all(|(_, constant)| *constant);
        let rows = if constant { 1 } else { args.number_rows };
        let array = contain(definition.name, || self.call(&arguments, rows)).map_err(execution)?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &array, 0,
            )?));
        }
        Ok(ColumnarValue::Array(array))
    }
}
