//! What a kernel sees of its arguments: columns as slices, whichever engine
//! they came from.
//!
//! Missing has one meaning everywhere: a NULL, or a NaN in a floating column.
//! Infinity is not missing; the functions that cannot work with it say so.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::error::{Error, Result};

/// A numeric column as doubles. Integers, decimals, float32 and booleans
/// (0 and 1) were converted by the adapter; doubles are borrowed.
#[derive(Debug, Clone)]
pub struct Numbers<'a> {
    values: Cow<'a, [f64]>,
    /// Bit `i % 64` of word `i / 64` is 1 where row `i` is not NULL. `None`:
    /// no NULL. Values under a 0 are arbitrary.
    valid: Option<Cow<'a, [u64]>>,
}

impl<'a> Numbers<'a> {
    /// `valid`, if any, covers at least `values.len()` bits, 1 for not NULL.
    pub fn new(values: impl Into<Cow<'a, [f64]>>, valid: Option<Cow<'a, [u64]>>) -> Self {
        Self {
            values: values.into(),
            valid,
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All values; those of NULL rows are arbitrary.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The validity words, if any row may be NULL.
    pub fn valid(&self) -> Option<&[u64]> {
        self.valid.as_deref()
    }

    /// The value of a row; `None` where it is missing (NULL or NaN).
    #[inline]
    pub fn get(&self, row: usize) -> Option<f64> {
        let value = self.values[row];
        let valid = match &self.valid {
            Some(words) => words[row / 64] >> (row % 64) & 1 == 1,
            None => true,
        };
        (valid && !value.is_nan()).then_some(value)
    }

    /// Appends a range of rows to `out`, a NaN where a value is missing.
    pub fn copy_range(&self, start: usize, count: usize, out: &mut Vec<f64>) {
        let copied = out.len();
        out.extend_from_slice(&self.values[start..start + count]);
        let Some(words) = &self.valid else {
            return;
        };
        let mut row = start;
        while row < start + count {
            let until = ((row / 64 + 1) * 64).min(start + count);
            let mut absent = !words[row / 64] >> (row % 64);
            while absent != 0 {
                let missing = row + absent.trailing_zeros() as usize;
                if missing >= until {
                    break;
                }
                out[copied + missing - start] = f64::NAN;
                absent &= absent - 1;
            }
            row = until;
        }
    }

    /// Copies the given rows to `out`, a NaN where a value is missing.
    pub fn copy_rows(&self, rows: Rows<'_>, out: &mut Vec<f64>) {
        match (rows, &self.valid) {
            (Rows::All(n), _) => self.copy_range(0, n, out),
            (Rows::Some(rows), None) => {
                out.extend(rows.iter().map(|&row| self.values[row as usize]));
            }
            (rows, Some(_)) => {
                out.extend(rows.iter().map(|row| self.get(row).unwrap_or(f64::NAN)));
            }
        }
    }
}

/// One field of a feature struct.
#[derive(Debug, Clone)]
pub struct Feature<'a> {
    /// The field's name, as the caller wrote it.
    pub name: Cow<'a, str>,
    /// The engine's name of its type, for messages.
    pub type_name: Cow<'a, str>,
    /// `None` where the type is not numeric.
    pub numbers: Option<Numbers<'a>>,
    /// A text per row, `None` for NULL, where the type is text.
    pub texts: Option<Vec<Option<&'a str>>>,
}

/// A column of times.
#[derive(Debug, Clone)]
pub struct Moments<'a> {
    /// Seconds since 1970 of dates and timestamps; numbers as they are.
    pub numbers: Numbers<'a>,
    /// Whether it holds dates or timestamps.
    pub calendar: bool,
}

/// A STRUCT argument: the features of a row, by name. A NULL struct is a row
/// whose every feature is NULL (the adapter sees to it).
#[derive(Debug, Clone)]
pub struct Features<'a> {
    /// The fields in the order of the struct.
    pub fields: Vec<Feature<'a>>,
}

impl<'a> Features<'a> {
    /// Every field as numbers.
    ///
    /// # Errors
    /// Names the first field that is not numeric.
    pub fn numeric(&self, function: &str) -> Result<Vec<&Numbers<'a>>> {
        self.fields
            .iter()
            .map(|field| {
                field.numbers.as_ref().ok_or_else(|| {
                    Error::data(
                        function,
                        format!(
                            "feature '{}' is {}, not numeric; cast it or leave it out of the struct",
                            field.name, field.type_name
                        ),
                    )
                })
            })
            .collect()
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| &*field.name)
    }
}

