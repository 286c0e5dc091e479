//! What reaches a model: the features of every fit, and the rows that it sees.

use std::rc::Rc;

use sqlparser::ast::{Expr, Function, FunctionArg, Spanned};
use sqlparser::tokenizer::Span;

use super::analysis::{Analysis, Scope, identifier};
use super::calls::{arguments, constant, integer, like, texts};
use super::graph::{Extent, Node, Origin};
use super::lineage::{Ahead, Cut, Id, Mark, Relation, Site, Step, Time, Type, Value};
use super::rules::Rule;
use super::{Constant, names};

/// What a call does with its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Trains a model that is used later.
    Fit,
    /// Chooses features.
    Select,
    /// Validates or watches: it makes folds of its own, or is no choice.
    Other,
}

/// A call that was seen.
#[derive(Debug)]
pub(super) struct Fit {
    pub name: String,
    pub site: Site,
    pub role: Role,
    pub cut: Option<Cut>,
    /// As a column of the script, made of its features.
    pub node: Id,
    /// What it learns to say.
    pub target: String,
    /// How many rows ahead that lies, as far as the script says.
    pub ahead: i64,
    /// What it is given.
    pub features: Vec<String>,
}

/// A feature of a call.
pub(super) struct Feature {
    pub name: String,
    pub value: Value,
    pub site: Site,
}

