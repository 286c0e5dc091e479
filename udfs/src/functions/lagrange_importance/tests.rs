//! Whole results against `tests/python/importance_reference.py` (scikit-learn
//! 1.9.1), which draws the same permutations.

use serde_json::{Value as Json, json};

use super::*;
use crate::definition::Aggregate;
use crate::input::{Feature, Features, Input, Inputs, Numbers, OptionsColumn, Rows};
use crate::statistics::random::Random;

struct Constant(Json);

impl OptionsColumn for Constant {
    fn read(&self, _: usize) -> Result<Json> {
        Ok(self.0.clone())
    }
}

/// Rows of target, start, end, position, a, b, c, d: two symbols, 100 times.
fn panel(horizon: f64) -> Vec<[f64; 8]> {
    let row = |k: u32| {
        let time = f64::from(k / 2) + 1.0;
        let end = time + horizon;
        let end = if end > 100.0 { f64::NAN } else { end };
        let a = f64::from(k * 7919 % 101);
        let b = f64::from(k * 31 % 17);
        let c = f64::from(k * 13 % 29);
        let target = 3.0 * a + b + f64::from(k * 5 % 7);
        let position = f64::from(k % 2) * 100.0 + time;
        [
            target,
            time,
            end,
            position,
            a,
            b,
            c,
            a + f64::from(k * 3 % 5),
        ]
    };
    (0..200).map(row).collect()
}

fn update(
    state: &mut super::super::gather::State,
    rows: &[[f64; 8]],
    names: &[&str],
    options: &Json,
) -> Result<()> {
    let column = |i: usize| Numbers::new(rows.iter().map(|row| row[i]).collect::<Vec<f64>>(), None);
    let mut columns: Vec<Input<'_>> = (0..4).map(|i| Input::Numbers(column(i))).collect();
    let field = |(i, name): (usize, &&str)| Feature {
        name: (*name).to_owned().into(),
        type_name: "DOUBLE".into(),
        numbers: Some(column(4 + i)),
        texts: None,
    };
    columns.push(Input::Features(Features {
        fields: names.iter().enumerate().map(field).collect(),
    }));
    columns.push(Input::Options(Box::new(Constant(options.clone()))));
    let inputs = Inputs {
        rows: rows.len(),
        columns,
    };
    IMPORTANCE.update(state, &inputs, Rows::All(rows.len()))
}

fn result(rows: &[[f64; 8]], names: &[&str], options: Json) -> Value {
    let mut state = Aggregate::start(&IMPORTANCE);
    update(&mut state, rows, names, &options).unwrap();
    Aggregate::finish(&IMPORTANCE, &state).unwrap()
}

fn column<'a>(value: &'a Value, name: &str) -> &'a Column {
    let Value::Rows(columns) = value else {
        panic!("{value:?}");
    };
    &columns[FIELDS.iter().position(|(known, _)| *known == name).unwrap()]
}

fn doubles(value: &Value, name: &str) -> Vec<Option<f64>> {
    match column(value, name) {
        Column::Double(values) => values.clone(),
        other => panic!("{other:?}"),
    }
}

fn integers(value: &Value, name: &str) -> Vec<Option<i64>> {
    match column(value, name) {
        Column::Integer(values) => values.clone(),
        other => panic!("{other:?}"),
    }
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    match column(value, name) {
        Column::Text(values) => values.iter().map(|value| value.clone().unwrap()).collect(),
        other => panic!("{other:?}"),
    }
}

/// The numbers of the reference, per row: importance, std, standard error, share.
fn assert_reference(value: &Value, expected: &[[f64; 4]]) {
    for (place, name) in ["importance", "std", "standard_error", "share"]
        .iter()
        .enumerate()
    {
        let found = doubles(value, name);
        assert_eq!(found.len(), expected.len());
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            let (found, expected) = (found.unwrap(), expected[place]);
            // Ten digits are printed; small numbers are differences of large ones.
            assert!(
                (found - expected).abs() <= 1e-9 * expected.abs().max(1e-3),
                "{name} of row {i} is {found}, not {expected}"
            );
        }
    }
}

const METHODS: &str = "permutation,coefficient,single_feature,shap";

