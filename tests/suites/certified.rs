//! Least squares against the certified values of the NIST Statistical Reference
//! Datasets (Longley: higher difficulty, multicollinear; Filip: a polynomial of
//! degree ten whose normal equations have no digit left), on both engines and
//! with partial states merged.

use lagrange_tests::{DataFusionEngine, DuckDbEngine, Engine};

/// Total employment; GNP deflator, GNP, unemployed, armed forces, population,
/// year.
const LONGLEY: [[f64; 7]; 16] = [
    [60323.0, 83.0, 234289.0, 2356.0, 1590.0, 107608.0, 1947.0],
    [61122.0, 88.5, 259426.0, 2325.0, 1456.0, 108632.0, 1948.0],
    [60171.0, 88.2, 258054.0, 3682.0, 1616.0, 109773.0, 1949.0],
    [61187.0, 89.5, 284599.0, 3351.0, 1650.0, 110929.0, 1950.0],
    [63221.0, 96.2, 328975.0, 2099.0, 3099.0, 112075.0, 1951.0],
    [63639.0, 98.1, 346999.0, 1932.0, 3594.0, 113270.0, 1952.0],
    [64989.0, 99.0, 365385.0, 1870.0, 3547.0, 115094.0, 1953.0],
    [63761.0, 100.0, 363112.0, 3578.0, 3350.0, 116219.0, 1954.0],
    [66019.0, 101.2, 397469.0, 2904.0, 3048.0, 117388.0, 1955.0],
    [67857.0, 104.6, 419180.0, 2822.0, 2857.0, 118734.0, 1956.0],
    [68169.0, 108.4, 442769.0, 2936.0, 2798.0, 120445.0, 1957.0],
    [66513.0, 110.8, 444546.0, 4681.0, 2637.0, 121950.0, 1958.0],
    [68655.0, 112.6, 482704.0, 3813.0, 2552.0, 123366.0, 1959.0],
    [69564.0, 114.2, 502601.0, 3931.0, 2514.0, 125368.0, 1960.0],
    [69331.0, 115.7, 518173.0, 4806.0, 2572.0, 127852.0, 1961.0],
    [70551.0, 116.9, 554894.0, 4007.0, 2827.0, 130081.0, 1962.0],
];

/// Certified estimate and standard deviation, the intercept first.
const LONGLEY_CERTIFIED: [[f64; 2]; 7] = [
    [-3_482_258.634_595_82, 890_420.383_607_373],
    [15.061_872_271_373_3, 84.914_925_774_766_9],
    [-0.358_191_792_925_910e-1, 0.334_910_077_722_432e-1],
    [-2.020_229_803_816_83, 0.488_399_681_651_699],
    [-1.033_226_867_173_59, 0.214_274_163_161_675],
    [-0.511_041_056_535_807e-1, 0.226_073_200_069_370],
    [1_829.151_464_613_55, 455.478_499_142_212],
];

/// (y, x).
const FILIP: [(f64, f64); 82] = [
    (0.8116, -6.860120914),
    (0.9072, -4.324130045),
    (0.9052, -4.358625055),
    (0.9039, -4.358426747),
    (0.8053, -6.955852379),
    (0.8377, -6.661145254),
    (0.8667, -6.355462942),
    (0.8809, -6.118102026),
    (0.7975, -7.115148017),
    (0.8162, -6.815308569),
    (0.8515, -6.519993057),
    (0.8766, -6.204119983),
    (0.8885, -5.853871964),
    (0.8859, -6.109523091),
    (0.8959, -5.79832982),
    (0.8913, -5.482672118),
    (0.8959, -5.171791386),
    (0.8971, -4.851705903),
    (0.9021, -4.517126416),
    (0.909, -4.143573228),
    (0.9139, -3.709075441),
    (0.9199, -3.499489089),
    (0.8692, -6.300769497),
    (0.8872, -5.953504836),
    (0.89, -5.642065153),
    (0.891, -5.031376979),
    (0.8977, -4.680685696),
    (0.9035, -4.329846955),
    (0.9078, -3.928486195),
    (0.7675, -8.56735134),
    (0.7705, -8.363211311),
    (0.7713, -8.107682739),
    (0.7736, -7.823908741),
    (0.7775, -7.522878745),
    (0.7841, -7.218819279),
    (0.7971, -6.920818754),
    (0.8329, -6.628932138),
    (0.8641, -6.323946875),
    (0.8804, -5.991399828),
    (0.7668, -8.781464495),
    (0.7633, -8.663140179),
    (0.7678, -8.473531488),
    (0.7697, -8.247337057),
    (0.77, -7.971428747),
    (0.7749, -7.676129393),
    (0.7796, -7.352812702),
    (0.7897, -7.072065318),
    (0.8131, -6.774174009),
    (0.8498, -6.478861916),
    (0.8741, -6.159517513),
    (0.8061, -6.835647144),
    (0.846, -6.53165267),
    (0.8751, -6.224098421),
    (0.8856, -5.910094889),
    (0.8919, -5.598599459),
    (0.8934, -5.290645224),
    (0.894, -4.974284616),
    (0.8957, -4.64454848),
    (0.9047, -4.290560426),
    (0.9129, -3.885055584),
    (0.9209, -3.408378962),
    (0.9219, -3.13200249),
    (0.7739, -8.726767166),
    (0.7681, -8.66695597),
    (0.7665, -8.511026475),
    (0.7703, -8.165388579),
    (0.7702, -7.886056648),
    (0.7761, -7.588043762),
    (0.7809, -7.283412422),
    (0.7961, -6.995678626),
    (0.8253, -6.691862621),
    (0.8602, -6.392544977),
    (0.8809, -6.067374056),
    (0.8301, -6.684029655),
    (0.8664, -6.378719832),
    (0.8834, -6.065855188),
    (0.8898, -5.752272167),
    (0.8964, -5.132414673),
    (0.8963, -4.811352704),
    (0.9074, -4.098269308),
    (0.9119, -3.66174277),
    (0.9228, -3.2644011),
];

