use std::f64::consts::TAU;

use serde_json::json;

use super::{AGGREGATE_SIGNATURE, FIELDS, Gathered, InformationCoefficient, OverGroups};
use crate::call::{Call, Literal, SourceColumn, Target};
use crate::definition::Table;
use crate::functions::gather::{OverFeatures, Stored};
use crate::options::Options;
use crate::statistics::column_store::ColumnStore;
use crate::value::{Column, Value};

const NAN: f64 = f64::NAN;

/// The panel of tests/python/information_coefficient_reference.py, whose
/// numbers these tests expect (SciPy 1.17.1, statsmodels 0.15.0, pandas 3.1.1).
struct Panel {
    numbers: Vec<Vec<f64>>,
    columns: Vec<Vec<f64>>,
}

const NAMES: [&str; 5] = ["a", "b", "slow", "market", "flat"];

fn panel(target: &str, keep: fn(i64, i64) -> bool) -> Panel {
    let mut panel = Panel {
        numbers: vec![Vec::new(); 3],
        columns: vec![Vec::new(); NAMES.len()],
    };
    // Backwards: nothing depends on the order of the rows.
    for i in (0..240_i64).rev() {
        let (symbol, ts) = (i % 8, i / 8);
        if i % 19 == 3 || !keep(symbol, ts) {
            continue;
        }
        let a = (i * i * 31 + i * 7) % 101;
        let slow = (symbol * 37) % 11 + ts * ((symbol * 5) % 3) + (i * i * 13) % 5;
        let y = match target {
            "y1" => a + (i * i * 53) % 89,
            _ => 3 * slow - (i * i * 29) % 61,
        };
        let y = if ts < 28 { y as f64 } else { NAN };
        let b = if i % 11 == 0 {
            NAN
        } else {
            ((i * i * 31) % 17) as f64
        };
        let numbers = [y, ts as f64, symbol as f64];
        let values = [a as f64, b, slow as f64, ((ts * 3) % 7) as f64, 5.0];
        panel
            .numbers
            .iter_mut()
            .zip(numbers)
            .for_each(|(column, value)| column.push(value));
        panel
            .columns
            .iter_mut()
            .zip(values)
            .for_each(|(column, value)| column.push(value));
    }
    panel
}

/// The result as lines of numbers (NaN for NULL), by feature and lag, and
/// their status.
fn lines(panel: &Panel, options: serde_json::Value) -> Vec<(String, i64, Vec<f64>, String)> {
    let names: Vec<String> = NAMES.map(str::to_owned).to_vec();
    let unread = ColumnStore::new(0);
    let gathered = Gathered {
        numbers: &panel.numbers,
        names: &names[..panel.columns.len()],
        columns: &panel.columns,
        stored: Stored::new(&unread, 0, None),
        rows: panel.numbers[0].len(),
        sampled: None,
    };
    let options = Options::parse(&AGGREGATE_SIGNATURE, &options).unwrap();
    let Value::Rows(columns) = OverGroups.finish(&gathered, &options).unwrap() else {
        panic!("rows were expected");
    };
    assert_eq!(columns.len(), FIELDS.len());
    let number = |column: &Column, i: usize| match column {
        Column::Integer(values) => values[i].unwrap() as f64,
        Column::Double(values) => values[i].unwrap_or(NAN),
        _ => panic!("a number was expected"),
    };
    let text = |column: &Column, i: usize| match column {
        Column::Text(values) => values[i].clone().unwrap(),
        _ => panic!("text was expected"),
    };
    (0..columns[0].len())
        .map(|i| {
            let values = columns[2..19].iter().map(|column| number(column, i));
            let lag = number(&columns[1], i) as i64;
            (
                text(&columns[0], i),
                lag,
                values.collect(),
                text(&columns[19], i),
            )
        })
        .collect()
}

