//! One table of the profile per artefact, and the zoo that four of them share.

use super::{Data, Measure, Model, Profile, Setup, Training};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Visitor},
};
use srr_layers::Variant;
use srr_measures::Cost;

/// The four variants whose rates the study compares.
const RATED: [Variant; 4] = [
    Variant::Conceptual,
    Variant::Negative,
    Variant::Transpose,
    Variant::Crate,
];

/// Defines a table with defaults; with `trains`, it may also give its own data, model and training.
macro_rules! section {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty = $default:expr,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
    (trains $(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty = $default:expr,)* }) => {
        section! {
            $(#[$about])*
            $name {
                $($(#[$doc])* $field: $type = $default,)*
                /// In place of `[data]`, key by key.
                data: Data = Data::default(),
                /// In place of `[model]`, key by key.
                model: Model = Model::default(),
                /// In place of `[training]`, key by key.
                training: Training = Training::default(),
            }
        }

        impl $name {
            /// The settings of this artefact's runs: its own, then the profile's.
            #[must_use]
            pub fn setup(&self, profile: &Profile) -> Setup {
                Setup {
                    precision: profile.precision,
                    data: self.data.over(&profile.data),
                    model: self.model.over(&profile.model),
                    training: self.training.over(&profile.training),
                }
            }
        }
    };
}

section! {
    /// `[toy-ascent]`: the attention-only toy, no training.
    ToyAscent {
        /// Number of tokens N.
        tokens: usize = 196,
        /// Token dimension d.
        dim: usize = 384,
        /// Number of subspaces K.
        heads: usize = 6,
        /// Number of layers L.
        layers: usize = 12,
        /// Step size η.
        step: f64 = 1.0,
        /// Seeds, one draw of tokens and bases each.
        seeds: Vec<u64> = vec![0],
    }
}

section! {
    /// `[taylor]`: log(1 + x) and its expansions, no training.
    Taylor {
        /// Number of points of the curves.
        points: usize = 101,
        /// Largest x.
        end: f64 = 4.0,
    }
}

section! {
    trains
    /// `[layerwise]`: rates per layer while training.
    Layerwise {
        /// Variants, one run each.
        variants: Vec<Variant> = RATED.to_vec(),
        /// Seed of the runs.
        seed: u64 = 0,
    }
}

section! {
    trains
    /// `[variants]`: accuracy and parameter count of every variant.
    Variants {
        /// Variants.
        variants: Vec<Variant> = Variant::ALL.to_vec(),
        /// Seeds, one run per variant each.
        seeds: Vec<u64> = vec![0, 1, 2],
    }
}

section! {
    trains
    /// `[zoo]`: the models that `correlation`, `scatter`, `choices` and `inconsistency` look at, every combination of the axes.
    Zoo {
        /// Variants.
        variants: Vec<Variant> = RATED.to_vec(),
        /// Batch sizes; that of `[training]` when empty.
        batch_sizes: Vec<usize> = Vec::new(),
        /// Learning rates; that of `[training]` when empty.
        learning_rates: Vec<f64> = Vec::new(),
        /// Token dimensions; that of `[model]` when empty.
        dims: Vec<usize> = Vec::new(),
        /// Dropout probabilities; that of `[model]` when empty.
        dropouts: Vec<f64> = Vec::new(),
        /// Seeds.
        seeds: Vec<u64> = vec![0],
    }
}

section! {
    /// `[correlation]`: how measures and the generalization gap move together over the zoo.
    Correlation {
        /// Measures by name; every registered one up to `cost` when empty.
        measures: Vec<String> = Vec::new(),
        /// The dearest measures taken when `measures` is empty: `weights`, `factorizations`, `forward-pass`,
        /// `example-gradients`, `search`, `lanczos`, `hutchinson` or `ascent`.
        cost: Cost = Cost::ForwardPass,
        /// Bootstrap draws behind every interval.
        bootstrap: usize = 2000,
        /// Seed of the bootstrap.
        seed: u64 = 0,
        /// In place of `[measure]`, key by key.
        measure: Measure = Measure::default(),
    }
}

section! {
    /// `[scatter]`: the sparse rate reduction, and every other measure, of each model of the zoo against its gap.
    Scatter {
        /// Other measures by name; every registered one up to `cost` when empty.
        measures: Vec<String> = Vec::new(),
        /// The dearest measures taken when `measures` is empty, as in `[correlation]`.
        cost: Cost = Cost::ForwardPass,
        /// Bootstrap draws behind every interval.
        bootstrap: usize = 2000,
        /// Seed of the bootstrap.
        seed: u64 = 0,
        /// In place of `[measure]`, key by key.
        measure: Measure = Measure::default(),
    }
}

section! {
    trains
    /// `[regularization]`: cross-entropy alone against cross-entropy with the sparse rate reduction.
    Regularization {
        /// Variants.
        variants: Vec<Variant> = RATED.to_vec(),
        /// Seeds, two runs per variant each.
        seeds: Vec<u64> = vec![0, 1, 2],
        /// Weight η of the regularizer.
        eta: f64 = 1e-3,
        /// Regularized layers: `last`, `all`, `random`, or a number from 1.
        layers: LayerChoice = LayerChoice::Last,
    }
}

section! {
    trains
    /// `[regularized-layers]`: the same by regularized layer.
    RegularizedLayers {
        /// Variants.
        variants: Vec<Variant> = vec![Variant::Crate],
        /// Seeds, one run per variant and choice each.
        seeds: Vec<u64> = vec![0],
        /// Weight η of the regularizer.
        eta: f64 = 1e-3,
        /// The choices compared; 2, 4, …, L, `random` and `all` when empty.
        layers: Vec<LayerChoice> = Vec::new(),
    }
}

section! {
    /// `[choices]`: how τ, and the place of the sparse rate reduction among all measures, move with the conventions that sources leave open.
    Choices {
        /// Other measures by name; every registered one up to `cost` when empty.
        measures: Vec<String> = Vec::new(),
        /// The dearest measures taken when `measures` is empty, as in `[correlation]`.
        cost: Cost = Cost::ForwardPass,
        /// Bootstrap draws behind every interval.
        bootstrap: usize = 2000,
        /// Seed of the bootstrap.
        seed: u64 = 0,
        /// In place of `[measure]`, key by key; only the number of images of the sparse rate reduction counts, as the conventions are
        /// what is varied.
        measure: Measure = Measure::default(),
    }
}

section! {
    /// `[inconsistency]`: how far models of the zoo's settings disagree when the seed alone differs (Johnson and Zhang 2023).
    Inconsistency {
        /// Seeds, at least two; every setting of the zoo is trained with each.
        seeds: Vec<u64> = vec![0, 1],
        /// Number of images to compare predictions on: training images that no model is trained on, or test images where there are none.
        images: usize = 512,
        /// Bootstrap draws behind every interval.
        bootstrap: usize = 2000,
        /// Seed of the bootstrap.
        seed: u64 = 0,
    }
}

section! {
    trains
    /// `[intrinsic-dimension]`: the least number of random directions of the weights that training needs (Li et al. 2018).
    IntrinsicDimension {
        /// Variants.
        variants: Vec<Variant> = RATED.to_vec(),
        /// Seeds, one run per variant, dimension and learning rate each, and in all weights.
        seeds: Vec<u64> = vec![0, 1, 2],
        /// Learning rates, of which each dimension takes the one with the lowest training loss; that of `[training]` when empty.
        learning_rates: Vec<f64> = Vec::new(),
        /// Numbers of random directions, rising.
        dimensions: Vec<usize> = vec![10, 30, 100, 300, 1000],
        /// Share of the accuracy in all weights that must be reached.
        share: f64 = 0.9,
    }
}

/// Which layers a regularizer reaches, as a profile writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "LayerText")]
pub enum LayerChoice {
    /// The last one.
    Last,
    /// All of them.
    All,
    /// One drawn anew at each step.
    Random,
    /// This one, counted from 1.
    Layer(usize),
}

/// A word or a number, as it is written.
#[derive(Serialize)]
#[serde(untagged)]
enum LayerText {
    Number(usize),
    Word(String),
}

impl<'de> Deserialize<'de> for LayerChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LayerVisitor)
    }
}