/// Certified estimate and standard deviation, the intercept first.
const FILIP_CERTIFIED: [[f64; 2]; 11] = [
    [-1_467.489_614_229_80, 298.084_530_995_537],
    [-2_772.179_591_933_42, 559.779_865_474_950],
    [-2_316.371_081_608_93, 466.477_572_127_796],
    [-1_127.973_940_983_72, 227.204_274_477_751],
    [-354.478_233_703_349, 71.647_866_087_592_7],
    [-75.124_201_739_375_7, 15.289_717_874_740_0],
    [-10.875_318_035_534_3, 2.236_911_598_160_33],
    [-1.062_214_985_889_47, 0.221_624_321_934_227],
    [-0.670_191_154_593_408e-1, 0.142_363_763_154_724e-1],
    [-0.246_781_078_275_479e-2, 0.535_617_408_889_821e-3],
    [-0.402_962_525_080_404e-4, 0.896_632_837_373_868e-5],
];

fn engines() -> Vec<(&'static str, Box<dyn Engine>)> {
    vec![
        ("duckdb", Box::new(DuckDbEngine::new(2))),
        ("datafusion", Box::new(DataFusionEngine::new(2, 8192))),
        ("datafusion, merged", Box::new(DataFusionEngine::new(4, 1))),
    ]
}

/// The least number of correct digits over estimates and standard deviations.
fn digits(
    engine: &mut dyn Engine,
    features: &str,
    relation: &str,
    certified: &[[f64; 2]],
) -> (f64, f64) {
    engine
        .query(&format!(
            "CREATE TABLE fitted AS SELECT fit(y, {features}) AS model FROM {relation}"
        ))
        .expect("the data can be fitted");
    let mut worst = [f64::INFINITY; 2];
    for (i, certified) in certified.iter().enumerate() {
        for (column, (field, expected)) in ["coefficient", "std_error"]
            .iter()
            .zip(certified)
            .enumerate()
        {
            // Relative error computed in SQL, where no digit is lost in printing.
            let error = engine
                .number(&format!(
                    "SELECT abs(c[{}]['{field}'] - ({expected:?})) / abs({expected:?}) \
                     FROM (SELECT model_coefficients(model) AS c FROM fitted) t",
                    i + 1
                ))
                .expect("the coefficient is there")
                .expect("it is not NULL");
            worst[column] = worst[column].min(-error.max(1e-17).log10());
        }
    }
    engine.query("DROP TABLE fitted").expect("the table goes");
    (worst[0], worst[1])
}

#[test]
fn longley_has_ten_digits() {
    for (name, mut engine) in engines() {
        let rows: Vec<String> = LONGLEY
            .iter()
            .map(|row| format!("({})", row.map(|value| format!("{value:?}")).join(", ")))
            .collect();
        let values = rows.join(", ");
        engine
            .query(&format!(
                "CREATE TABLE longley AS SELECT CAST(y AS DOUBLE) AS y, CAST(x1 AS DOUBLE) AS x1, \
                 CAST(x2 AS DOUBLE) AS x2, CAST(x3 AS DOUBLE) AS x3, CAST(x4 AS DOUBLE) AS x4, \
                 CAST(x5 AS DOUBLE) AS x5, CAST(x6 AS DOUBLE) AS x6 \
                 FROM (VALUES {values}) v(y, x1, x2, x3, x4, x5, x6)"
            ))
            .expect("the data load");
        let features = "{'x1': x1, 'x2': x2, 'x3': x3, 'x4': x4, 'x5': x5, 'x6': x6}";
        let (estimates, errors) = digits(engine.as_mut(), features, "longley", &LONGLEY_CERTIFIED);
        println!("Longley on {name}: {estimates:.1} digits, standard deviations {errors:.1}");
        assert!(
            estimates >= 10.0 && errors >= 10.0,
            "{name}: {estimates} {errors}"
        );
    }
}

#[test]
fn filip_has_seven_digits() {
    let powers: Vec<String> = (1..=10).map(|i| format!("'x{i}': x{i}")).collect();
    let columns: Vec<String> = (1..=10).map(|i| format!("x{i}")).collect();
    let casts: Vec<String> = columns
        .iter()
        .map(|c| format!("CAST({c} AS DOUBLE) AS {c}"))
        .collect();
    let rows: Vec<String> = FILIP
        .iter()
        .map(|(y, x)| {
            let powers: Vec<String> = (1..=10).map(|i| format!("{:e}", x.powi(i))).collect();
            format!("({y:e}, {})", powers.join(", "))
        })
        .collect();
    for (name, mut engine) in engines() {
        engine
            .query(&format!(
                "CREATE TABLE filip AS SELECT CAST(y AS DOUBLE) AS y, {} FROM (VALUES {}) v(y, {})",
                casts.join(", "),
                rows.join(", "),
                columns.join(", ")
            ))
            .expect("the data load");
        let features = format!("{{{}}}", powers.join(", "));
        let (estimates, errors) = digits(engine.as_mut(), &features, "filip", &FILIP_CERTIFIED);
        println!("Filip on {name}: {estimates:.1} digits, standard deviations {errors:.1}");
        // Powers rounded to doubles are not the certified problem to the last
        // digit: solved exactly, they have 7.6.
        assert!(
            estimates >= 7.0 && errors >= 7.0,
            "{name}: {estimates} {errors}"
        );
    }
}