fn check(panel: &Panel, options: serde_json::Value, expected: &str) {
    let found = lines(panel, options);
    for row in expected.lines() {
        let words: Vec<&str> = row.split(' ').collect();
        let (feature, lag) = (words[0], words[1].parse::<i64>().unwrap());
        let line = found.iter().find(|line| line.0 == feature && line.1 == lag);
        let (_, _, numbers, status) = line.unwrap();
        assert_eq!(status, "ok");
        assert_eq!(numbers.len(), words.len() - 2);
        for ((field, number), word) in FIELDS[2..].iter().zip(numbers).zip(&words[2..]) {
            let value: f64 = word.parse().unwrap();
            let same = (number - value).abs() <= 1e-11 * value.abs().max(1e-3)
                || number.is_nan() && value.is_nan();
            assert!(same, "{feature} {lag} {field}: {number} against {value}");
        }
    }
}

#[test]
fn dates_agree_with_scipy_statsmodels_and_pandas() {
    check(
        &panel("y1", |_, _| true),
        json!({"horizon": 3, "lags": "0,1"}),
        "a 0 28 2 212 0.6763561064647894 0.19652530430991963 3.4415726200743006 0.62130889216289 0.2334941048893764 2.660918966058053 18.482415331462004 2.8608289715724687e-76 11.776635004747746 5.150858115960644e-32 2 1.0 0.8793103448275862 -0.07229202320135625\n\
         a 1 27 3 204 0.03816954099791206 0.38318186335551885 0.09961207627016024 0.016190713491166357 0.3676118975739335 0.044042952902279525 0.5365959889141629 0.5915467153867695 0.2346656942618433 0.8144682162669267 2 0.5555555555555556 0.8571428571428571 -0.09158627840214803\n\
         b 0 28 2 192 0.0002585764344813383 0.4735623614469589 0.0005460240414615383 0.016012020185791367 0.48237813451947625 0.03319391788299408 0.0032892614769476827 0.99737555378352 0.20658537399962487 0.8363336837242661 2 0.6071428571428571 0.6346153846153846 -0.10425379961031733\n\
         b 1 27 3 185 0.003072378537831288 0.4072002347728392 0.007545129583594778 -0.016096880651005462 0.42771138941979375 -0.03763491234788364 0.04122004857818224 0.9671204708005308 -0.20715573926251077 0.8358882324407936 2 0.5555555555555556 0.6363636363636364 -0.09399368462456563\n\
         slow 0 28 2 212 0.006508295938566584 0.40478219533037496 0.01607851336755226 0.003197871104728334 0.3405285833159858 0.009390903616924698 0.0846950405922061 0.9325038388360422 0.059420947253041145 0.9526168290413065 2 0.5357142857142857 0.27586206896551724 0.9006578274701823\n\
         slow 1 27 3 204 -0.025072292409950007 0.3934206230953383 -0.06372897336364138 -0.02814215465966085 0.3720309864070285 -0.07564465242922352 -0.38604334621767156 0.6994645666960713 -0.47007177886342183 0.6383037359745196 2 0.48148148148148145 0.30357142857142855 0.8981837496146537",
    );
    check(
        &panel("y2", |_, _| true),
        json!({"lags": "2,0", "quantile": 0.3}),
        "a 0 28 2 212 -0.06293593033510159 0.38565456333530485 -0.16319249483476836 -0.04431812632201338 0.3990245180183608 -0.11106617343241579 -0.879379487677414 0.37919555019022755 -0.5984914612046242 0.5495120547273464 0 0.5357142857142857 0.706896551724138 -0.07229202320135625\n\
         a 2 26 4 196 -0.09242956459394175 0.32993504690803466 -0.2801447298798341 -0.09381594534925396 0.3269264565461291 -0.2869634545346641 -1.456752595375137 0.14518468566722584 -1.4922099635802533 0.13564411117696162 0 0.5769230769230769 0.7345679012345679 -0.06920220032530307\n\
         b 0 28 2 192 -0.02836327153671456 0.48710820667558424 -0.058227866309804546 0.02848580481817407 0.44770853164589375 0.06362578062440043 -0.31376682669082956 0.7536981413678709 0.342854041328378 0.731708268078406 0 0.5357142857142857 0.6149425287356323 -0.10425379961031733\n\
         b 2 26 4 178 -0.05554505260892702 0.41244690413498736 -0.13467200760160877 -0.06766570590317264 0.4117565865653038 -0.16433424044921985 -0.7002944395283653 0.483743443595278 -0.8545380503359431 0.3928069358918852 0 0.5384615384615384 0.6111111111111112 -0.11469143483057825\n\
         slow 0 28 2 212 0.8539006394113375 0.3013707990738141 2.833388775672966 0.7798603195165226 0.32121984723305685 2.42780863708806 15.268005875300735 1.2493551479950673e-52 13.082495721527765 4.1460049272073944e-39 0 0.9642857142857143 0.12643678160919541 0.9006578274701823\n\
         slow 2 26 4 196 0.9093130368314455 0.08904598310111515 10.211724382883004 0.8274326423596103 0.1029634797785941 8.0361759736449 53.10096679099163 0.0 41.78811506295348 0.0 0 1.0 0.16666666666666666 0.9029760310192503",
    );
}