#[test]
fn walking_forward_gives_the_numbers_of_the_reference() {
    let value = result(&panel(1.0), &["a", "b", "c"], json!({"methods": METHODS}));
    assert_reference(
        &value,
        &[
            [3635.143833, 294.2043483, 131.5721844, 0.9968205727],
            [11.59453941, 0.768853165, 0.3438415883, 0.003179427266],
            [-0.006784469755, 0.02314067832, 0.01034882595, 0.0],
            [0.9976364485, 0.004979860174, 0.002227061174, 0.9438736184],
            [0.05797057866, 0.002289596483, 0.001023938675, 0.05484653244],
            [
                0.001352749106,
                0.001348092699,
                0.0006028853828,
                0.001279849183,
            ],
            [0.9963392866, 0.0002449358367, 0.0001095386362, 1.0],
            [-0.01645413032, 0.05280476139, 0.0236150072, 0.0],
            [-0.005883119336, 0.004369409813, 0.001954059473, 0.0],
            [76.14488564, 0.3618171929, 0.1618095678, 0.944776457],
            [4.349740333, 0.2018407065, 0.09026590805, 0.05396990521],
            [0.1010377699, 0.1003552281, 0.04488022238, 0.001253637792],
        ],
    );
    assert_eq!(integers(&value, "train_rows"), vec![Some(162); 12]);
    assert_eq!(integers(&value, "test_rows"), vec![Some(166); 12]);
    assert_eq!(integers(&value, "rows_skipped"), vec![Some(2); 12]);
    assert_eq!(integers(&value, "folds"), vec![Some(5); 12]);
    assert_eq!(integers(&value, "cluster"), vec![None; 12]);
    assert_eq!(integers(&value, "rank")[6..9], [Some(1), Some(3), Some(2)]);
    assert_eq!(texts(&value, "status"), vec!["ok"; 12]);
}

#[test]
fn blocks_and_correlations_give_the_numbers_of_the_reference() {
    let value = result(
        &panel(3.0),
        &["a", "b", "c"],
        json!({"methods": METHODS, "folds": 3, "model": "{\"algorithm\": \"ols\"}", "metric": "ic", "repeats": 3, "block": 2, "seed": 7}),
    );
    assert_reference(
        &value,
        &[
            [0.9424402974, 0.07769439102, 0.04485687757, 0.9966168871],
            [
                0.003199205208,
                0.0001160083709,
                6.697746417e-05,
                0.003383112908,
            ],
            [-1.404531409e-06, 1.183095695e-06, 6.830606178e-07, 0.0],
            [0.9999032106, 0.001035148401, 0.0005976432077, 0.9449406259],
            [0.057455037, 0.00098071268, 0.0005662147298, 0.05429685399],
            [
                0.0008068721487,
                0.001024218449,
                0.0005913327973,
                0.0007625200771,
            ],
            [0.9981753783, 0.000116015552, 6.698161017e-05, 0.8962920372],
            [0.1154966581, 0.1120114847, 0.06466986085, 0.1037079628],
            [-0.01710318018, 0.0441702771, 0.02550172137, 0.0],
            [75.49214477, 2.028456901, 1.171130138, 0.9449774017],
            [4.324752757, 0.1390917668, 0.080304669, 0.05413534926],
            [0.0708803503, 0.06151524441, 0.03551584292, 0.0008872489908],
        ],
    );
    assert_eq!(integers(&value, "train_rows")[0], Some(138));
    assert_eq!(integers(&value, "test_rows")[0], Some(146));
}

#[test]
fn purged_k_folds_give_the_numbers_of_the_reference() {
    let value = result(
        &panel(2.0),
        &["a", "b", "c"],
        json!({"methods": METHODS, "scheme": "purged_kfold", "folds": 4, "embargo": 3, "model": "{\"algorithm\": \"ridge\", \"alpha\": 100}"}),
    );
    assert_reference(
        &value,
        &[
            [3724.987148, 385.0003727, 192.5001863, 0.9966792206],
            [12.41107509, 0.4766093819, 0.238304691, 0.003320779416],
            [-0.001568336932, 0.002097278002, 0.001048639001, 0.0],
            [0.9949445862, 0.002746422215, 0.001373211108, 0.9476796457],
            [
                0.05489527514,
                0.001004798753,
                0.0005023993765,
                0.05228746969,
            ],
            [
                -3.452471408e-05,
                0.000428500541,
                0.0002142502705,
                3.288461414e-05,
            ],
            [0.9962425365, 0.0002912290958, 0.0001456145479, 1.0],
            [-0.002931835464, 0.01899402525, 0.009497012624, 0.0],
            [-0.003830948859, 0.001694283558, 0.0008471417788, 0.0],
            [75.98515239, 1.168592989, 0.5842964944, 0.9474675413],
            [4.18974468, 0.05275739999, 0.0263787, 0.05224240481],
            [
                0.02326179109,
                0.01886159314,
                0.009430796569,
                0.0002900539292,
            ],
        ],
    );
    assert_eq!(integers(&value, "train_rows")[0], Some(196));
}

