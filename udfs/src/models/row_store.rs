//! The rows of a fit, kept whole for algorithms that look at all of them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::input::{Feature, Numbers, Rows};
use crate::models::infinite_feature;
use crate::models::training::NO_CATEGORY;
use crate::statistics::bulk;

/// Rows in the order of arrival: 8 bytes per number (4 in single precision) and per
/// value of the target, the weight and the time, 4 per text and 1 per mark of
/// validation, as far as they were passed. A merge shares the rows of the other store and copies none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RowStore {
    /// The rows of each state that was merged; those of this one are the last.
    #[serde(with = "shared")]
    parts: Vec<Arc<Part>>,
    /// Whether the last part is still added to.
    open: bool,
    /// Whether numbers are kept in single precision.
    single: bool,
}

/// What one state has seen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Part {
    rows: usize,
    #[serde(with = "bulk")]
    target: Vec<f64>,
    #[serde(with = "bulk")]
    weights: Vec<f64>,
    #[serde(with = "bulk")]
    times: Vec<f64>,
    validation: Vec<bool>,
    columns: Vec<Values>,
}

/// A feature's values.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Values {
    /// NaN where missing.
    Numbers(#[serde(with = "bulk")] Vec<f64>),
    /// The same in single precision.
    Singles(#[serde(with = "bulk")] Vec<f32>),
    Texts(Texts),
}

impl Default for Values {
    fn default() -> Self {
        Self::Numbers(Vec::new())
    }
}

impl Values {
    /// Adds the values of others: columns of the same feature, so of the same type.
    fn append(&mut self, more: usize, others: impl Iterator<Item = Self>) {
        match self {
            Self::Numbers(numbers) => numbers.reserve_exact(more),
            Self::Singles(singles) => singles.reserve_exact(more),
            Self::Texts(texts) => texts.codes.reserve_exact(more),
        }
        for other in others {
            match (&mut *self, other) {
                (Self::Numbers(numbers), Self::Numbers(other)) => numbers.extend(other),
                (Self::Singles(singles), Self::Singles(other)) => singles.extend(other),
                (Self::Texts(texts), Self::Texts(other)) => texts.append(&other),
                _ => {}
            }
        }
    }

    fn numbers(&self) -> Option<&[f64]> {
        match self {
            Self::Numbers(numbers) => Some(numbers),
            _ => None,
        }
    }

    fn singles(&self) -> Option<&[f32]> {
        match self {
            Self::Singles(singles) => Some(singles),
            _ => None,
        }
    }

    fn texts(&self) -> Option<&Texts> {
        match self {
            Self::Texts(texts) => Some(texts),
            _ => None,
        }
    }
}

/// Texts as numbers of the distinct ones, in the order of their first arrival.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Texts {
    #[serde(with = "bulk")]
    codes: Vec<u32>,
    names: Vec<String>,
    #[serde(skip)]
    known: HashMap<String, u32>,
}

impl Texts {
    fn append(&mut self, other: &Self) {
        let own: Vec<u32> = other.names.iter().map(|name| self.code(name)).collect();
        let coded = |code: &u32| own.get(*code as usize).copied();
        let codes = other.codes.iter();
        self.codes
            .extend(codes.map(|code| coded(code).unwrap_or(NO_CATEGORY)));
    }

    fn code(&mut self, text: &str) -> u32 {
        if self.known.len() < self.names.len() {
            let numbered = self.names.iter().cloned().zip(0..);
            self.known = numbered.collect();
        }
        if let Some(code) = self.known.get(text) {
            return *code;
        }
        let code = self.names.len() as u32;
        self.names.push(text.to_owned());
        self.known.insert(text.to_owned(), code);
        code
    }
}

/// The arguments of a batch beside the features.
pub struct Beside<'a> {
    /// What is predicted; present in the chosen rows.
    pub target: &'a Numbers<'a>,
    /// NULL counts as 1.
    pub weights: Option<&'a Numbers<'a>>,
    /// NaN where missing.
    pub times: Option<&'a Numbers<'a>>,
    /// Other than 0: judges and does not train.
    pub validation: Option<&'a Numbers<'a>>,
}