#[test]
fn a_horizon_beyond_the_dates_takes_the_lags_there_are() {
    check(
        &panel("y1", |_, ts| ts < 6),
        json!({"horizon": 99}),
        "a 0 6 0 45 0.5604404155741193 0.15802556127053297 3.5465174815273675 0.39975355243596905 0.2382682969168032 1.6777454558948397 19.598088443074705 1.6054231241836853e-85 7.549106199976319 4.3825540891250926e-14 5 1.0 1.0 -0.22210558089773666",
    );
}

#[test]
fn entities_agree_with_scipy_and_statsmodels() {
    check(
        &panel("y1", |_, _| true),
        json!({"by": "entity", "horizon": 3, "lags": "0, 2"}),
        "a 0 8 0 212 0.7186635287476055 0.10119441462164175 7.101810227714979 0.6967447264952448 0.11589620612943664 6.011799262152703 21.473855681038653 2.7337002055848497e-102 18.17797231965446 7.713348767603533e-74 0 1.0 NaN NaN\n\
         a 2 8 0 196 -0.09734366065838407 0.15406467908695526 -0.6318363250764478 -0.07660414746668355 0.11794896894053332 -0.6494685638609126 -1.9104934690848507 0.05606970648104269 -1.9638083478059956 0.049552321650386914 0 0.625 NaN NaN\n\
         b 0 8 0 192 -0.02727767395986253 0.19370909113231538 -0.1408177272445627 0.005720474962437785 0.18314132397643115 0.03123530418057896 -0.425792784546786 0.6702588451079871 0.09444668227116336 0.9247543344166553 0 0.625 NaN NaN\n\
         b 2 8 0 178 -0.03922371156969956 0.25497142170745235 -0.15383571737974555 -0.028194374351770517 0.2570805714912886 -0.10967135395809523 -0.4651554867954556 0.6418201130066513 -0.3316150040238392 0.7401799885456252 0 0.5 NaN NaN\n\
         market 0 8 0 212 0.04762154170689162 0.1691686646929654 0.2815033256503081 0.046308731024024205 0.18849623979034907 0.24567456133623727 0.8511860490381086 0.3946660112626382 0.742850048857792 0.45757247045175653 0 0.625 NaN NaN\n\
         market 2 8 0 196 0.04164382015123577 0.20526792082790718 0.2028754419262091 0.05804333855925713 0.18942932868975318 0.30641157291076265 0.6134376759532296 0.5395869805356093 0.9265015094331583 0.3541854130395605 0 0.75 NaN NaN",
    );
}

