//! Lists that values share: copying one costs nothing, and neither does an empty one.

use std::ops::Deref;
use std::rc::Rc;

/// A list that is copied when it changes.
#[derive(Debug)]
pub struct Shared<T>(Option<Rc<Vec<T>>>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Deref for Shared<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_ref().map_or(&[], |list| list.as_slice())
    }
}

impl<T> From<Vec<T>> for Shared<T> {
    fn from(list: Vec<T>) -> Self {
        Self((!list.is_empty()).then(|| Rc::new(list)))
    }
}

impl<T: Clone> Shared<T> {
    /// The list, to change it.
    pub fn make_mut(&mut self) -> &mut Vec<T> {
        Rc::make_mut(self.0.get_or_insert_default())
    }
}

impl<T> Shared<T> {
    /// Whether both are the same list, not merely equal ones.
    pub fn is(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }
}
