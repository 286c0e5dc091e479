//! THE list: one line per function.

#[cfg(test)]
mod aggregate_run;
mod backtest_signals;
mod calibration_curve;
mod clusters;
mod complete_rows;
mod confusion_matrix;
mod corr_matrix;
mod correlation_clusters;
mod correlation_state;
mod dates;
mod dependence;
mod drift;
mod entity_order;
mod evaluate_model;
mod explain_predict;
mod fail;
mod feature_correlation;
mod feature_importance;
mod feature_rows;
mod feature_screen;
mod feature_selection;
mod feature_stability;
mod fit;
mod gather;
mod import_model;
mod information_coefficient;
mod label_spans;
mod label_weights;
mod lag_features;
mod lagrange_assess;
mod lagrange_importance;
mod lagrange_label_weights;
mod lagrange_select_model;
mod lagrange_time_folds;
mod metrics;
mod model_coefficients;
mod model_info;
mod model_path;
mod model_runs;
mod model_to_json;
mod model_trees;
mod mutual_information;
mod permutation_importance;
mod predict;
mod predict_model;
mod predict_proba;
mod prepare_training_data;
mod quantile_returns;
mod relevance_tests;
mod select_features;
mod select_model;
mod shift_target;
mod time_folds;
mod to_onnx;
mod training;
mod vif;

use crate::definition::Function;

pub use fit::checked_options as fit_options;
#[cfg(test)]
pub use fit::{keys as fit_keys, recipe as fit_recipe};

/// Every function of the catalogue, by category, then by name.
static ALL: &[Function] = &[
    Function::Table(&label_weights::LABEL_UNIQUENESS),
    Function::Table(&lag_features::LagFeatures),
    Function::Table(&prepare_training_data::PrepareTrainingData),
    Function::Table(&label_weights::SEQUENTIAL_BOOTSTRAP),
    Function::Table(&shift_target::ShiftTarget),
    Function::Table(&label_weights::TIME_DECAY_WEIGHTS),
    Function::Table(&time_folds::TimeFolds),
    Function::Aggregate(&corr_matrix::CorrMatrix),
    Function::Table(&correlation_clusters::CorrelationClusters),
    Function::Table(&feature_correlation::FeatureCorrelation),
    Function::Table(&mutual_information::MutualInformation),
    Function::Table(&vif::Vif),
    Function::Table(&drift::Drift),
    Function::Table(&feature_screen::FeatureScreen),
    Function::Table(&feature_stability::FeatureStability),
    Function::Table(&information_coefficient::InformationCoefficient),
    Function::Table(&relevance_tests::RelevanceTests),
    Function::Table(&select_features::SelectFeatures),
    Function::Table(&dependence::AccumulatedLocalEffects),
    Function::Table(&feature_importance::FeatureImportance),
    Function::Table(&dependence::PartialDependence),
    Function::Aggregate(&permutation_importance::PermutationImportance),
    Function::Aggregate(&fit::Fit),
    Function::Aggregate(&fit::FitReport),
    Function::Scalar(&import_model::ImportModel),
    Function::Scalar(&model_coefficients::ModelCoefficients),
    Function::Scalar(&model_info::ModelInfo),
    Function::Scalar(&model_path::ModelPath),
    Function::Scalar(&model_to_json::ModelToJson),
    Function::Scalar(&model_trees::ModelTrees),
    Function::Scalar(&to_onnx::ToOnnx),
    Function::Table(&training::cross_validate::CrossValidate),
    Function::Table(&training::out_of_fold::OutOfFold),
    Function::Table(&training::train_model::TrainModel),
    Function::Table(&training::tune_model::TuneModel),
    Function::Scalar(&explain_predict::ExplainPredict),
    Function::Scalar(&predict::Predict),
    Function::Scalar(&predict_model::PredictModel),
    Function::Scalar(&predict_proba::PredictProba),
    Function::Aggregate(&metrics::classification::ACCURACY),
    Function::Aggregate(&metrics::ranking::AUC),
    Function::Table(&backtest_signals::BacktestSignals),
    Function::Aggregate(&metrics::losses::BRIER),
    Function::Table(&calibration_curve::CalibrationCurve),
    Function::Aggregate(&metrics::drawdown::CALMAR),
    Function::Table(&confusion_matrix::ConfusionMatrix),
    Function::Aggregate(&metrics::returns::DSR),
    Function::Table(&evaluate_model::EvaluateModel),
    Function::Aggregate(&metrics::classification::F1),
    Function::Aggregate(&metrics::errors::HIT_RATE),
    Function::Aggregate(&metrics::errors::IC),
    Function::Aggregate(&metrics::losses::LOG_LOSS),
    Function::Aggregate(&metrics::errors::MAE),
    Function::Aggregate(&metrics::losses::MAPE),
    Function::Aggregate(&metrics::drawdown::MAX_DRAWDOWN),
    Function::Aggregate(&metrics::classification::MCC),
    Function::Aggregate(&metrics::returns::MIN_TRACK_RECORD),
    Function::Aggregate(&metrics::ranking::PR_AUC),
    Function::Aggregate(&metrics::returns::PSR),
    Function::Aggregate(&metrics::losses::QUANTILE_LOSS),
    Function::Table(&quantile_returns::QuantileReturns),
    Function::Aggregate(&metrics::errors::R2),
    Function::Aggregate(&metrics::ranking::RANK_IC),
    Function::Aggregate(&metrics::errors::RMSE),
    Function::Table(&select_model::SelectModel),
    Function::Aggregate(&metrics::returns::SHARPE),
    Function::Aggregate(&metrics::returns::SORTINO),
    Function::Scalar(&lagrange_assess::Assess),
    Function::Aggregate(&backtest_signals::BACKTEST),
    Function::Aggregate(&calibration_curve::CURVE),
    Function::Aggregate(&clusters::Clusters),
    Function::Aggregate(&confusion_matrix::LagrangeConfusionMatrix),
    Function::Aggregate(&training::cross_validate::CROSS_VALIDATE),
    Function::Aggregate(&dependence::Dependence),
    Function::Aggregate(&evaluate_model::EVALUATE),
    Function::Scalar(&fail::Fail),
    Function::Aggregate(&feature_screen::SCREEN),
    Function::Aggregate(&feature_selection::SELECT),
    Function::Aggregate(&feature_stability::STABILITY),
    Function::Aggregate(&information_coefficient::COEFFICIENTS),
    Function::Aggregate(&lagrange_importance::IMPORTANCE),
    Function::Aggregate(&lagrange_label_weights::LagrangeLabelWeights),
    Function::Aggregate(&mutual_information::LAGRANGE_MUTUAL_INFORMATION),
    Function::Aggregate(&training::out_of_fold::OUT_OF_FOLD),
    Function::Aggregate(&lagrange_time_folds::LagrangeTimeFolds),
    Function::Aggregate(&quantile_returns::RETURNS),
    Function::Aggregate(&relevance_tests::TESTS),
    Function::Aggregate(&lagrange_select_model::SELECT_MODEL),
    Function::Aggregate(&training::train_model::TRAIN_MODEL),
    Function::Aggregate(&training::tune_model::TUNE_MODEL),
    Function::Aggregate(&vif::LagrangeVif),
];

/// Every function of the catalogue.
pub fn all() -> &'static [Function] {
    ALL
}

/// The function of that name or alias, in any case.
pub fn find(name: &str) -> Option<Function> {
    ALL.iter().copied().find(|function| {
        let signature = function.signature();
        std::iter::once(&signature.name)
            .chain(signature.aliases)
            .any(|known| known.eq_ignore_ascii_case(name))
    })
}