/// A whole column.
pub enum Whole<'a> {
    /// NaN where missing.
    Numbers(Cow<'a, [f64]>),
    /// The same in single precision.
    Singles(Cow<'a, [f32]>),
    /// [`NO_CATEGORY`] where missing; categories ascending.
    Categories {
        /// A code per row.
        codes: Vec<u32>,
        /// The category of each code.
        names: Vec<String>,
    },
}

impl RowStore {
    /// Of no rows; whether numbers are kept in single precision.
    pub fn new(single: bool) -> Self {
        Self {
            single,
            ..Self::default()
        }
    }

    /// Adds rows; text features become categories.
    ///
    /// # Errors
    /// The first feature with an infinity in these rows.
    pub fn update(
        &mut self,
        function: &str,
        beside: &Beside<'_>,
        features: &[&Feature<'_>],
        rows: Rows<'_>,
    ) -> Result<()> {
        if !self.open {
            self.parts.push(Arc::default());
            self.open = true;
        }
        let Some(own) = self.parts.last_mut() else {
            return Ok(());
        };
        // Copies only if a merge has shared the rows since.
        let own = Arc::make_mut(own);
        if own.columns.is_empty() {
            let single = self.single;
            let empty = |feature: &&Feature<'_>| match feature.numbers {
                Some(_) if single => Values::Singles(Vec::new()),
                Some(_) => Values::Numbers(Vec::new()),
                None => Values::Texts(Texts::default()),
            };
            own.columns = features.iter().map(empty).collect();
        }
        for (values, feature) in own.columns.iter_mut().zip(features) {
            match values {
                Values::Numbers(kept) => {
                    let before = kept.len();
                    match &feature.numbers {
                        Some(numbers) => numbers.copy_rows(rows, kept),
                        None => kept.extend(std::iter::repeat_n(f64::NAN, rows.len())),
                    }
                    if kept[before..].iter().any(|value| value.is_infinite()) {
                        return Err(infinite_feature(function, &feature.name));
                    }
                }
                Values::Singles(kept) => {
                    let before = kept.len();
                    match &feature.numbers {
                        Some(numbers) => kept
                            .extend(rows.iter().map(|row| {
                                numbers.get(row).map_or(f32::NAN, |value| value as f32)
                            })),
                        None => kept.extend(std::iter::repeat_n(f32::NAN, rows.len())),
                    }
                    if kept[before..].iter().any(|value| value.is_infinite()) {
                        return Err(beyond_single(function, &feature.name));
                    }
                }
                Values::Texts(kept) => {
                    let texts = feature.texts.as_deref().unwrap_or_default();
                    for row in rows.iter() {
                        let code = match texts.get(row).copied().flatten() {
                            Some(text) => kept.code(text),
                            None => NO_CATEGORY,
                        };
                        kept.codes.push(code);
                    }
                }
            }
        }
        own.rows += rows.len();
        beside.target.copy_rows(rows, &mut own.target);
        if let Some(weights) = beside.weights {
            let weights = rows.iter().map(|row| weights.get(row).unwrap_or(1.0));
            own.weights.extend(weights);
        }
        if let Some(times) = beside.times {
            times.copy_rows(rows, &mut own.times);
        }
        if let Some(validation) = beside.validation {
            let judges = |row| validation.get(row).is_some_and(|value| value != 0.0);
            own.validation.extend(rows.iter().map(judges));
        }
        Ok(())
    }

    /// Adds the rows of another store of the same features.
    pub fn merge(&mut self, other: &Self) {
        self.single |= other.single;
        let end = self.parts.len() - usize::from(self.open);
        self.parts.splice(end..end, other.parts.iter().cloned());
    }

    /// Makes one part of all, feature by feature, so that a column of all rows is no
    /// second copy. Parts that another store shares stay apart.
    pub fn settle(&mut self) {
        let whole = self.parts().count() < 2;
        if whole
            || self
                .parts
                .iter_mut()
                .any(|part| Arc::get_mut(part).is_none())
        {
            return;
        }
        let parts = std::mem::take(&mut self.parts).into_iter();
        let mut parts = parts
            .filter_map(Arc::into_inner)
            .filter(|part| part.rows > 0);
        let Some(mut all) = parts.next() else {
            return;
        };
        let others: Vec<Part> = parts.collect();
        all.append(others);
        self.parts.push(Arc::new(all));
        self.open = false;
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        let parts = self.parts.iter().map(Arc::as_ref);
        parts.filter(|part| part.rows > 0)
    }

    /// The target of all rows.
    pub fn target(&self) -> Cow<'_, [f64]> {
        joined(self.parts().map(|part| part.target.as_slice()))
    }

    /// The weights of all rows, if they were passed.
    pub fn weights(&self) -> Option<Cow<'_, [f64]>> {
        self.if_passed(joined(self.parts().map(|part| part.weights.as_slice())))
    }

    /// The times of all rows, if they were passed.
    pub fn times(&self) -> Option<Cow<'_, [f64]>> {
        self.if_passed(joined(self.parts().map(|part| part.times.as_slice())))
    }

    /// Which rows judge, if that was passed.
    pub fn validation(&self) -> Option<Cow<'_, [bool]>> {
        self.if_passed(joined(self.parts().map(|part| part.validation.as_slice())))
    }

    fn if_passed<'a, T: Clone>(&self, column: Cow<'a, [T]>) -> Option<Cow<'a, [T]>> {
        let rows: usize = self.parts().map(|part| part.rows).sum();
        (rows > 0 && column.len() == rows).then_some(column)
    }

    /// The column of a feature.
    pub fn column(&self, feature: usize) -> Whole<'_> {
        let parts = || self.parts().map(|part| &part.columns[feature]);
        if self.single && parts().any(|values| values.singles().is_some()) {
            return Whole::Singles(joined(parts().filter_map(Values::singles)));
        }
        if parts().any(|values| values.texts().is_none()) {
            return Whole::Numbers(joined(parts().filter_map(Values::numbers)));
        }
        let mut names: Vec<String> = parts()
            .filter_map(Values::texts)
            .flat_map(|texts| texts.names.iter().cloned())
            .collect();
        names.sort_unstable();
        names.dedup();
        let mut codes = Vec::new();
        for part in parts().filter_map(Values::texts) {
            let place = |name: &String| names.binary_search(name).unwrap_or_default() as u32;
            let places: Vec<u32> = part.names.iter().map(place).collect();
            let placed = |code: &u32| places.get(*code as usize).copied();
            codes.extend(part.codes.iter().map(|c| placed(c).unwrap_or(NO_CATEGORY)));
        }
        Whole::Categories { codes, names }
    }

    /// Bytes held, about.
    pub fn size(&self) -> usize {
        self.parts().map(Part::size).sum()
    }
}

