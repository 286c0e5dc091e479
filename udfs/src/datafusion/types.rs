//! Which Arrow types an argument accepts, and which a function returns.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};

use crate::definition::{Argument, Kind, Signature};
use crate::error::{Error, Result};
use crate::value::Type;

/// The Arrow type of a return type.
pub fn data_type(kind: Type) -> DataType {
    match kind {
        Type::Double => DataType::Float64,
        Type::Integer => DataType::Int64,
        Type::Boolean => DataType::Boolean,
        Type::Text => DataType::Utf8,
        Type::Blob => DataType::Binary,
        Type::Struct(list) => DataType::Struct(fields(list)),
        Type::Rows(list) => DataType::List(item(list)),
    }
}

/// The Arrow fields of a struct.
pub fn fields(list: &[(&str, Type)]) -> Fields {
    list.iter()
        .map(|(name, kind)| Field::new(*name, data_type(*kind), true))
        .collect()
}

/// The Arrow field of the structs in a list.
pub fn item(list: &[(&str, Type)]) -> Arc<Field> {
    Arc::new(Field::new_list_field(DataType::Struct(fields(list)), true))
}

/// Whether values of the type convert to doubles.
pub fn is_number(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_number(values),
        DataType::RunEndEncoded(_, values) => is_number(values.data_type()),
        plain => plain.is_numeric() || *plain == DataType::Boolean,
    }
}

/// Whether values of the type are dates or timestamps.
fn is_moment(data_type: &DataType) -> bool {
    use DataType::{Date32, Date64, Timestamp};
    matches!(data_type, Date32 | Date64 | Timestamp(..))
}

fn is_text(data_type: &DataType) -> bool {
    use DataType::{LargeUtf8, Utf8, Utf8View};
    matches!(data_type, Utf8 | LargeUtf8 | Utf8View)
}

fn is_blob(data_type: &DataType) -> bool {
    use DataType::{Binary, BinaryView, LargeBinary};
    matches!(data_type, Binary | LargeBinary | BinaryView)
}

/// The name of a type in SQL, for messages that read alike in both engines.
pub fn sql_name(data_type: &DataType) -> Cow<'static, str> {
    let name = match data_type {
        DataType::Null => "NULL",
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INTEGER",
        DataType::Int64 => "BIGINT",
        DataType::UInt8 => "UTINYINT",
        DataType::UInt16 => "USMALLINT",
        DataType::UInt32 => "UINTEGER",
        DataType::UInt64 => "UBIGINT",
        DataType::Float16 | DataType::Float32 => "FLOAT",
        DataType::Float64 => "DOUBLE",
        DataType::Date32 | DataType::Date64 => "DATE",
        DataType::Time32(_) | DataType::Time64(_) => "TIME",
        DataType::Timestamp(_, None) => "TIMESTAMP",
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP WITH TIME ZONE",
        DataType::Interval(_) | DataType::Duration(_) => "INTERVAL",
        DataType::FixedSizeBinary(_) => "BLOB",
        text if is_text(text) => "VARCHAR",
        blob if is_blob(blob) => "BLOB",
        DataType::Decimal32(digits, scale)
        | DataType::Decimal64(digits, scale)
        | DataType::Decimal128(digits, scale)
        | DataType::Decimal256(digits, scale) => {
            return format!("DECIMAL({digits},{scale})").into();
        }
        DataType::Dictionary(_, values) => return sql_name(values),
        DataType::RunEndEncoded(_, values) => return sql_name(values.data_type()),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => {
            return format!("{}[]", sql_name(item.data_type())).into();
        }
        DataType::FixedSizeList(item, length) => {
            return format!("{}[{length}]", sql_name(item.data_type())).into();
        }
        DataType::Struct(fields) => {
            let field =
                |field: &Arc<Field>| format!("{} {}", field.name(), sql_name(field.data_type()));
            let fields: Vec<String> = fields.iter().map(field).collect();
            return format!("STRUCT({})", fields.join(", ")).into();
        }
        other => return other.to_string().into(),
    };
    Cow::Borrowed(name)
}

