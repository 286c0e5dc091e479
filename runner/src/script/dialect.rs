//! The SQL that scripts are written in: what DuckDB and DataFusion both
//! understand, and DuckDB's own additions where the parser knows them.

use std::any::TypeId;

use sqlparser::dialect::{Dialect, GenericDialect};
use sqlparser::keywords::{Keyword, RESERVED_FOR_COLUMN_ALIAS};
use sqlparser::parser::Parser;

/// The dialect of scripts. The parser takes it for the generic one, whose
/// syntax tree DataFusion plans; the answers below add DuckDB's syntax.
#[derive(Debug)]
pub struct ScriptDialect;

/// Methods of [`Dialect`] that answer yes.
macro_rules! accepts {
    ($($method:ident),* $(,)?) => {
        $(fn $method(&self) -> bool {
            true
        })*
    };
}

impl Dialect for ScriptDialect {
    fn dialect(&self) -> TypeId {
        TypeId::of::<GenericDialect>()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '"'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_'
    }

    /// Where a comma may trail, the parser also asks this of the word after it:
    /// `f(a => 1, exclude => 'b')` or `SELECT feature, cluster` would end at the
    /// comma. Both engines take these words as names.
    fn is_column_alias(&self, word: &Keyword, _parser: &mut Parser<'_>) -> bool {
        const NAMES: [Keyword; 6] = [
            Keyword::CLUSTER,
            Keyword::DISTRIBUTE,
            Keyword::EXCLUDE,
            Keyword::SORT,
            Keyword::TOP,
            Keyword::VIEW,
        ];
        NAMES.contains(word) || !RESERVED_FOR_COLUMN_ALIAS.contains(word)
    }

    accepts!(
        allow_extract_custom,
        allow_extract_single_quotes,
        support_map_literal_syntax,
        supports_array_typedef_with_brackets,
        supports_bitwise_shift_operators,
        supports_comma_separated_trim,
        supports_comment_on,
        supports_detach,
        supports_dictionary_syntax,
        supports_empty_projections,
        supports_explain_with_utility_options,
        supports_extract_comma_syntax,
        supports_filter_during_aggregation,
        supports_from_first_select,
        supports_group_by_expr,
        supports_group_by_with_modifier,
        supports_install,
        supports_interval_options,
        supports_lambda_functions,
        supports_left_associative_joins_without_parens,
        supports_load_extension,
        supports_named_fn_args_with_assignment_operator,
        supports_nested_comments,
        supports_notnull_operator,
        supports_order_by_all,
        supports_parens_around_table_factor,
        supports_partition_by_after_order_by,
        supports_select_wildcard_exclude,
        supports_select_wildcard_except,
        supports_select_wildcard_rename,
        supports_select_wildcard_replace,
        supports_string_escape_constant,
        supports_trailing_commas,
        supports_try_convert,
        supports_values_as_table_factor,
        supports_window_clause_named_window_reference,
        supports_window_function_null_treatment_arg,
    );
}
