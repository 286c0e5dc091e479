use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use async_trait::async_trait;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::prelude::SessionContext;

use super::{add_table, context, error, functions, rows};
use crate::call::Literal;
use crate::datafusion::expand_call;
use crate::definition::{Function, Table};

fn table(context: &SessionContext) {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("i", Arc::new(Int64Array::from(vec![1, 2]))),
        ("name", Arc::new(StringArray::from(vec!["a", "b"]))),
        ("a \"b\" C", Arc::new(Float64Array::from(vec![0.5, 1.5]))),
    ];
    add_table(context, "t", vec![columns]);
}

fn pick() -> &'static dyn Table {
    let found = functions::ALL.iter().find_map(|function| match function {
        Function::Table(table) => Some(*table),
        _ => None,
    });
    found.expect("t_pick")
}

const CALL: &str = "SELECT * FROM t_pick('t', [1, 2]) AS p WHERE p.i_1 > 1";

#[tokio::test]
async fn a_call_is_planned_as_its_sql() {
    let context = context();
    table(&context);
    assert_eq!(rows(&context, CALL).await, ["2|4|1.5|3.0"]);
    let sql = "SELECT * FROM t_pick('(SELECT i + 1 AS j FROM t)', make_array(1 + 2))";
    assert_eq!(rows(&context, sql).await, ["6", "9"]);
    let sql = "SELECT \"i_1\" FROM t_pick('datafusion.public.t', 1, ['i']) ORDER BY 1 DESC";
    assert_eq!(rows(&context, sql).await, ["2", "1"]);
    // A view of a call, and a call of that view.
    rows(&context, "CREATE VIEW v AS SELECT * FROM t_pick('t')").await;
    assert_eq!(
        rows(&context, "SELECT i_1_3 FROM t_pick('v', 3, 'i_1')").await,
        ["3", "6"]
    );
    // The plan is inlined: the filter reaches the table.
    let plan = rows(&context, &format!("EXPLAIN {CALL}")).await.join("\n");
    assert!(plan.contains("TableScan: t"), "{plan}");
}

#[test]
fn a_call_is_planned_on_either_runtime() {
    async fn run() -> Vec<String> {
        let context = context();
        table(&context);
        rows(&context, CALL).await
    }
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().expect("runtime");
    assert_eq!(runtime.block_on(run()), ["2|4|1.5|3.0"]);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("runtime");
    assert_eq!(
        runtime
            .block_on(async { tokio::spawn(run()).await })
            .expect("ran"),
        ["2|4|1.5|3.0"]
    );
}

/// A schema that answers only after I/O.
#[derive(Debug)]
struct Slow(MemorySchemaProvider);

#[async_trait]
impl SchemaProvider for Slow {
    fn table_names(&self) -> Vec<String> {
        self.0.table_names()
    }

    async fn table(
        &self,
        name: &str,
    ) -> datafusion::common::Result<Option<Arc<dyn TableProvider>>> {
        tokio::task::yield_now().await;
        self.0.table(name).await
    }

    fn table_exist(&self, name: &str) -> bool {
        self.0.table_exist(name)
    }
}

#[tokio::test]
async fn a_catalogue_that_waits_for_io_is_waited_for() {
    let context = context();
    table(&context);
    let slow = MemorySchemaProvider::new();
    let provider = context.table_provider("t").await.expect("t");
    slow.register_table("t".to_owned(), provider)
        .expect("registered");
    let catalog = context.catalog("datafusion").expect("catalog");
    catalog
        .register_schema("slow", Arc::new(Slow(slow)))
        .expect("registered");
    let sql = "SELECT i_2 FROM t_pick('slow.t', 2, 'i')";
    assert_eq!(rows(&context, sql).await, ["2", "4"]);
}

#[tokio::test]
async fn wrong_calls_are_explained() {
    let context = context();
    table(&context);
    for (call, expected) in [
        (
            "t_pick('missing')",
            "t_pick: the relation \"missing\" cannot be read (a bare",
        ),
        (
            "t_pick('t', 0)",
            "t_pick: argument 'times' is 0; pass integers of at least 1",
        ),
        (
            "t_pick('t', 1, ['nam'])",
            "no such column, did you mean 'name'?",
        ),
        (
            "t_pick('t', 1, 'i', 4)",
            "t_pick: 4 arguments were passed; it takes 3",
        ),
        ("t_pick()", "t_pick: argument 'relation' is missing"),
        (
            "t_pick('t', random())",
            "t_pick: argument 'times' is random(); pass a constant",
        ),
        (
            "t_pick('t', x'01')",
            "t_pick: argument 'times' is a value of type BLOB",
        ),
        ("t_pick('t', 13)", "t_pick: it panicked: "),
    ] {
        let message = error(&context, &format!("SELECT * FROM {call}")).await;
        assert!(message.contains(expected), "{call}: {message}");
        assert!(
            message.starts_with("Error during planning: t_pick: "),
            "{call}: {message}"
        );
    }
}

#[tokio::test]
async fn the_runner_expands_calls_with_names_and_ctes() {
    let context = context();
    table(&context);
    let text = |text: &str| Literal::Text(text.to_owned());
    let sql = expand_call(
        &context,
        pick(),
        vec![text("c")],
        vec![(
            "Times".to_owned(),
            Literal::List(vec![Literal::Integer(2), Literal::Integer(3)]),
        )],
        "WITH c AS (SELECT i + 10 AS k, name FROM t)",
    )
    .await
    .expect("expanded");
    assert_eq!(
        sql,
        "SELECT \"k\" * 2 AS \"k_2\", \"k\" * 3 AS \"k_3\" FROM \"c\""
    );
    let failed = expand_call(&context, pick(), vec![text("c")], Vec::new(), "").await;
    let message = failed.expect_err("no such table").to_string();
    assert!(
        message.starts_with("t_pick: the relation \"c\" cannot be read: "),
        "{message}"
    );
    let named = vec![("tims".to_owned(), Literal::Integer(1))];
    let failed = expand_call(&context, pick(), vec![text("t")], named, "").await;
    let message = failed.expect_err("no such argument").to_string();
    assert!(message.contains("did you mean 'times'?"), "{message}");
}

#[test]
fn a_session_is_not_kept_alive_by_its_functions() {
    let context = context();
    let weak = context.state_weak_ref();
    drop(context);
    assert!(weak.upgrade().is_none());
}

#[test]
fn names_of_the_engine_are_not_taken_over() {
    struct Named;
    impl Table for Named {
        fn signature(&self) -> &'static crate::definition::Signature {
            static SIGNATURE: crate::definition::Signature = crate::definition::Signature {
                name: "sum",
                aliases: &[],
                category: crate::definition::Category::Evaluation,
                arguments: &[],
                options: &[],
                returns: crate::value::Type::Double,
                nulls: "",
                docs: "",
                example: "",
            };
            &SIGNATURE
        }

        fn sql(&self, _call: &crate::call::Call<'_>) -> crate::Result<String> {
            Ok("SELECT 1".to_owned())
        }
    }
    let context = context();
    let taken = super::register(&context, &Function::Table(&Named));
    let message = taken.expect_err("taken").to_string();
    assert_eq!(
        message,
        "sum: the name 'sum' is already a function of this DataFusion session"
    );
    // Ours may be registered again.
    for function in functions::ALL {
        super::register(&context, function).expect("registered");
    }
}
