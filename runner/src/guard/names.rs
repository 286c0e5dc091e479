//! What names tell: which columns are times and entities, which functions look
//! at one row, at many, or at a clock.

/// Whether a name is that of a time.
pub fn is_time(name: &str) -> bool {
    const EXACT: &[&str] = &[
        "ts", "t", "time", "date", "datetime", "timestamp", "dt", "day", "bar", "bar_index", "i", "idx", "seq",
        "asof", "as_of", "when", "tick", "step", "n", "row", "pos", "position", "period", "valid_from", "valid_to",
        "effective_from", "effective_to", "known_since", "period_end", "quarter_end", "month_end", "year_end",
        "fiscal_end", "report_period", "period_ending",
    ];
    const ENDS: &[&str] = &["_ts", "_time", "_date", "_at", "_dt", "_day", "_timestamp", "_datetime"];
    const STARTS: &[&str] = &["ts_", "date_", "timestamp_"];
    let name = name.to_ascii_lowercase();
    EXACT.contains(&name.as_str())
        || ENDS.iter().any(|end| name.ends_with(end))
        || STARTS.iter().any(|start| name.starts_with(start))
}

/// Whether a name is that of a coarser time.
pub fn is_bucket(name: &str) -> bool {
    const EXACT: &[&str] = &["month", "year", "quarter", "week", "hour", "minute", "bucket", "session"];
    EXACT.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a name is that of the end of a period whose figures come later.
pub fn is_period_end(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["period_end", "quarter_end", "month_end", "year_end", "fiscal_end", "report_period", "period_ending"]
        .iter()
        .any(|known| name.contains(known))
}

/// Whether a name is that of an entity.
pub fn is_entity(name: &str) -> bool {
    const EXACT: &[&str] = &[
        "symbol", "ticker", "entity", "entity_id", "asset", "asset_id", "instrument", "instrument_id", "stock",
        "stock_id", "sid", "isin", "cusip", "permno", "figi", "security", "security_id", "customer", "customer_id",
        "user_id", "account_id", "store", "store_id", "item_id", "shop_id", "station", "sensor_id", "device_id",
    ];
    EXACT.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a name is that of the part of the data: training or test.
pub fn is_split(name: &str) -> bool {
    const EXACT: &[&str] = &["split", "fold", "role", "dataset", "subset", "is_train", "in_sample", "is_training"];
    EXACT.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a text names the training part.
pub fn is_training(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("train") || text == "in_sample" || text == "is"
}

/// Whether a name says that the column holds the future.
pub fn is_future(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["target", "label"].contains(&name.as_str())
        || ["target_", "label_", "fwd_", "forward_", "future_", "next_"]
            .iter()
            .any(|start| name.starts_with(start))
}

/// Whether a name is that of a date, which is no number.
pub fn is_date(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["ts", "time", "date", "datetime", "timestamp"].contains(&name.as_str())
        || ["_ts", "_time", "_date", "_at", "_timestamp"].iter().any(|end| name.ends_with(end))
}

/// Functions of many rows.
pub fn is_aggregate(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "sum", "avg", "mean", "min", "max", "count", "stddev", "stddev_pop", "stddev_samp", "std", "var",
        "variance", "var_pop", "var_samp", "median", "quantile", "quantile_cont", "quantile_disc", "percentile_cont",
        "percentile_disc", "approx_percentile_cont", "approx_quantile", "mode", "corr", "covar_pop", "covar_samp",
        "regr_slope", "regr_intercept", "regr_r2", "regr_count", "regr_avgx", "regr_avgy", "regr_sxx", "regr_syy",
        "regr_sxy", "skewness", "kurtosis", "entropy", "first", "last", "any_value", "arbitrary", "arg_max",
        "arg_min", "max_by", "min_by", "argmax", "argmin", "array_agg", "list", "string_agg", "group_concat",
        "listagg", "bool_and", "bool_or", "every", "bit_and", "bit_or", "bit_xor", "product", "geomean",
        "approx_count_distinct", "approx_distinct", "approx_median", "histogram", "mad", "sem", "fsum", "kahan_sum",
        "favg", "count_if", "countif", "sum_if", "sumif", "grouping", "reservoir_quantile",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Functions that only stand before OVER.
pub fn is_window(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "lag", "lead", "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "first_value",
        "last_value", "nth_value", "fill",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Functions whose value changes from run to run.
pub fn is_volatile(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "random", "rand", "setseed", "now", "current_date", "current_timestamp", "current_time", "localtime",
        "localtimestamp", "today", "get_current_timestamp", "getdate", "sysdate", "uuid", "gen_random_uuid",
        "uuidv4", "uuidv7", "nextval", "transaction_timestamp", "statement_timestamp", "clock_timestamp",
        "generate_uuid", "random_normal", "curdate",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Of those, the ones that draw rather than tell the time.
pub fn is_draw(name: &str) -> bool {
    const NAMES: &[&str] = &["random", "rand", "uuid", "gen_random_uuid", "uuidv4", "generate_uuid"];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Functions that scatter rows: a split by them is a random one.
pub fn is_hash(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "hash", "md5", "md5_number", "md5_number_lower", "md5_number_upper", "sha1", "sha256", "sha512", "farm_fingerprint", "crc32", "xxhash", "murmur",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Functions that make a time coarser.
pub fn is_truncation(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "date_trunc", "datetrunc", "time_bucket", "date_bin", "year", "month", "quarter", "week", "weekofyear",
        "yearweek", "hour", "minute", "day", "dayofmonth", "dayofweek", "dayofyear", "isodow", "strftime", "to_char",
        "date_part", "datepart", "last_day", "timestamp_trunc", "date_format", "era", "century", "decade",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Functions that keep a time what it is.
pub fn is_time_cast(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "to_timestamp", "to_date", "make_date", "make_timestamp", "strptime", "try_strptime", "epoch", "epoch_ms",
        "epoch_us", "to_unixtime", "unix_timestamp", "coalesce", "ifnull", "greatest", "least", "date_add",
        "date_sub", "dateadd", "min", "max", "any_value", "first", "last", "from_unixtime", "timezone",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Functions of one row.
pub fn is_scalar(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "ceiling", "cos", "cosh",
        "cot", "degrees", "exp", "factorial", "floor", "fdiv", "fmod", "gamma", "lgamma", "gcd", "lcm", "greatest",
        "least", "isfinite", "isinf", "isnan", "is_nan", "ln", "log", "log10", "log2", "log1p", "expm1", "mod",
        "pi", "pow", "power", "radians", "round", "round_even", "sign", "signbit", "sin", "sinh", "sqrt", "tan",
        "tanh", "trunc", "nanvl", "coalesce", "ifnull", "nvl", "nullif", "if", "iff", "nullifzero", "zeroifnull",
        "add", "subtract", "multiply", "divide", "negate", "safe_divide", "try_cast", "cast", "arrow_cast", "arrow_typeof", "typeof",
        "lower", "upper", "lcase", "ucase", "length", "len", "char_length", "character_length", "strlen", "lpad",
        "rpad", "ltrim", "rtrim", "trim", "btrim", "replace", "reverse", "repeat", "left", "right", "substr",
        "substring", "concat", "concat_ws", "contains", "starts_with", "ends_with", "prefix", "suffix", "instr",
        "position", "strpos", "split_part", "split", "string_split", "regexp_matches", "regexp_replace",
        "regexp_extract", "regexp_like", "regexp_match", "translate", "ascii", "chr", "format", "printf", "bar",
        "levenshtein", "to_hex", "hex", "unhex", "encode", "decode", "to_json", "json_extract",
        "json_extract_string", "to_date", "to_timestamp", "make_date", "make_timestamp", "strptime", "try_strptime",
        "strftime", "to_char", "date_trunc", "datetrunc", "date_part", "datepart", "date_diff", "datediff",
        "date_sub", "date_add", "dateadd", "datesub", "age", "epoch", "epoch_ms", "epoch_us", "epoch_ns", "year",
        "month", "quarter", "week", "weekofyear", "day", "dayname", "monthname", "dayofmonth", "dayofweek",
        "dayofyear", "isodow", "hour", "minute", "second", "last_day", "time_bucket", "date_bin", "to_unixtime",
        "from_unixtime", "to_days", "to_hours", "to_minutes", "to_seconds", "to_months", "to_years", "interval",
        "struct_pack", "struct", "named_struct", "row", "struct_extract", "get_field", "list_value", "make_array",
        "array", "list_extract", "list_element", "array_extract", "array_element", "list_sum", "list_avg",
        "list_min", "list_max", "list_aggregate", "list_transform", "list_filter", "list_contains",
        "array_contains", "array_has", "list_position", "list_concat", "list_append", "list_sort", "list_slice",
        "array_slice", "array_length", "cardinality", "map", "map_from_entries", "element_at", "map_extract",
        "bit_count", "xor", "hash", "md5", "md5_number", "md5_number_lower", "md5_number_upper", "sha1", "sha256",
        "nan", "columns", "date", "timestamp", "double", "integer", "bigint", "error", "flatten", "unnest", "range",
        "generate_series", "to_base", "bin", "width_bucket", "equi_width_bins", "exists", "typeof", "version",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}
