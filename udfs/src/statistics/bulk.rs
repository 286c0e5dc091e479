//! Long columns of numbers as bytes: a state that travels between the phases of
//! a query is written and read at the speed of memory, not value by value.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of fixed width.
pub trait Fixed: Copy {
    /// Its bytes, the least significant first.
    type Bytes: AsRef<[u8]> + for<'a> TryFrom<&'a [u8]>;

    /// To bytes.
    fn bytes(self) -> Self::Bytes;

    /// From bytes.
    fn from(bytes: Self::Bytes) -> Self;
}

macro_rules! fixed {
    ($($number:ty),*) => {$(
        impl Fixed for $number {
            type Bytes = [u8; size_of::<$number>()];

            fn bytes(self) -> Self::Bytes {
                self.to_le_bytes()
            }

            fn from(bytes: Self::Bytes) -> Self {
                Self::from_le_bytes(bytes)
            }
        }
    )*};
}

fixed!(f64, f32, u32);

/// For `#[serde(with = "bulk")]` on a column.
pub fn serialize<T: Fixed, S: Serializer>(column: &[T], to: S) -> Result<S::Ok, S::Error> {
    let width = size_of::<T>();
    let mut bytes = vec![0; size_of_val(column)];
    for (out, value) in bytes.chunks_exact_mut(width).zip(column) {
        out.copy_from_slice(value.bytes().as_ref());
    }
    to.serialize_bytes(&bytes)
}

/// See [`serialize`].
pub fn deserialize<'d, T: Fixed, D: Deserializer<'d>>(from: D) -> Result<Vec<T>, D::Error> {
    struct Bytes<T>(PhantomData<T>);

    impl<T: Fixed> Visitor<'_> for Bytes<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "numbers of {} bytes", size_of::<T>())
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<T>, E> {
            let width = size_of::<T>();
            if !bytes.len().is_multiple_of(width) {
                return Err(E::invalid_length(bytes.len(), &self));
            }
            let number = |bytes| T::Bytes::try_from(bytes).ok().map(T::from);
            Ok(bytes.chunks_exact(width).filter_map(number).collect())
        }
    }

    from.deserialize_bytes(Bytes(PhantomData))
}

/// For `#[serde(with = "bulk::columns")]` on several columns.
pub mod columns {
    use super::{
        Deserialize, Deserializer, Fixed, PhantomData, SeqAccess, Serialize, SerializeSeq,
    };
    use super::{Serializer, Visitor, fmt};

    struct Column<C>(C);

    impl<T: Fixed> Serialize for Column<&[T]> {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            super::serialize(self.0, to)
        }
    }

    impl<'d, T: Fixed> Deserialize<'d> for Column<Vec<T>> {
        fn deserialize<D: Deserializer<'d>>(from: D) -> Result<Self, D::Error> {
            super::deserialize(from).map(Self)
        }
    }

    /// See [`super::serialize`].
    pub fn serialize<T: Fixed, S: Serializer>(
        columns: &[Vec<T>],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let mut sequence = to.serialize_seq(Some(columns.len()))?;
        for column in columns {
            sequence.serialize_element(&Column(column.as_slice()))?;
        }
        sequence.end()
    }

    /// See [`serialize`].
    pub fn deserialize<'d, T: Fixed, D: Deserializer<'d>>(
        from: D,
    ) -> Result<Vec<Vec<T>>, D::Error> {
        struct Columns<T>(PhantomData<T>);

        impl<'d, T: Fixed> Visitor<'d> for Columns<T> {
            type Value = Vec<Vec<T>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "columns of numbers")
            }

            fn visit_seq<A: SeqAccess<'d>>(self, mut columns: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(Column(column)) = columns.next_element()? {
                    all.push(column);
                }
                Ok(all)
            }
        }

        from.deserialize_seq(Columns(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct State {
        #[serde(with = "super")]
        doubles: Vec<f64>,
        #[serde(with = "super")]
        codes: Vec<u32>,
        #[serde(with = "super::columns")]
        columns: Vec<Vec<f64>>,
    }

    #[test]
    fn columns_come_back() {
        let state = State {
            doubles: vec![1.5, f64::INFINITY, -0.0],
            codes: vec![u32::MAX, 7],
            columns: vec![vec![], vec![f64::MIN_POSITIVE, 2.0]],
        };
        let bytes = postcard::to_allocvec(&state).unwrap();
        assert_eq!(bytes.len(), 1 + 24 + 1 + 8 + 1 + 1 + 1 + 16);
        assert_eq!(postcard::from_bytes::<State>(&bytes).unwrap(), state);
        let nan = State {
            doubles: vec![f64::NAN],
            ..state
        };
        let bytes = postcard::to_allocvec(&nan).unwrap();
        assert!(postcard::from_bytes::<State>(&bytes).unwrap().doubles[0].is_nan());
    }

    #[test]
    fn bytes_that_are_no_whole_numbers_are_an_error() {
        #[derive(Serialize)]
        struct Cut {
            #[serde(with = "super")]
            doubles: Vec<u32>,
        }
        #[derive(Debug, Deserialize)]
        struct Whole {
            #[serde(with = "super")]
            #[allow(dead_code)]
            doubles: Vec<f64>,
        }
        let bytes = postcard::to_allocvec(&Cut { doubles: vec![1] }).unwrap();
        assert!(postcard::from_bytes::<Whole>(&bytes).is_err());
    }
}