/// Reads a [`LayerChoice`]; a derived untagged form would not say what is wrong.
struct LayerVisitor;

impl Visitor<'_> for LayerVisitor {
    type Value = LayerChoice;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("`last`, `all`, `random`, or the number of a layer from 1")
    }

    fn visit_i64<E: de::Error>(self, layer: i64) -> Result<LayerChoice, E> {
        match usize::try_from(layer) {
            Ok(layer) if layer > 0 => Ok(LayerChoice::Layer(layer)),
            _ => Err(E::custom(format!(
                "layers are counted from 1, found {layer}"
            ))),
        }
    }

    fn visit_u64<E: de::Error>(self, layer: u64) -> Result<LayerChoice, E> {
        let layer = i64::try_from(layer)
            .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(layer), &self))?;
        self.visit_i64(layer)
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<LayerChoice, E> {
        match word {
            "last" => Ok(LayerChoice::Last),
            "all" => Ok(LayerChoice::All),
            "random" => Ok(LayerChoice::Random),
            _ => Err(E::custom(format!(
                "unknown variant `{word}`, expected one of `last`, `all`, `random`, or a layer's number"
            ))),
        }
    }
}

impl From<LayerChoice> for LayerText {
    fn from(choice: LayerChoice) -> Self {
        match choice {
            LayerChoice::Layer(layer) => Self::Number(layer),
            named => Self::Word(named.to_string()),
        }
    }
}

impl std::fmt::Display for LayerChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Last => f.write_str("last"),
            Self::All => f.write_str("all"),
            Self::Random => f.write_str("random"),
            Self::Layer(layer) => write!(f, "{layer}"),
        }
    }
}