impl Part {
    /// Adds the rows of others, each of whose columns is gone before the next one is
    /// looked at.
    fn append(&mut self, mut others: Vec<Self>) {
        let more: usize = others.iter().map(|part| part.rows).sum();
        self.rows += more;
        for feature in 0..self.columns.len() {
            let columns = others
                .iter_mut()
                .map(|part| std::mem::take(&mut part.columns[feature]));
            self.columns[feature].append(more, columns);
        }
        for other in others {
            self.target.extend(other.target);
            self.weights.extend(other.weights);
            self.times.extend(other.times);
            self.validation.extend(other.validation);
        }
    }

    fn size(&self) -> usize {
        let doubles = [&self.target, &self.weights, &self.times];
        let values = |values: &Values| match values {
            Values::Numbers(numbers) => numbers.capacity() * size_of::<f64>(),
            Values::Singles(singles) => singles.capacity() * size_of::<f32>(),
            Values::Texts(texts) => texts.codes.capacity() * size_of::<u32>(),
        };
        doubles
            .map(|column| column.capacity() * size_of::<f64>())
            .iter()
            .sum::<usize>()
            + self.validation.capacity()
            + self.columns.iter().map(values).sum::<usize>()
    }
}

fn beyond_single(function: &str, name: &str) -> Error {
    let message = format!(
        "feature '{name}' holds a value that is infinite or beyond single precision (3.4e38); filter or replace it (NULL \
         is missing), or leave out the option 'precision'"
    );
    Error::data(function, message)
}