impl Analysis<'_> {
    /// `fit(target, features, options)` and aggregates like it.
    pub(super) fn fit(&mut self, name: &str, function: &Function, scope: &Scope<'_>) {
        let site = self.call_site(function.span());
        let parameters = self.catalogue.parameters(name);
        let list = arguments(function);
        let at = |key: &str| {
            let i = parameters.iter().position(|p| p.name == key)?;
            list.get(i).copied()
        };
        let (Some(target), Some(features)) = (at("target"), at("features")) else {
            return;
        };
        let target_value = self.eval(target, scope);
        let features = self.features(features, scope);
        let windowed = function.over.is_some();
        let cut = if windowed {
            Some(Cut {
                purge: i64::MAX,
                site,
            })
        } else if let Some(filter) = &function.filter {
            let list = super::query::conjuncts(filter);
            self.facts(&list, scope).cut.or(scope.cut)
        } else {
            scope.cut
        };
        self.reach(name, site, &features, &target_value, target);
        self.purge(site, cut, scope.random, &target_value);
        let role = if name == "fit" || name == "fit_report" {
            Role::Fit
        } else {
            Role::Other
        };
        self.fit_seen(
            name,
            site,
            role,
            cut,
            &target.to_string(),
            &target_value,
            &features,
        );
    }

    /// The fields of a struct expression, or the columns of a row.
    fn features(&mut self, expr: &Expr, scope: &Scope<'_>) -> Vec<Feature> {
        if let Expr::Dictionary(fields) = expr {
            return fields
                .iter()
                .map(|field| Feature {
                    name: field.key.value.clone(),
                    value: self.eval(&field.value, scope),
                    site: self.site(field.value.span()),
                })
                .collect();
        }
        let site = self.site(expr.span());
        let value = self.eval(expr, scope);
        if let Some(fields) = &value.fields {
            return fields
                .iter()
                .map(|(name, value)| Feature {
                    name: name.clone(),
                    value: value.clone(),
                    site,
                })
                .collect();
        }
        vec![Feature {
            name: identifier(expr).map_or_else(|| "features".to_owned(), |i| i.value.clone()),
            value,
            site,
        }]
    }

    /// A table function with a target.
    pub(super) fn sink_call(
        &mut self,
        name: &str,
        relation: &Relation,
        arguments: &[(String, Constant)],
        args: &[FunctionArg],
        site: Site,
    ) {
        let get = |key: &str| {
            arguments
                .iter()
                .find(|(known, _)| known == key)
                .map_or(Constant::Null, |(_, value)| value.clone())
        };
        let Some(target) = texts(&get("target")).into_iter().next() else {
            return;
        };
        let target_value = match relation.column(&target) {
            Some(column) => column.value.clone(),
            None => {
                let mut value = Value::default();
                for table in &relation.open {
                    value = self.source(table, &target, Span::empty());
                }
                value
            }
        };
        let mut others = vec![target.clone()];
        others.extend(texts(&get("order_by")));
        others.extend(texts(&get("partition_by")));
        let wanted = texts(&get("features"));
        let exclude = texts(&get("exclude"));
        // Where a feature is named, the finding points at the name.
        let name_sites: Vec<(String, Site)> = super::calls::named(args)
            .into_iter()
            .flat_map(|(_, expr)| match expr {
                Expr::Array(array) => array.elem.iter().collect::<Vec<_>>(),
                other => vec![other],
            })
            .filter_map(|expr| match constant(expr) {
                Constant::Text(text) => Some((text, self.site(expr.span()))),
                _ => None,
            })
            .collect();
        let mut features: Vec<Feature> = Vec::new();
        let is_pattern = |text: &String| text.contains(['*', '?']);
        for column in &relation.columns {
            let named = wanted
                .iter()
                .any(|name| !is_pattern(name) && name.eq_ignore_ascii_case(&column.name));
            let found = wanted.is_empty()
                || wanted
                    .iter()
                    .any(|pattern| is_pattern(pattern) && like(pattern, &column.name));
            let lower = column.name.to_ascii_lowercase();
            let hidden = lower == "target"
                || lower.starts_with("target_")
                || lower.starts_with("base_w")
                || column.value.kind == Type::Other
                || column.value.fields.is_some();
            if !(named || (found && !hidden))
                || exclude.iter().any(|pattern| like(pattern, &column.name))
                || others
                    .iter()
                    .any(|other| other.eq_ignore_ascii_case(&column.name))
            {
                continue;
            }
            if column.value.time != Time::No && names::is_date(&column.name) && !named {
                continue;
            }
            let site = name_sites
                .iter()
                .find(|(text, _)| text.eq_ignore_ascii_case(&column.name))
                .map_or(site, |(_, site)| *site);
            features.push(Feature {
                name: column.name.to_string(),
                value: column.value.clone(),
                site,
            });
        }
        for name in wanted.iter().filter(|name| !is_pattern(name)) {
            if relation.column(name).is_none() && !relation.open.is_empty() {
                let mut value = Value::default();
                for table in &relation.open {
                    value = self.source(table, name, Span::empty());
                }
                super::lineage::merge_marks(&mut value.marks, &relation.marks);
                let site = name_sites
                    .iter()
                    .find(|(text, _)| text == name)
                    .map_or(site, |(_, site)| *site);
                features.push(Feature {
                    name: name.clone(),
                    value,
                    site,
                });
            }
        }
        let target_expr = Expr::Identifier(sqlparser::ast::Ident::new(target.as_str()));
        self.reach(name, site, &features, &target_value, &target_expr);

        // train_model puts rows aside for its own test, unless it is told not to.
        let puts_aside =
            name == "train_model" && !matches!(get("test_share"), Constant::Integer(0));
        let own_end = puts_aside || !matches!(get("train_end"), Constant::Null);
        let cut = match relation.cut {
            Some(cut) => Some(cut),
            None if own_end => Some(Cut {
                purge: i64::MAX,
                site,
            }),
            None => None,
        };
        self.purge(site, cut, relation.random, &target_value);
        if let Some(horizon) = integer(&get("horizon")) {
            let ahead = known_ahead(&target_value);
            if horizon < ahead {
                self.finding(
                    Rule::ShortPurge,
                    site,
                    format!("the target lies {ahead} rows ahead, the purge is {horizon}"),
                    Some((name.to_owned(), String::new(), Vec::new())),
                );
            }
        }
        let role = match name {
            "feature_screen"
            | "select_features"
            | "feature_importance"
            | "information_coefficient"
            | "relevance_tests"
            | "mutual_information"
            | "correlation_clusters" => Role::Select,
            "train_model" => Role::Fit,
            _ => Role::Other,
        };
        self.fit_seen(name, site, role, cut, &target, &target_value, &features);
    }

    /// Notes a call that has been looked at.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn fit_seen(
        &mut self,
        name: &str,
        site: Site,
        role: Role,
        cut: Option<Cut>,
        target: &str,
        target_value: &Value,
        features: &[Feature],
    ) {
        let values = features.iter().map(|feature| &feature.value);
        let merged = Value::merged(values.chain([target_value]).collect::<Vec<_>>());
        let node = self.graph.add(Node {
            id: 0,
            relation: Rc::default(),
            column: name.into(),
            origin: Origin::Call,
            edges: merged.seen(Extent::OWN, false),
            rooted: false,
            site: Some(site),
            rules: Vec::new(),
        });
        self.fits.push(Fit {
            name: name.to_owned(),
            site,
            role,
            cut,
            node,
            target: target.to_owned(),
            ahead: known_ahead(target_value),
            features: features.iter().map(|f| f.name.clone()).collect(),
        });
    }

    /// What of the future reaches the features.
    fn reach(
        &mut self,
        model: &str,
        site: Site,
        features: &[Feature],
        target: &Value,
        target_expr: &Expr,
    ) {
        let target_id = if target.id != 0 && identifier(target_expr).is_some() {
            target.id
        } else {
            0
        };
        for feature in features {
            let mut values = vec![&feature.value];
            let nested = feature.value.fields.clone();
            if let Some(fields) = &nested {
                values.extend(fields.iter().map(|(_, value)| value));
            }
            for value in values {
                let mut holds_target = false;
                let mut pattern = None;
                let reached = &mut self.reached;
                self.graph.walk(&value.edges, true, &mut |id, node| {
                    reached.insert(id);
                    reached.insert(node.id);
                    holds_target |= node.id == target_id;
                    if pattern.is_none() && is_pattern(&node.column) {
                        pattern = Some(node.column.to_string());
                    }
                    true
                });
                let is_target = target_id != 0 && !target.constant && holds_target;
                if is_target {
                    let detail = format!("'{}' holds the target", feature.name);
                    let about = (model.to_owned(), feature.name.clone(), Vec::new());
                    self.finding(Rule::Target, feature.site, detail, Some(about));
                }
                let pattern =
                    pattern.or_else(|| is_pattern(&feature.name).then(|| feature.name.clone()));
                if let Some(pattern) = pattern {
                    let about = (model.to_owned(), feature.name.clone(), Vec::new());
                    let detail = format!("'{}' is, or is made of, '{pattern}'", feature.name);
                    self.finding(Rule::PatternFeature, feature.site, detail, Some(about));
                }
                for mark in value.marks.iter() {
                    let of_target = is_target
                        && target
                            .marks
                            .iter()
                            .any(|known| known.site == mark.site && known.rule == mark.rule);
                    if of_target {
                        continue;
                    }
                    self.report_mark(mark, model, feature, site);
                }
            }
        }
    }

    fn report_mark(&mut self, mark: &Mark, model: &str, feature: &Feature, site: Site) {
        let path = self.path(mark, feature, model);
        let mut detail = mark.detail.as_deref().unwrap_or_default().to_owned();
        if let Ahead::Rows(rows) = mark.ahead
            && !matches!(mark.rule, Rule::FutureName)
        {
            let rows = format!("{rows} row{} ahead", if rows == 1 { "" } else { "s" });
            detail = if detail.is_empty() {
                rows
            } else {
                format!("{detail}; {rows}")
            };
        }
        let at = if mark.site == Site::default() {
            site
        } else {
            mark.site
        };
        let about = (model.to_owned(), feature.name.clone(), path);
        self.finding(mark.rule, at, detail, Some(about));
    }

    /// From the source to the feature.
    fn path(&self, mark: &Mark, feature: &Feature, model: &str) -> Vec<String> {
        let mut steps: Vec<String> = Vec::new();
        let mut step: Option<&Step> = mark.path.as_deref();
        while let Some(at) = step {
            steps.push(at.name.clone());
            step = at.before.as_deref();
        }
        let mut sources = Vec::new();
        self.graph
            .walk(&feature.value.edges, false, &mut |id, node| {
                if node.origin == Origin::Outside {
                    sources.push(id);
                }
                true
            });
        sources.sort_unstable();
        let sources: Vec<&str> = sources.iter().take(3).map(|id| self.name_of(*id)).collect();
        if !sources.is_empty() {
            steps.push(sources.join(", "));
        }
        steps.reverse();
        steps.push(format!("feature '{}' of {model}", feature.name));
        steps
    }

    /// Whether the rows of training keep clear of the rows that judge them.
    fn purge(&mut self, site: Site, cut: Option<Cut>, random: Option<Site>, target: &Value) {
        if let Some(random) = random {
            let about = (String::from("fit"), String::new(), Vec::new());
            self.finding(Rule::RandomSplit, random, String::new(), Some(about));
        }
        let ahead = known_ahead(target);
        if let Some(cut) = cut
            && cut.purge < ahead
        {
            let at = if cut.site == Site::default() {
                site
            } else {
                cut.site
            };
            let detail = format!(
                "the target lies {ahead} row{} ahead, the cut keeps {}",
                if ahead == 1 { "" } else { "s" },
                cut.purge.max(0)
            );
            let about = (String::from("fit"), String::new(), Vec::new());
            self.finding(Rule::NoPurge, at, detail, Some(about));
        }
    }

    /// What can be said only at the end of the script.
    pub(super) fn judge(&mut self) {
        let has_cut = self.splits
            || self
                .fits
                .iter()
                .any(|fit| fit.cut.is_some() && fit.role == Role::Fit);
        let mut late = Vec::new();
        for fit in &self.fits {
            match (fit.role, fit.cut) {
                (Role::Select, None) if has_cut => {
                    late.push((Rule::SelectionSeesTest, fit.site, fit.name.clone()));
                }
                (Role::Fit, None) if self.judges || self.splits => {
                    late.push((Rule::JudgedOnTraining, fit.site, fit.name.clone()));
                }
                _ => {}
            }
        }
        for (rule, site, name) in late {
            self.finding(
                rule,
                site,
                String::new(),
                Some((name, String::new(), Vec::new())),
            );
        }
    }
}

fn is_pattern(name: &str) -> bool {
    name.get(..6)
        .is_some_and(|start| start.eq_ignore_ascii_case("base_w"))
}

/// How many rows ahead a target looks, as far as the script says.
fn known_ahead(target: &Value) -> i64 {
    target
        .marks
        .iter()
        .filter(|mark| mark.rule != Rule::FutureName)
        .map(|mark| match mark.ahead {
            Ahead::Rows(rows) => rows,
            Ahead::Unbounded => 0,
        })
        .max()
        .unwrap_or(0)
}
