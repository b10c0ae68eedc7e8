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
use crate::options::Options;
use crate::search::{AscentSearch, Magnitude, NoiseSearch};
use crate::subject::Split;

type Measures = Vec<Box<dyn Measure>>;

/// Every measure of this crate, in the order of reports.
pub(crate) fn built_in(options: &Options) -> Measures {
    let families = [
        rates(options),
        norms(options),
        margins(options),
        searches(options),
        flatness(options),
        curvature(options),
        gradients(options),
        weights(options),
        features(options),
    ];
    families.into_iter().flatten().collect()
}

fn rates(options: &Options) -> Measures {
    vec![Box::new(Srr {
        conventions: options.conventions,
        images: options.token_images,
    })]
}

fn norms(options: &Options) -> Measures {
    let scope = options.scope;
    vec![
        Box::new(Params { scope }),
        Box::new(L2 { scope }),
        Box::new(L2Dist { scope }),
        Box::new(ParamNorm { scope }),
        Box::new(FroDist { scope }),
        Box::new(DistSpecInit { scope }),
        Box::new(LogProdOfSpec { scope }),
        Box::new(LogProdOfFro { scope }),
        Box::new(LogSumOfSpec { scope }),
        Box::new(LogSumOfFro { scope }),
        Box::new(FroOverSpec { scope }),
        Box::new(PathNorm),
    ]
}

fn margins(options: &Options) -> Measures {
    let Options {
        scope, negative, ..
    } = *options;
    vec![
        Box::new(InverseMargin { negative }),
        Box::new(LogSpecInitMain { scope, negative }),
        Box::new(LogSpecOrigMain { scope, negative }),
        Box::new(LogProdOfSpecOverMargin { scope, negative }),
        Box::new(LogSumOfSpecOverMargin { scope, negative }),
        Box::new(LogProdOfFroOverMargin { scope, negative }),
        Box::new(LogSumOfFroOverMargin { scope, negative }),
        Box::new(PathNormOverMargin { negative }),
    ]
}

fn searches(options: &Options) -> Measures {
    let noise_of = |magnitude| NoiseSearch {
        images: options.images,
        reference: options.noise,
        magnitude,
        ..NoiseSearch::default()
    };
    let ascent_of = |magnitude| AscentSearch {
        images: options.images,
        magnitude,
        ..AscentSearch::default()
    };
    let scope = options.scope;
    let (noise, ascent) = (noise_of(Magnitude::Uniform), ascent_of(Magnitude::Uniform));
    let plain: Measures = vec![
        Box::new(PacBayesInit { scope, noise }),
        Box::new(PacBayesOrig { scope, noise }),
        Box::new(PacBayesFlatness { noise }),
        Box::new(SharpnessInit {
            scope,
            noise,
            ascent,
        }),
        Box::new(SharpnessOrig {
            scope,
            noise,
            ascent,
        }),
        Box::new(SharpnessFlatness { ascent }),
    ];
    let (noise, ascent) = (noise_of(Magnitude::AWARE), ascent_of(Magnitude::AWARE));
    let delta = SharpnessMagInit::default().delta;
    let aware: Measures = vec![
        Box::new(PacBayesMagInit { scope, noise }),
        Box::new(PacBayesMagOrig { scope, noise }),
        Box::new(PacBayesMagFlatness { noise }),
        Box::new(SharpnessMagInit {
            scope,
            noise,
            ascent,
            delta,
        }),
        Box::new(SharpnessMagOrig {
            scope,
            noise,
            ascent,
            delta,
        }),
        Box::new(SharpnessMagFlatness { ascent }),
    ];
    plain.into_iter().chain(aware).collect()
}

fn flatness(options: &Options) -> Measures {
    let images = options.images;
    vec![
        Box::new(SamSharpness {
            images,
            ..SamSharpness::default()
        }),
        Box::new(AdaptiveSharpness {
            images,
            ..AdaptiveSharpness::default()
        }),
        Box::new(RelativeFlatness),
    ]
}

fn curvature(options: &Options) -> Measures {
    let eigenvalue = LambdaMax {
        images: options.images,
        per_layer: options.per_layer,
        ..LambdaMax::default()
    };
    let trace = HessianTrace {
        images: options.images,
        ..HessianTrace::default()
    };
    vec![
        Box::new(eigenvalue),
        Box::new(EdgeOfStability { eigenvalue }),
        Box::new(trace),
        Box::new(DynamicalStability { trace }),
    ]
}

fn gradients(options: &Options) -> Measures {
    let images = options.images;
    vec![
        Box::new(GradientNorm { images }),
        Box::new(Gsnr { images }),
        Box::new(NtkAlignment::default()),
        Box::new(GeometricComplexity { images }),
    ]
}

fn weights(options: &Options) -> Measures {
    let Options { scope, images, .. } = *options;
    vec![
        Box::new(LayerRotation { scope }),
        Box::new(StableRank { scope }),
        Box::new(EffectiveRank { scope }),
        Box::new(NuclearNorm { scope }),
        Box::new(PqIndex {
            scope,
            ..PqIndex::default()
        }),
        Box::new(PruningRobustness {
            scope,
            images,
            ..PruningRobustness::default()
        }),
    ]
}

fn features(options: &Options) -> Measures {
    let split = Split::Test;
    vec![
        Box::new(ActivationSparsity {
            images: options.images,
        }),
        Box::new(FeatureRank::default()),
        Box::new(Nc1::default()),
        Box::new(Nc2::default()),
        Box::new(Nc3::default()),
        Box::new(Nc4::default()),
        Box::new(Nc1 { split }),
        Box::new(Nc2 { split }),
        Box::new(Nc3 { split }),
        Box::new(Nc4 { split }),
    ]
}