/// The slices after one another; a single one is borrowed.
fn joined<'a, T: Clone>(mut parts: impl Iterator<Item = &'a [T]>) -> Cow<'a, [T]> {
    let Some(first) = parts.next() else {
        return Cow::Borrowed(&[]);
    };
    let Some(second) = parts.next() else {
        return Cow::Borrowed(first);
    };
    let mut all = [first, second].concat();
    for part in parts {
        all.extend_from_slice(part);
    }
    Cow::Owned(all)
}

/// Shared parts are saved as the parts themselves.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::Part;

    pub fn serialize<S: Serializer>(parts: &[Arc<Part>], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(parts.iter().map(Arc::as_ref))
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Vec<Arc<Part>>, D::Error> {
        let parts = Vec::<Part>::deserialize(from)?;
        Ok(parts.into_iter().map(Arc::new).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Beside, RowStore, Whole};
    use crate::input::{Feature, Numbers, Rows};
    use crate::models::training::NO_CATEGORY;

    fn store(target: &[f64], texts: &[Option<&str>]) -> RowStore {
        let mut store = RowStore::default();
        let target_numbers = Numbers::new(target, None);
        let beside = Beside {
            target: &target_numbers,
            weights: None,
            times: Some(&target_numbers),
            validation: None,
        };
        let number = Feature {
            name: "n".into(),
            type_name: "DOUBLE".into(),
            numbers: Some(Numbers::new(target, None)),
            texts: None,
        };
        let text = Feature {
            name: "t".into(),
            type_name: "VARCHAR".into(),
            numbers: None,
            texts: Some(texts.to_vec()),
        };
        let rows = Rows::All(target.len());
        store
            .update("fit", &beside, &[&number, &text], rows)
            .unwrap();
        store
    }

    #[test]
    fn merged_texts_share_one_order_of_categories() {
        let mut first = store(&[1.0, 2.0], &[Some("z"), None]);
        first.merge(&store(&[3.0, 4.0], &[Some("a"), Some("z")]));
        let bytes = postcard::to_allocvec(&first).unwrap();
        let mut store: RowStore = postcard::from_bytes(&bytes).unwrap();
        store.merge(&self::store(&[5.0], &[Some("m")]));
        assert_eq!(store.target().len(), 5);
        assert!(store.weights().is_none() && store.times().is_some());
        let shared = store.clone();
        let rows = rows_of(&store);
        for row in [(1.0, 2), (2.0, NO_CATEGORY), (3.0, 0), (4.0, 2), (5.0, 1)] {
            assert!(rows.contains(&row), "{row:?} {rows:?}");
        }
        // Parts that are shared are not touched, one's own become one.
        store.settle();
        assert_eq!(store.parts().count(), 3);
        drop(shared);
        store.settle();
        assert_eq!(store.parts().count(), 1);
        assert_eq!(rows_of(&store), rows);
        assert!(store.weights().is_none() && store.times() == Some(store.target()));
        let Whole::Numbers(numbers) = store.column(0) else {
            panic!("a column of numbers");
        };
        assert_eq!(numbers, store.target());
        // It goes on.
        store.merge(&self::store(&[6.0], &[Some("b")]));
        store.settle();
        assert!(rows_of(&store).contains(&(6.0, 1)));
    }

    /// The target and the text of each row, whose categories are known.
    fn rows_of(store: &RowStore) -> Vec<(f64, u32)> {
        let Whole::Categories { codes, names } = store.column(1) else {
            panic!("a column of texts");
        };
        assert!(names.is_sorted() && names.starts_with(&["a".to_owned()]));
        store.target().iter().copied().zip(codes).collect()
    }
}
