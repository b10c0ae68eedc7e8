//! The measures themselves, one file each.
//!
//! m is the number of training examples; W_i are the trainable linear maps, L their number, W_i⁰ their values at the start; w and
//! w⁰ are their concatenations, ω the length of w; g is the [`margin`](crate::margin). Equation numbers are those of Jiang et al.
//! 2019, "Fantastic Generalization Measures and Where to Find Them"; the forms are those of the public code of Dziugaite et al. 2020.

mod curvature;
mod features;
mod flatness;
mod gradients;
mod margins;
mod norms;
mod srr;
mod weights;

pub use curvature::*;
pub use features::*;
pub use flatness::*;
pub use gradients::*;
pub use margins::*;
pub use norms::*;
pub use srr::Srr;
pub use weights::*;

use crate::measure::Measure;
use crate::subject::Split;

/// Every measure of this crate with its default options, in the order of reports.
pub(crate) fn built_in() -> Vec<Box<dyn Measure>> {
    vec![
        Box::new(Srr::default()),
        Box::new(Params::default()),
        Box::new(L2::default()),
        Box::new(L2Dist::default()),
        Box::new(ParamNorm::default()),
        Box::new(FroDist::default()),
        Box::new(DistSpecInit::default()),
        Box::new(LogProdOfSpec::default()),
        Box::new(LogProdOfFro::default()),
        Box::new(LogSumOfSpec::default()),
        Box::new(LogSumOfFro::default()),
        Box::new(FroOverSpec::default()),
        Box::new(PathNorm),
        Box::new(InverseMargin::default()),
        Box::new(LogSpecInitMain::default()),
        Box::new(LogSpecOrigMain::default()),
        Box::new(LogProdOfSpecOverMargin::default()),
        Box::new(LogSumOfSpecOverMargin::default()),
        Box::new(LogProdOfFroOverMargin::default()),
        Box::new(LogSumOfFroOverMargin::default()),
        Box::new(PathNormOverMargin::default()),
        Box::new(PacBayesInit::default()),
        Box::new(PacBayesOrig::default()),
        Box::new(PacBayesFlatness::default()),
        Box::new(PacBayesMagInit::default()),
        Box::new(PacBayesMagOrig::default()),
        Box::new(PacBayesMagFlatness::default()),
        Box::new(SharpnessInit::default()),
        Box::new(SharpnessOrig::default()),
        Box::new(SharpnessFlatness::default()),
        Box::new(SharpnessMagInit::default()),
        Box::new(SharpnessMagOrig::default()),
        Box::new(SharpnessMagFlatness::default()),
        Box::new(SamSharpness::default()),
        Box::new(AdaptiveSharpness::default()),
        Box::new(RelativeFlatness),
        Box::new(LambdaMax::default()),
        Box::new(EdgeOfStability::default()),
        Box::new(HessianTrace::default()),
        Box::new(DynamicalStability::default()),
        Box::new(GradientNorm::default()),
        Box::new(Gsnr::default()),
        Box::new(NtkAlignment::default()),
        Box::new(GeometricComplexity::default()),
        Box::new(LayerRotation::default()),
        Box::new(StableRank::default()),
        Box::new(EffectiveRank::default()),
        Box::new(NuclearNorm::default()),
        Box::new(PqIndex::default()),
        Box::new(PruningRobustness::default()),
        Box::new(ActivationSparsity::default()),
        Box::new(FeatureRank::default()),
        Box::new(Nc1::default()),
        Box::new(Nc2::default()),
        Box::new(Nc3::default()),
        Box::new(Nc4::default()),
        Box::new(Nc1 { split: Split::Test }),
        Box::new(Nc2 { split: Split::Test }),
        Box::new(Nc3 { split: Split::Test }),
        Box::new(Nc4 { split: Split::Test }),
    ]
}
