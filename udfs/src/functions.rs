//! THE list: one line per function.

#[cfg(test)]
mod aggregate_run;
mod clusters;
mod complete_rows;
mod corr_matrix;
mod correlation_clusters;
mod correlation_state;
mod dependence;
mod drift;
mod entity_order;
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
mod lag_features;
mod lagrange_importance;
mod metrics;
mod model_coefficients;
mod model_info;
mod model_runs;
mod model_to_json;
mod model_trees;
mod mutual_information;
mod permutation_importance;
mod predict;
mod predict_proba;
mod prepare_training_data;
mod relevance_tests;
mod select_features;
mod shift_target;
mod to_onnx;
mod vif;

use crate::definition::Function;

pub use fit::checked_options as fit_options;

/// Every function of the catalogue, by category, then by name.
static ALL: &[Function] = &[
    Function::Table(&lag_features::LagFeatures),
    Function::Table(&prepare_training_data::PrepareTrainingData),
    Function::Table(&shift_target::ShiftTarget),
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
    Function::Scalar(&import_model::ImportModel),
    Function::Scalar(&model_coefficients::ModelCoefficients),
    Function::Scalar(&model_info::ModelInfo),
    Function::Scalar(&model_to_json::ModelToJson),
    Function::Scalar(&model_trees::ModelTrees),
    Function::Scalar(&to_onnx::ToOnnx),
    Function::Scalar(&explain_predict::ExplainPredict),
    Function::Scalar(&predict::Predict),
    Function::Scalar(&predict_proba::PredictProba),
    Function::Aggregate(&metrics::HIT_RATE),
    Function::Aggregate(&metrics::IC),
    Function::Aggregate(&metrics::MAE),
    Function::Aggregate(&metrics::R2),
    Function::Aggregate(&metrics::RANK_IC),
    Function::Aggregate(&metrics::RMSE),
    Function::Aggregate(&clusters::Clusters),
    Function::Aggregate(&dependence::Dependence),
    Function::Scalar(&fail::Fail),
    Function::Aggregate(&feature_screen::SCREEN),
    Function::Aggregate(&feature_selection::SELECT),
    Function::Aggregate(&feature_stability::STABILITY),
    Function::Aggregate(&information_coefficient::COEFFICIENTS),
    Function::Aggregate(&lagrange_importance::IMPORTANCE),
    Function::Aggregate(&mutual_information::LAGRANGE_MUTUAL_INFORMATION),
    Function::Aggregate(&relevance_tests::TESTS),
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