#[test]
fn what_has_no_coefficient_says_why() {
    let status = |panel: &Panel, options: serde_json::Value| -> Vec<String> {
        lines(panel, options)
            .into_iter()
            .map(|line| line.3)
            .collect()
    };
    let mut whole = panel("y1", |_, _| true);
    let found = status(&whole, json!({}));
    assert_eq!(found[0], "ok");
    let constant = "the feature is constant within every date; use by => 'entity'";
    assert_eq!(found[3..], [constant, constant]);
    assert_eq!(
        status(&whole, json!({"by": "entity"}))[4],
        "the feature is constant within every entity"
    );
    assert_eq!(
        status(&whole, json!({"lags": "30"}))[0],
        "the feature has no value 30 rows earlier"
    );
    whole.numbers[0].fill(1.0);
    assert_eq!(
        status(&whole, json!({}))[0],
        "the target is constant within every date; use by => 'entity'"
    );
    whole.numbers[0].fill(NAN);
    assert_eq!(
        status(&whole, json!({}))[0],
        "the target is missing in every row"
    );
    whole.columns[0].fill(NAN);
    assert_eq!(
        status(&whole, json!({}))[0],
        "the feature is missing in every row"
    );

    let one = panel("y1", |symbol, _| symbol == 1);
    assert_eq!(
        status(&one, json!({}))[0],
        "one entity: no date has 3 pairs; use by => 'entity'"
    );
    assert_eq!(
        status(&one, json!({"by": "entity"}))[0],
        "only one entity has a coefficient: no deviation and no t-statistic"
    );
    let first = panel("y1", |_, ts| ts == 0);
    let line = &lines(&first, json!({}))[0];
    assert_eq!(line.2[0], 1.0);
    assert!(line.2[3].is_finite() && line.2[4].is_nan() && line.2[9].is_nan());
    assert!(line.2[15].is_nan() && line.2[16].is_nan());

    // A feature that is the target has the same coefficient everywhere.
    let mut same = panel("y1", |_, ts| ts < 28);
    same.columns[0] = same.numbers[0].iter().map(|y| y * TAU - 0.1).collect();
    let line = &lines(&same, json!({}))[0];
    assert_eq!(
        line.3,
        "the coefficient is the same for every date: no ratio and no t-statistic"
    );
    assert!((line.2[3] - 1.0).abs() < 1e-15 && line.2[4] == 0.0 && line.2[5].is_nan());
}

fn sql(named: &[(&str, Literal)], target: Target<'_>) -> crate::Result<String> {
    let named = named
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    let positional = vec![Literal::Text("bars".to_owned())];
    let signature = InformationCoefficient.signature();
    let call = Call::resolve(signature, positional, named.collect(), target)?;
    InformationCoefficient.sql(&call)
}

fn text(value: &str) -> Literal {
    Literal::Text(value.to_owned())
}

#[test]
fn targets_and_keys_are_no_features() {
    let columns: Vec<SourceColumn> = ["ts", "symbol", "x", "y", "z"]
        .map(|name| SourceColumn {
            name: name.to_owned(),
            numeric: true,
        })
        .to_vec();
    let targets = Literal::List(vec![text("y"), text("z")]);
    let mut named = vec![
        ("target", targets),
        ("order_by", text("ts")),
        ("partition_by", text("symbol")),
    ];
    let sql_text = sql(&named, Target::DataFusion(&columns)).unwrap();
    assert_eq!(sql_text.matches("{'x': \"x\"}").count(), 2, "{sql_text}");
    assert_eq!(sql_text.matches("UNION ALL").count(), 1, "{sql_text}");
    assert!(
        sql_text.contains("'horizon': 1, 'lags': '0', 'quantile': 0.2"),
        "{sql_text}"
    );

    named.push(("features", Literal::List(vec![text("x"), text("Z")])));
    let error = sql(&named, Target::DuckDb).unwrap_err().to_string();
    assert_eq!(
        error,
        "information_coefficient: argument 'features' is 'Z'; it is a target; leave it out"
    );
}

#[test]
fn wrong_arguments_are_named() {
    let base = [("target", text("y")), ("order_by", text("ts"))];
    for (name, value, message) in [
        (
            "by",
            text("dates"),
            "argument 'by' is 'dates'; did you mean 'date'? pass one of date, entity",
        ),
        (
            "horizon",
            Literal::Integer(0),
            "argument 'horizon' is 0; pass an integer of at least 1",
        ),
        ("horizon", Literal::Null, "argument 'horizon' is NULL"),
        (
            "lags",
            Literal::Integer(-1),
            "argument 'lags' is -1; pass integers of at least 0",
        ),
        (
            "quantile",
            Literal::Double(1.0),
            "argument 'quantile' is 1.0; pass a number from 0.001",
        ),
        ("horizn", Literal::Integer(1), "did you mean 'horizon'?"),
    ] {
        let mut named = base.to_vec();
        named.push((name, value));
        let error = sql(&named, Target::DuckDb).unwrap_err().to_string();
        assert!(
            error.starts_with("information_coefficient: ") && error.contains(message),
            "{error}"
        );
    }
    let error = sql(&base[..1], Target::DuckDb).unwrap_err().to_string();
    assert!(
        error.contains("argument 'order_by' is NULL; pass the time column"),
        "{error}"
    );
}