#[test]
fn clusters_give_the_numbers_of_the_reference() {
    let value = result(
        &panel(1.0),
        &["a", "b", "c", "d"],
        json!({"methods": METHODS, "folds": 2, "clusters": true}),
    );
    let a_and_d = |a, b, c| [a, b, c, a];
    let of = |cluster: [[f64; 4]; 3]| a_and_d(cluster[0], cluster[1], cluster[2]);
    let expected = [
        of([
            [3738.632261, 169.0923344, 119.5663363, 0.99660396],
            [12.7398095, 1.401080345, 0.9907134128, 0.003396039972],
            [-0.009940171739, 0.01227513257, 0.008679829482, 0.0],
        ]),
        of([
            [1.000898207, 0.003605311058, 0.002549339897, 0.9443905612],
            [0.05765794543, 0.002517083162, 0.001779846572, 0.05440275453],
            [
                0.001278886233,
                0.001077923141,
                0.0007622067624,
                0.001206684235,
            ],
        ]),
        of([
            [0.9963432422, 0.0001082579822, 7.654995336e-05, 0.9958401761],
            [
                0.004161925297,
                0.01404793071,
                0.009933387066,
                0.004159823889,
            ],
            [-0.002787061799, 0.00191069798, 0.001351067498, 0.0],
        ]),
        of([
            [76.10094205, 0.1056405982, 0.07469918333, 0.9452070355],
            [4.315927125, 0.2135485449, 0.1510016242, 0.05360570544],
            [0.09558914792, 0.07986111812, 0.05647033817, 0.001187259089],
        ]),
    ];
    assert_reference(&value, expected.as_flattened());
    assert_eq!(
        integers(&value, "cluster")[..4],
        [Some(1), Some(3), Some(2), Some(1)]
    );
    assert_eq!(
        integers(&value, "members")[..4],
        [Some(2), Some(1), Some(1), Some(2)]
    );
}

#[test]
fn neither_the_order_of_rows_nor_merging_matters() {
    let rows = panel(1.0);
    let options = json!({"methods": METHODS, "clusters": true, "folds": 3});
    let names = ["a", "b", "c", "d"];
    let whole = result(&rows, &names, options.clone());
    let order = Random::stream(3, "rows", 0).permutation(rows.len());
    let shuffled: Vec<[f64; 8]> = order.iter().map(|&i| rows[i]).collect();
    let mut merged = Aggregate::start(&IMPORTANCE);
    for piece in shuffled.chunks(7) {
        let mut state = Aggregate::start(&IMPORTANCE);
        update(&mut state, piece, &names, &options).unwrap();
        IMPORTANCE.merge(&mut merged, &state).unwrap();
    }
    assert_eq!(Aggregate::finish(&IMPORTANCE, &merged).unwrap(), whole);
}

#[test]
fn features_without_values_do_not_cost_the_others_theirs() {
    let mut rows = panel(1.0);
    for row in &mut rows {
        row[5] = f64::NAN; // b
    }
    rows[40][4] = f64::NAN; // a
    let value = result(&rows, &["a", "b", "c"], json!({}));
    assert_eq!(texts(&value, "status")[..3], ["ok", "no values", "ok"]);
    assert_eq!(texts(&value, "method")[1], "permutation");
    assert_eq!(integers(&value, "rank")[..3], [Some(1), None, Some(2)]);
    assert_eq!(integers(&value, "folds")[..3], [Some(5), Some(0), Some(5)]);
    assert_eq!(integers(&value, "rows_skipped")[0], Some(3));
    assert_eq!(doubles(&value, "share")[1], None);
}

#[test]
fn too_few_rows_say_so() {
    let rows = panel(1.0);
    let two = result(&rows[..2], &["a"], json!({}));
    assert_eq!(texts(&two, "status"), ["no training rows"; 2]);
    assert_eq!(doubles(&two, "importance"), [None, None]);

    let unlabelled: Vec<[f64; 8]> = rows
        .iter()
        .map(|row| {
            let mut row = *row;
            row[0] = f64::NAN;
            row
        })
        .collect();
    let none = result(&unlabelled, &["a"], json!({"clusters": true}));
    assert_eq!(texts(&none, "status"), ["no complete rows"; 2]);
    assert_eq!(integers(&none, "rows_skipped"), [Some(200); 2]);

    let empty = Aggregate::finish(&IMPORTANCE, &Aggregate::start(&IMPORTANCE)).unwrap();
    assert_eq!(empty, Value::Null);

    let missing: Vec<[f64; 8]> = rows
        .iter()
        .map(|row| {
            let mut row = *row;
            row[4] = f64::NAN;
            row
        })
        .collect();
    let missing = result(&missing, &["a"], json!({}));
    assert_eq!(texts(&missing, "status"), ["no values"; 2]);
}

#[test]
fn infinity_is_an_error_of_the_function_that_people_call() {
    let mut rows = panel(1.0);
    rows[3][4] = f64::INFINITY;
    let mut state = Aggregate::start(&IMPORTANCE);
    let error = update(&mut state, &rows, &["a"], &json!({})).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("feature_importance: feature 'a'"),
        "{error}"
    );
}