/// Reads the options (a STRUCT or JSON text) of a row, converted only when
/// asked for: they are constant, so a kernel asks once.
pub trait OptionsColumn {
    /// The options of a row as a JSON object, or JSON null.
    fn read(&self, row: usize) -> Result<Json>;
}

/// One argument, for all rows of a batch.
pub enum Input<'a> {
    /// `Kind::Number`.
    Numbers(Numbers<'a>),
    /// `Kind::Moment`.
    Moments(Moments<'a>),
    /// `Kind::Features`.
    Features(Features<'a>),
    /// `Kind::Text` and `Kind::Blob`, a slice per row, `None` for NULL.
    Bytes(Vec<Option<&'a [u8]>>),
    /// `Kind::Options`.
    Options(Box<dyn OptionsColumn + 'a>),
}

/// The arguments of a call for a batch of rows. Trailing arguments that have a
/// default may be absent.
pub struct Inputs<'a> {
    /// The number of rows of every column.
    pub rows: usize,
    /// One per argument that was passed, in order.
    pub columns: Vec<Input<'a>>,
}

impl<'a> Inputs<'a> {
    /// The numbers of argument `i`.
    pub fn numbers(&self, i: usize) -> Result<&Numbers<'a>> {
        match self.columns.get(i) {
            Some(Input::Numbers(numbers)) => Ok(numbers),
            _ => Err(misplaced(i, "numbers")),
        }
    }

    /// The numbers of argument `i`; `None` if it was not passed.
    pub fn numbers_if_passed(&self, i: usize) -> Result<Option<&Numbers<'a>>> {
        self.columns.get(i).map(|_| self.numbers(i)).transpose()
    }

    /// The times of argument `i`.
    pub fn moments(&self, i: usize) -> Result<&Moments<'a>> {
        match self.columns.get(i) {
            Some(Input::Moments(moments)) => Ok(moments),
            _ => Err(misplaced(i, "times")),
        }
    }

    /// The times of argument `i`; `None` if it was not passed.
    pub fn moments_if_passed(&self, i: usize) -> Result<Option<&Moments<'a>>> {
        self.columns.get(i).map(|_| self.moments(i)).transpose()
    }

    /// The features of argument `i`.
    pub fn features(&self, i: usize) -> Result<&Features<'a>> {
        match self.columns.get(i) {
            Some(Input::Features(features)) => Ok(features),
            _ => Err(misplaced(i, "a struct of features")),
        }
    }

    /// The text or blob of argument `i`.
    pub fn bytes(&self, i: usize) -> Result<&[Option<&'a [u8]>]> {
        match self.columns.get(i) {
            Some(Input::Bytes(bytes)) => Ok(bytes),
            _ => Err(misplaced(i, "text or a blob")),
        }
    }

    /// The options of argument `i` at `row`; JSON null if the argument is absent.
    pub fn options(&self, i: usize, row: usize) -> Result<Json> {
        match self.columns.get(i) {
            None => Ok(Json::Null),
            Some(Input::Options(options)) => options.read(row),
            Some(_) => Err(misplaced(i, "options")),
        }
    }
}

fn misplaced(i: usize, expected: &str) -> Error {
    Error::internal(
        "input",
        format!("argument {i} was expected to be {expected}"),
    )
}

/// Which rows of a batch belong to the state that is being updated.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// The first `n` rows, which is all of them.
    All(usize),
    /// These rows, in ascending order.
    Some(&'a [u32]),
}

impl<'a> Rows<'a> {
    /// How many rows.
    pub fn len(self) -> usize {
        match self {
            Self::All(n) => n,
            Self::Some(rows) => rows.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The first row, if any.
    pub fn first(self) -> Option<usize> {
        match self {
            Self::All(n) => (n > 0).then_some(0),
            Self::Some(rows) => rows.first().map(|&row| row as usize),
        }
    }

    /// The row numbers in order.
    pub fn iter(self) -> impl Iterator<Item = usize> + 'a {
        let (range, some) = match self {
            Self::All(n) => (0..n, &[][..]),
            Self::Some(rows) => (0..0, rows),
        };
        range.chain(some.iter().map(|&row| row as usize))
    }
}
