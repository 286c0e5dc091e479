//! Columns of whole relations: `*`, and the rows of two relations as one.

use std::rc::Rc;

use sqlparser::ast::{ExcludeSelectItem, RenameSelectItem, WildcardAdditionalOptions};

use super::analysis::{Analysis, Scope, last_name};
use super::lineage::{Column, Grain, Relation, Value, merge_marks};

impl Analysis<'_> {
    /// The columns of `*` or `t.*`, some left out, replaced or renamed.
    pub(super) fn wildcard_with(
        &mut self,
        scope: &Scope<'_>,
        of: Option<&str>,
        options: &WildcardAdditionalOptions,
        using: &[String],
        relation: &mut Relation,
    ) {
        let mut all = Relation::default();
        wildcard(scope, of, using, &mut all);
        let mut gone: Vec<String> = Vec::new();
        match &options.opt_exclude {
            Some(ExcludeSelectItem::Single(name)) => gone.push(last_name(name)),
            Some(ExcludeSelectItem::Multiple(names)) => gone.extend(names.iter().map(last_name)),
            None => {}
        }
        if let Some(except) = &options.opt_except {
            gone.push(except.first_element.value.clone());
            gone.extend(except.additional_elements.iter().map(|i| i.value.clone()));
        }
        all.columns.retain(|column| {
            !gone
                .iter()
                .any(|name| column.name.eq_ignore_ascii_case(name))
        });
        all.without
            .extend(gone.iter().map(|name| name.as_str().into()));
        if let Some(replace) = &options.opt_replace {
            for element in &replace.items {
                let value = self.eval(&element.expr, scope);
                let name = element.column_name.value.as_str();
                let value = self.column_value(name, value);
                let known = all
                    .columns
                    .iter_mut()
                    .find(|column| column.name.eq_ignore_ascii_case(name));
                match known {
                    Some(column) => column.value = value,
                    None => all.columns.push(Column {
                        name: name.into(),
                        value,
                    }),
                }
            }
        }
        let renames = match &options.opt_rename {
            Some(RenameSelectItem::Single(one)) => std::slice::from_ref(one),
            Some(RenameSelectItem::Multiple(list)) => list.as_slice(),
            None => &[],
        };
        for rename in renames {
            let from = &rename.ident;
            let known = all
                .columns
                .iter()
                .position(|column| column.name.eq_ignore_ascii_case(&from.value));
            match known {
                Some(i) => all.columns[i].name = rename.alias.value.as_str().into(),
                None => {
                    if let Some((_, value)) = self.resolve(std::slice::from_ref(from), scope) {
                        all.columns.push(Column {
                            name: rename.alias.value.as_str().into(),
                            value,
                        });
                        all.without.push(from.value.as_str().into());
                    }
                }
            }
        }
        add(relation, all);
    }
}

/// The columns of all relations, or of one.
pub(super) fn wildcard(
    scope: &Scope<'_>,
    of: Option<&str>,
    using: &[String],
    relation: &mut Relation,
) {
    for item in &scope.items {
        if of.is_some_and(|of| !item.alias.eq_ignore_ascii_case(of)) {
            continue;
        }
        let mut all = Relation {
            columns: item.relation.columns.clone(),
            open: item.relation.open.clone(),
            marks: item.relation.marks.clone(),
            extent: item.relation.extent,
            without: item.relation.without.clone(),
            ..Relation::default()
        };
        all.columns.retain(|column| {
            !using
                .iter()
                .any(|name| column.name.eq_ignore_ascii_case(name))
                || relation.column(&column.name).is_none()
        });
        add(relation, all);
    }
}

fn add(relation: &mut Relation, all: Relation) {
    let closed_before = relation.open.is_empty();
    relation.columns.extend(all.columns);
    relation.open.extend(all.open);
    merge_marks(&mut relation.marks, &all.marks);
    relation.extent = relation.extent.with(all.extent);
    if closed_before {
        relation.without = all.without;
    } else {
        // What one of them has left out, another may have.
        relation.without.retain(|name| all.without.contains(name));
    }
}

/// The rows of both.
pub(super) fn unite(relation: &mut Relation, other: Relation) {
    for (i, column) in relation.columns.iter_mut().enumerate() {
        if let Some(theirs) = other.columns.get(i) {
            let ours = column.value.clone();
            let mut both = Value::merged([&ours, &theirs.value]);
            both.id = if ours.id == theirs.value.id {
                ours.id
            } else {
                0
            };
            both.time = ours.time;
            both.kind = ours.kind;
            both.constant = false;
            both.fields = match (&ours.fields, &theirs.value.fields) {
                (Some(a), Some(b)) => Some(Rc::new(
                    a.iter()
                        .map(|(name, value)| {
                            let theirs = b.iter().find(|(other, _)| other == name);
                            let value = match theirs {
                                Some((_, theirs)) => Value::merged([value, theirs]),
                                None => value.clone(),
                            };
                            (name.clone(), value)
                        })
                        .collect(),
                )),
                (ours, theirs) => ours.clone().or_else(|| theirs.clone()),
            };
            both.arms = ours.arms.clone().or_else(|| theirs.value.arms.clone());
            column.value = both;
        }
    }
    relation.open.extend(other.open);
    merge_marks(&mut relation.marks, &other.marks);
    relation.extent = relation.extent.with(other.extent);
    relation.cut = relation.cut.and(other.cut);
    relation.random = relation.random.or(other.random);
    relation.one_entity &= other.one_entity;
    if relation.grain == Grain::Single {
        relation.grain = Grain::Whole;
    }
}
