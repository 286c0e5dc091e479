use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Decimal32Array, Decimal64Array,
    Decimal128Array, Decimal256Array, DictionaryArray, Float16Array, Float32Array, Float64Array,
    Int8Array, Int64Array, LargeBinaryArray, LargeStringArray, StringArray, StringViewArray,
    StructArray, UInt64Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Int32Type, i256};

use super::{add_table, context, error, rows};

fn doubles(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

/// Two rows, the second NULL, of every numeric type.
fn numeric_columns() -> Vec<(&'static str, ArrayRef)> {
    let decimal = |array: &dyn Array, kind: DataType| cast(array, &kind).expect("cast");
    let plain = Float64Array::from(vec![Some(1.5), None]);
    let f16 = decimal(&plain, DataType::Float16);
    assert!(f16.as_any().is::<Float16Array>());
    vec![
        ("f64", Arc::new(plain)),
        ("f32", Arc::new(Float32Array::from(vec![Some(0.25), None]))),
        ("f16", f16),
        ("i8", Arc::new(Int8Array::from(vec![Some(-3), None]))),
        ("i64", Arc::new(Int64Array::from(vec![Some(4), None]))),
        ("u64", Arc::new(UInt64Array::from(vec![Some(5), None]))),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        (
            "d32",
            Arc::new(
                Decimal32Array::from(vec![Some(1234), None])
                    .with_precision_and_scale(6, 2)
                    .expect("decimal"),
            ),
        ),
        (
            "d64",
            Arc::new(
                Decimal64Array::from(vec![Some(-1234), None])
                    .with_precision_and_scale(10, 3)
                    .expect("decimal"),
            ),
        ),
        (
            "d128",
            Arc::new(
                Decimal128Array::from(vec![Some(7_250_000_000), None])
                    .with_precision_and_scale(38, 9)
                    .expect("decimal"),
            ),
        ),
        (
            "d256",
            Arc::new(
                Decimal256Array::from(vec![Some(i256::from(5)), None])
                    .with_precision_and_scale(40, 1)
                    .expect("decimal"),
            ),
        ),
        (
            "dict",
            Arc::new(
                DictionaryArray::<Int32Type>::try_new(
                    vec![Some(1), None].into(),
                    Arc::new(Int64Array::from(vec![10, 20])),
                )
                .expect("dictionary"),
            ),
        ),
    ]
}

#[tokio::test]
async fn numbers_of_every_type() {
    let context = context();
    add_table(&context, "t", vec![numeric_columns()]);
    for (name, expected) in [
        ("f64", "1.5"),
        ("f32", "0.25"),
        ("f16", "1.5"),
        ("i8", "-3.0"),
        ("i64", "4.0"),
        ("u64", "5.0"),
        ("flag", "1.0"),
        ("d32", "12.34"),
        ("d64", "-1.234"),
        ("d128", "7.25"),
        ("d256", "0.5"),
        ("dict", "20.0"),
    ] {
        let sql = format!("SELECT t_plus(\"{name}\") FROM t");
        assert_eq!(rows(&context, &sql).await, [expected, ""], "{name}");
    }
}

#[tokio::test]
async fn struct_fields_of_every_type() {
    let context = context();
    let columns = numeric_columns();
    let names: Vec<&str> = columns.iter().map(|column| column.0).collect();
    let items: Vec<String> = names
        .iter()
        .map(|name| format!("'{name}': \"{name}\""))
        .collect();
    add_table(&context, "t", vec![columns]);
    let sql = format!("SELECT t_describe({{{}}}) FROM t", items.join(", "));
    assert_eq!(
        rows(&context, &sql).await,
        [
            "f64=1.5 f32=0.25 f16=1.5 i8=-3 i64=4 u64=5 flag=1 d32=12.34 d64=-1.234 d128=7.25 \
             d256=0.5 dict=20 null",
            "f64=? f32=? f16=? i8=? i64=? u64=? flag=? d32=? d64=? d128=? d256=? dict=? null",
        ]
    );
}

#[tokio::test]
async fn null_struct_and_fields_that_are_not_numbers() {
    let context = context();
    let children: Vec<ArrayRef> = vec![
        doubles(&[Some(1.0), Some(2.0), None, Some(f64::NAN)]),
        Arc::new(StringArray::from(vec!["x", "y", "z", "w"])),
    ];
    let fields = Fields::from(vec![
        Field::new("a b", DataType::Float64, true),
        Field::new("Text", DataType::Utf8, true),
    ]);
    let nulls = NullBuffer::from(vec![true, false, true, true]);
    let array = StructArray::new(fields, children, Some(nulls));
    add_table(&context, "t", vec![vec![("s", Arc::new(array))]]);
    assert_eq!(
        rows(&context, "SELECT t_describe(s) FROM t").await,
        [
            "a b=1 Text:VARCHAR null",
            "a b=? Text:VARCHAR null",
            "a b=? Text:VARCHAR null",
            "a b=? Text:VARCHAR null"
        ]
    );
    let sql = "SELECT t_describe({'a': 1, 'n': NULL, 'b': 2.5}, NULL)";
    assert_eq!(rows(&context, sql).await, ["a=1 n=? b=2.5 null"]);
    assert_eq!(rows(&context, "SELECT t_describe(NULL)").await, ["null"]);
}

#[tokio::test]
async fn slices_keep_their_offsets() {
    let context = context();
    let n = 200;
    let values: Vec<Option<f64>> = (0..n)
        .map(|i| (i % 3 != 0).then_some(f64::from(i)))
        .collect();
    let structs = StructArray::new(
        Fields::from(vec![
            Field::new("a", DataType::Float64, true),
            Field::new("b", DataType::Int64, true),
        ]),
        vec![
            doubles(&values),
            Arc::new(Int64Array::from_iter(
                (0..n).map(|i| (i % 5 != 0).then_some(i64::from(i))),
            )),
        ],
        Some(NullBuffer::from_iter((0..n).map(|i| i % 7 != 0))),
    );
    let slice = |array: &dyn Array| array.slice(67, 100);
    let batch = vec![("x", slice(&doubles(&values))), ("s", slice(&structs))];
    add_table(&context, "t", vec![batch]);
    let seen = rows(&context, "SELECT t_plus(x, 1), t_describe(s) FROM t").await;
    assert_eq!(seen.len(), 100);
    for (i, seen) in (67..).zip(seen) {
        let show = |missing: bool, i: i32| if missing { "?".into() } else { i.to_string() };
        let x = if i % 3 == 0 {
            String::new()
        } else {
            format!("{i}.0").replace(&i.to_string(), &(i + 1).to_string())
        };
        let a = show(i % 7 == 0 || i % 3 == 0, i);
        let b = show(i % 7 == 0 || i % 5 == 0, i);
        assert_eq!(seen, format!("{x}|a={a} b={b} null"));
    }
}

#[tokio::test]
async fn text_and_blobs_of_every_type() {
    let context = context();
    let blob: &[u8] = b"abc";
    let blobs = vec![Some(blob), None, Some(b"")];
    let texts = vec![Some("x"), Some("y"), None];
    add_table(
        &context,
        "t",
        vec![vec![
            ("b0", Arc::new(BinaryArray::from(blobs.clone()))),
            ("b1", Arc::new(LargeBinaryArray::from(blobs.clone()))),
            ("b2", Arc::new(BinaryViewArray::from(blobs))),
            ("t0", Arc::new(StringArray::from(texts.clone()))),
            ("t1", Arc::new(LargeStringArray::from(texts.clone()))),
            ("t2", Arc::new(StringViewArray::from(texts.clone()))),
            (
                "t3",
                Arc::new(texts.into_iter().collect::<DictionaryArray<Int32Type>>()),
            ),
        ]],
    );
    for (b, t) in [(0, 0), (1, 1), (2, 2), (0, 3)] {
        let sql = format!("SELECT t_blob(b{b}, t{t}) FROM t");
        assert_eq!(rows(&context, &sql).await, ["x:3", "", "?:0"], "{b} {t}");
    }
}

#[tokio::test]
async fn a_constant_is_not_copied_per_row() {
    let context = context();
    let sql = "SELECT DISTINCT t_blob(x'0102', CASE WHEN value >= 0 THEN 'same' END) \
               FROM generate_series(1, 10000)";
    assert_eq!(rows(&context, sql).await, ["shared: true"]);
    let sql = "SELECT t_plus(value, 2.5), t_add(1, value), t_describe({'k': 3}, {'v': value}) \
               FROM generate_series(1, 2)";
    assert_eq!(
        rows(&context, sql).await,
        ["3.5|2.0|k=3 {\"v\":1}", "4.5|3.0|k=3 {\"v\":2}"]
    );
}

#[tokio::test]
async fn options_are_a_struct_or_json() {
    let context = context();
    let options = |text: &str| format!("SELECT t_describe({{'a': 1}}, {text})");
    for (given, expected) in [
        (
            "{'name': 'x', 'n': 3, 'x': 2.5, 'flag': true, 'list': [1, 2], 'in': {'y': NULL}}",
            r#"a=1 {"name":"x","n":3,"x":2.5,"flag":true,"list":[1,2],"in":{"y":null}}"#,
        ),
        (r#"'{"b": [1, "x"]}'"#, r#"a=1 {"b":[1,"x"]}"#),
        (r#"arrow_cast('{"b": 1}', 'Utf8View')"#, r#"a=1 {"b":1}"#),
        ("{'x': 'NaN'::double}", r#"a=1 {"x":"NaN"}"#),
        ("NULL", "a=1 null"),
    ] {
        assert_eq!(rows(&context, &options(given)).await, [expected], "{given}");
    }
    let message = error(&context, &options("'{b: 1}'")).await;
    assert!(
        message.contains("t_describe: argument 'options' is {b: 1}; pass a struct"),
        "{message}"
    );
    let message = error(&context, &options("{'day': DATE '2024-01-01'}")).await;
    assert!(message.contains("a value of type DATE"), "{message}");
}

#[tokio::test]
async fn results_of_every_type() {
    let context = context();
    add_table(
        &context,
        "t",
        vec![vec![("x", doubles(&[Some(2.0), None, Some(0.0)]))]],
    );
    assert_eq!(
        rows(&context, "SELECT t_parts(x) AS p FROM t").await,
        [
            "{number: 1.0, whole: 2, flag: true, text: x2, bytes: 02, \
             table: [{i: 0, x: }, {i: 1, x: 2.0}]}",
            "",
            "{number: 0.0, whole: 0, flag: false, text: x0, bytes: , table: []}",
        ]
    );
    let sql = "SELECT p['whole'], arrow_typeof(p['table']) FROM (SELECT t_parts(x) AS p FROM t)";
    let seen = rows(&context, sql).await;
    assert!(seen[0].starts_with("2|List("), "{seen:?}");
}

#[tokio::test]
async fn wrong_arguments_are_named_when_planning() {
    let context = context();
    for (sql, expected) in [
        (
            "SELECT t_plus('1')",
            "Error during planning: t_plus: argument 'x' is of type VARCHAR; pass a numeric column, \
             or cast it: CAST(x AS DOUBLE)",
        ),
        (
            "SELECT t_plus(1, DATE '2024-01-01')",
            "Error during planning: t_plus: argument 'y' is of type DATE; pass a numeric \
             column, or cast it: CAST(y AS DOUBLE)",
        ),
        (
            "SELECT t_plus()",
            "Error during planning: t_plus: no argument was passed; call it as \
             t_plus(x number, y number = 0)",
        ),
        (
            "SELECT t_plus(1, 2, 3)",
            "Error during planning: t_plus: 3 arguments were passed; call it as \
             t_plus(x number, y number = 0)",
        ),
        (
            "SELECT t_describe(1)",
            "Error during planning: t_describe: argument 'features' is of type BIGINT; pass a \
             struct of features, such as {'a': a, 'b': b}",
        ),
        (
            "SELECT t_blob('text', 'x')",
            "Error during planning: t_blob: argument 'model' is of type VARCHAR; pass a model as fit \
             returns it, a BLOB",
        ),
        (
            "SELECT t_blob(x'01', 2)",
            "Error during planning: t_blob: argument 'label' is of type BIGINT; pass text, or \
             cast it: CAST(label AS VARCHAR)",
        ),
        (
            "SELECT t_describe({'a': 1}, 3)",
            "Error during planning: t_describe: argument 'options' is of type BIGINT; pass a \
             struct such as {'key': value}, or JSON text of an object",
        ),
    ] {
        assert_eq!(error(&context, sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn errors_and_panics_reach_the_caller_as_errors() {
    let context = context();
    add_table(
        &context,
        "t",
        vec![vec![("x", doubles(&[Some(1.0), Some(2.0)]))]],
    );
    let message = error(&context, "SELECT t_fail('wrong thing') FROM t").await;
    assert_eq!(message, "Execution error: t_fail: wrong thing");
    let message = error(&context, "SELECT t_fail('panic') FROM t").await;
    assert!(
        message.starts_with("Execution error: t_fail: it panicked: "),
        "{message}"
    );
    assert!(message.contains("as asked"), "{message}");
    // Where it is not reached, it raises nothing.
    let sql = "SELECT CASE WHEN x > 5 THEN t_fail('wrong') ELSE true END FROM t";
    assert_eq!(rows(&context, sql).await, ["true", "true"]);
    let sql = "SELECT count(*) FROM t WHERE x > 5 AND t_fail('wrong')";
    assert_eq!(rows(&context, sql).await, ["0"]);
}

#[tokio::test]
async fn no_rows_and_two_thousand_fields() {
    let context = context();
    add_table(&context, "t", vec![vec![("x", doubles(&[]))]]);
    let sql = "SELECT t_plus(x), t_describe({'x': x}), t_parts(x) FROM t";
    assert_eq!(rows(&context, sql).await, Vec::<String>::new());
    let n = 2000;
    let columns: Vec<(String, ArrayRef)> = (0..n)
        .map(|i| (format!("c{i}"), doubles(&[Some(f64::from(i))])))
        .collect();
    let columns = columns
        .iter()
        .map(|(name, array)| (name.as_str(), Arc::clone(array)));
    add_table(&context, "wide", vec![columns.collect()]);
    let items: Vec<String> = (0..n).map(|i| format!("'c{i}': c{i}")).collect();
    let sql = format!("SELECT t_describe({{{}}}) FROM wide", items.join(", "));
    let seen = rows(&context, &sql).await;
    assert!(seen[0].ends_with("c1999=1999 null"), "{seen:?}");
}