/// The types that DataFusion shall cast the arguments to. Types that do not
/// fit are left as they are, for [`check`] to report: an error of a coercion
/// is wrapped in words of the planner.
pub fn coerce(signature: &Signature, given: &[DataType]) -> Vec<DataType> {
    given
        .iter()
        .enumerate()
        .map(|(i, given)| match signature.arguments.get(i) {
            Some(argument) => coerce_one(argument.kind, given),
            None => given.clone(),
        })
        .collect()
}

fn coerce_one(kind: Kind, given: &DataType) -> DataType {
    match (kind, given) {
        (Kind::Number | Kind::Moment, DataType::Null) => DataType::Float64,
        (Kind::Text | Kind::Options, DataType::Null) => DataType::Utf8,
        // A view, because a constant may be repeated for every row, by an aggregate or on
        // the way to another library: views repeat a pointer, not megabytes of trees.
        (Kind::Blob, DataType::Null | DataType::FixedSizeBinary(_)) => DataType::BinaryView,
        (Kind::Blob, blob) if is_blob(blob) => DataType::BinaryView,
        (Kind::Text | Kind::Options, DataType::Dictionary(_, values)) if is_text(values) => {
            values.as_ref().clone()
        }
        (Kind::Blob, DataType::Dictionary(_, values)) if is_blob(values) => DataType::BinaryView,
        _ => given.clone(),
    }
}

/// Checks the number and the types of the arguments.
///
/// # Errors
/// Names the function, the argument, its type and what to pass instead.
pub fn check(signature: &Signature, given: &[DataType]) -> Result<()> {
    if given.len() < signature.required() || given.len() > signature.arguments.len() {
        let count = match given.len() {
            0 => "no argument was".to_owned(),
            1 => "1 argument was".to_owned(),
            n => format!("{n} arguments were"),
        };
        return Err(Error::data(
            signature.name,
            format!("{count} passed; call it as {}", usage(signature)),
        ));
    }
    signature
        .arguments
        .iter()
        .zip(given)
        .try_for_each(|(argument, given)| check_one(signature.name, argument, given))
}

fn check_one(function: &str, argument: &Argument, given: &DataType) -> Result<()> {
    let is_struct = matches!(given, DataType::Struct(_));
    let name = argument.name;
    let (fits, fix) = match argument.kind {
        Kind::Number => (
            is_number(given),
            format!("pass a numeric column, or cast it: CAST({name} AS DOUBLE)"),
        ),
        Kind::Moment => (
            is_number(given) || is_moment(given),
            "pass a date, a timestamp or a number".to_owned(),
        ),
        Kind::Features => (
            is_struct || *given == DataType::Null,
            "pass a struct of features, such as {'a': a, 'b': b}".to_owned(),
        ),
        Kind::Options => (
            is_struct || is_text(given),
            "pass a struct such as {'key': value}, or JSON text of an object".to_owned(),
        ),
        Kind::Blob => (
            is_blob(given),
            "pass a model as fit returns it, a BLOB".to_owned(),
        ),
        Kind::Text => (
            is_text(given),
            format!("pass text, or cast it: CAST({name} AS VARCHAR)"),
        ),
        _ => {
            return Err(Error::internal(
                function,
                format!("argument '{name}' is of a kind that only table functions have"),
            ));
        }
    };
    if fits {
        return Ok(());
    }
    Err(Error::argument(
        function,
        name,
        format!("of type {}", sql_name(given)),
        fix,
    ))
}

/// How the function is called, for messages.
pub fn usage(signature: &Signature) -> String {
    let mut text = format!("{}(", signature.name);
    for (i, argument) in signature.arguments.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}{} {}", argument.name, argument.kind.name());
        if let Some(default) = argument.default {
            let _ = write!(text, " = {default}");
        }
    }
    text.push(')');
    text
}
