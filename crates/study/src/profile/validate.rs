//! Checks the values of a profile's own settings before anything is read, made or trained. What only the model, the training or the
//! images can judge is checked by them when runs are resolved.

use super::{
    Choices, Correlation, Inconsistency, IntrinsicDimension, LayerChoice, Layerwise, Measure,
    Profile, Regularization, RegularizedLayers, Scatter, Taylor, ToyAscent, Variants, Zoo,
};
use crate::{Error, Result};
use srr_layers::Variant;
use srr_trainer::Optimizer;
use std::fmt::Display;

/// Tokens and dimensions of the toy.
const LARGEST_TOY: usize = 4096;
/// Layers of the toy.
const MOST_LAYERS: usize = 10_000;
/// Points of a curve and draws of a bootstrap.
const MOST: usize = 1_000_000;

impl Profile {
    /// Checks every table that the profile has.
    ///
    /// # Errors
    /// [`Error::Setting`] with the key, the value and what is expected, for the first value that cannot be used.
    ///
    /// ```
    /// use srr_study::profile::Profile;
    ///
    /// let mut profile = Profile::load("smoke")?;
    /// profile.taylor.as_mut().unwrap().points = 0;
    /// let error = profile.validate().unwrap_err().to_string();
    /// assert!(error.contains("`taylor.points` is 0"), "{error}");
    /// # Ok::<(), srr_study::Error>(())
    /// ```
    pub fn validate(&self) -> Result<()> {
        // Every field by name: a table that is added cannot be forgotten.
        let Self {
            name: _,
            about: _,
            precision: _,
            data: _,
            model: _,
            training: _,
            measure,
            zoo,
            toy_ascent,
            taylor,
            layerwise,
            variants,
            correlation,
            scatter,
            regularization,
            regularized_layers,
            choices,
            inconsistency,
            intrinsic_dimension,
        } = self;
        self::measure("measure", measure)?;
        check(zoo, Zoo::validate)?;
        check(toy_ascent, ToyAscent::validate)?;
        check(taylor, Taylor::validate)?;
        check(layerwise, |section| section.validate(self))?;
        check(variants, Variants::validate)?;
        check(correlation, Correlation::validate)?;
        check(scatter, Scatter::validate)?;
        check(regularization, |section| section.validate(self))?;
        check(regularized_layers, |section| section.validate(self))?;
        check(choices, Choices::validate)?;
        check(inconsistency, Inconsistency::validate)?;
        check(intrinsic_dimension, |section| section.validate(self))?;
        let judged = correlation.is_some() || scatter.is_some() || choices.is_some();
        let models_wanted = judged || inconsistency.is_some();
        require(
            "zoo",
            "missing",
            zoo.is_some() || !models_wanted,
            "a table `[zoo]`, be it empty, as `correlation`, `scatter`, `choices` and `inconsistency` need its models",
        )
    }
}

fn check<T>(section: &Option<T>, validate: impl Fn(&T) -> Result<()>) -> Result<()> {
    section.as_ref().map_or(Ok(()), validate)
}

impl ToyAscent {
    fn validate(&self) -> Result<()> {
        between("toy-ascent.tokens", self.tokens, 1, LARGEST_TOY)?;
        between("toy-ascent.dim", self.dim, 1, LARGEST_TOY)?;
        between("toy-ascent.layers", self.layers, 1, MOST_LAYERS)?;
        require(
            "toy-ascent.heads",
            self.heads,
            self.heads > 0 && self.dim.is_multiple_of(self.heads),
            format!("a divisor of toy-ascent.dim = {}", self.dim),
        )?;
        positive("toy-ascent.step", self.step)?;
        some_distinct("toy-ascent.seeds", &self.seeds)
    }
}

impl Taylor {
    fn validate(&self) -> Result<()> {
        between("taylor.points", self.points, 2, MOST)?;
        positive("taylor.end", self.end)
    }
}

impl Layerwise {
    fn validate(&self, profile: &Profile) -> Result<()> {
        with_bases("layerwise.variants", &self.variants)?;
        require(
            "layerwise.training.rates",
            "missing",
            self.setup(profile).training.rates.is_some(),
            "which rates to record, such as { images = 64, every = 1 }",
        )
    }
}

impl Variants {
    fn validate(&self) -> Result<()> {
        some_distinct("variants.variants", &self.variants)?;
        some_distinct("variants.seeds", &self.seeds)
    }
}

impl Zoo {
    fn validate(&self) -> Result<()> {
        some_distinct("zoo.variants", &self.variants)?;
        some_distinct("zoo.seeds", &self.seeds)?;
        distinct("zoo.batch_sizes", &self.batch_sizes)?;
        distinct("zoo.learning_rates", &self.learning_rates)?;
        distinct("zoo.dims", &self.dims)?;
        distinct("zoo.dropouts", &self.dropouts)?;
        for &rate in &self.learning_rates {
            positive("zoo.learning_rates", rate)?;
        }
        Ok(())
    }
}

impl Correlation {
    fn validate(&self) -> Result<()> {
        distinct("correlation.measures", &self.measures)?;
        between("correlation.bootstrap", self.bootstrap, 1, MOST)?;
        measure("correlation.measure", &self.measure)
    }
}

impl Scatter {
    fn validate(&self) -> Result<()> {
        measure("scatter.measure", &self.measure)
    }
}

impl Choices {
    fn validate(&self) -> Result<()> {
        distinct("choices.measures", &self.measures)?;
        between("choices.bootstrap", self.bootstrap, 1, MOST)?;
        measure("choices.measure", &self.measure)
    }
}

impl Inconsistency {
    fn validate(&self) -> Result<()> {
        distinct("inconsistency.seeds", &self.seeds)?;
        let seeds = self.seeds.len();
        require(
            "inconsistency.seeds",
            format!("a list of {seeds}"),
            seeds > 1,
            "two seeds at least, as models are compared with each other",
        )?;
        between("inconsistency.images", self.images, 1, MOST)?;
        between("inconsistency.bootstrap", self.bootstrap, 1, MOST)
    }
}

impl IntrinsicDimension {
    fn validate(&self, profile: &Profile) -> Result<()> {
        let optimizer = self.setup(profile).training.optimizer.unwrap_or_default();
        let linear =
            matches!(optimizer, Optimizer::Sgd { weight_decay, .. } if weight_decay == 0.0);
        require(
            "intrinsic-dimension.training.optimizer",
            "another one",
            linear,
            "{ kind = \"sgd\", momentum = 0.9 } or the like without weight decay, whose steps stay in a subspace",
        )?;
        some_distinct("intrinsic-dimension.variants", &self.variants)?;
        some_distinct("intrinsic-dimension.seeds", &self.seeds)?;
        distinct("intrinsic-dimension.learning_rates", &self.learning_rates)?;
        for &rate in &self.learning_rates {
            positive("intrinsic-dimension.learning_rates", rate)?;
        }
        some_distinct("intrinsic-dimension.dimensions", &self.dimensions)?;
        for &dimension in &self.dimensions {
            between("intrinsic-dimension.dimensions", dimension, 1, MOST)?;
        }
        require(
            "intrinsic-dimension.dimensions",
            format!("{:?}", self.dimensions),
            self.dimensions.is_sorted(),
            "rising numbers",
        )?;
        require(
            "intrinsic-dimension.share",
            self.share,
            self.share > 0.0 && self.share <= 1.0,
            "a share above 0 and at most 1",
        )
    }
}

impl Regularization {
    fn validate(&self, profile: &Profile) -> Result<()> {
        with_bases("regularization.variants", &self.variants)?;
        some_distinct("regularization.seeds", &self.seeds)?;
        not_negative("regularization.eta", self.eta)?;
        let depth = self.setup(profile).model.depth;
        within("regularization.layers", &[self.layers], depth)
    }
}

impl RegularizedLayers {
    fn validate(&self, profile: &Profile) -> Result<()> {
        with_bases("regularized-layers.variants", &self.variants)?;
        some_distinct("regularized-layers.seeds", &self.seeds)?;
        not_negative("regularized-layers.eta", self.eta)?;
        let depth = self.setup(profile).model.depth;
        within("regularized-layers.layers", &self.layers, depth)?;
        // The last layer by its number is the last layer.
        let last = depth.map_or(LayerChoice::Last, LayerChoice::Layer);
        let named = |&choice: &LayerChoice| match choice {
            LayerChoice::Last => last,
            other => other,
        };
        let layers: Vec<LayerChoice> = self.layers.iter().map(named).collect();
        distinct("regularized-layers.layers", &layers)
    }
}

/// Settings of measuring.
fn measure(key: &str, measure: &Measure) -> Result<()> {
    let lambda = measure.conventions().lambda;
    not_negative(&format!("{key}.conventions.lambda"), lambda)
}

/// Variants, each once, whose layers have subspace bases to take rates with.
fn with_bases(key: &str, variants: &[Variant]) -> Result<()> {
    some_distinct(key, variants)?;
    for variant in variants {
        require(
            key,
            variant,
            variant.is_white_box(),
            "variants with subspace bases",
        )?;
    }
    Ok(())
}

/// Layers that a model of this depth has. Without a depth nothing can be said here.
fn within(key: &str, layers: &[LayerChoice], depth: Option<usize>) -> Result<()> {
    let Some(depth) = depth else { return Ok(()) };
    for &choice in layers {
        if let LayerChoice::Layer(layer) = choice {
            require(
                key,
                layer,
                (1..=depth).contains(&layer),
                format!("1 to {depth}, the depth of the model"),
            )?;
        }
    }
    Ok(())
}

fn between(key: &str, value: usize, least: usize, most: usize) -> Result<()> {
    let valid = (least..=most).contains(&value);
    require(key, value, valid, format!("{least} to {most}"))
}

fn positive(key: &str, value: f64) -> Result<()> {
    let valid = value > 0.0 && value.is_finite();
    require(key, value, valid, "a finite number above 0")
}

fn not_negative(key: &str, value: f64) -> Result<()> {
    let valid = value >= 0.0 && value.is_finite();
    require(key, value, valid, "a finite number, 0 or above")
}

/// A list that must hold something, each item once.
fn some_distinct<T: PartialEq + Display>(key: &str, items: &[T]) -> Result<()> {
    require(key, "empty", !items.is_empty(), "at least one value")?;
    distinct(key, items)
}

/// A list without repetitions.
fn distinct<T: PartialEq + Display>(key: &str, items: &[T]) -> Result<()> {
    for (place, item) in items.iter().enumerate() {
        if items[..place].contains(item) {
            return refused(key, format!("a list with {item} twice"), "each value once");
        }
    }
    Ok(())
}

fn require(key: &str, found: impl Display, valid: bool, expected: impl Display) -> Result<()> {
    if valid {
        return Ok(());
    }
    refused(key, found, expected)
}

fn refused(key: &str, found: impl Display, expected: impl Display) -> Result<()> {
    Err(Error::Setting {
        key: key.to_owned(),
        found: found.to_string(),
        expected: expected.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Shard, Study, StudyOptions, artefacts};

    const HEAD: &str = "name = \"test\"\nabout = \"\"\n[model]\ndepth = 6\n";

    fn profile(tables: &str) -> Profile {
        Profile::parse("test.toml", &format!("{HEAD}{tables}\n")).unwrap()
    }

    #[test]
    fn every_setting_that_cannot_be_used_is_named_with_its_value_and_what_is_expected() {
        for (tables, at, value, wanted) in [
            (
                "[toy-ascent]\ntokens = 0",
                "toy-ascent.tokens",
                "0",
                "1 to 4096",
            ),
            (
                "[toy-ascent]\ntokens = 4097",
                "toy-ascent.tokens",
                "4097",
                "1 to 4096",
            ),
            (
                "[toy-ascent]\ndim = 1000000000000",
                "toy-ascent.dim",
                "1000000000000",
                "1 to 4096",
            ),
            (
                "[toy-ascent]\nlayers = 0",
                "toy-ascent.layers",
                "0",
                "1 to 10000",
            ),
            (
                "[toy-ascent]\nlayers = 10001",
                "toy-ascent.layers",
                "10001",
                "1 to 10000",
            ),
            (
                "[toy-ascent]\nheads = 7",
                "toy-ascent.heads",
                "7",
                "divisor of toy-ascent.dim = 384",
            ),
            (
                "[toy-ascent]\nheads = 0",
                "toy-ascent.heads",
                "0",
                "divisor",
            ),
            (
                "[toy-ascent]\nstep = nan",
                "toy-ascent.step",
                "NaN",
                "finite number above 0",
            ),
            ("[toy-ascent]\nstep = 0", "toy-ascent.step", "0", "above 0"),
            (
                "[toy-ascent]\nseeds = []",
                "toy-ascent.seeds",
                "empty",
                "at least one",
            ),
            (
                "[toy-ascent]\nseeds = [3, 1, 3]",
                "toy-ascent.seeds",
                "3 twice",
                "each value once",
            ),
            ("[taylor]\npoints = 0", "taylor.points", "0", "2 to 1000000"),
            (
                "[taylor]\npoints = 1000001",
                "taylor.points",
                "1000001",
                "2 to 1000000",
            ),
            (
                "[taylor]\nend = inf",
                "taylor.end",
                "inf",
                "finite number above 0",
            ),
            ("[taylor]\nend = 0.0", "taylor.end", "0", "above 0"),
            ("[taylor]\nend = -1.5", "taylor.end", "-1.5", "above 0"),
            (
                "[layerwise]",
                "layerwise.training.rates",
                "missing",
                "which rates",
            ),
            (
                "[layerwise]\nvariants = [\"crate\", \"vit\"]\ntraining = { rates = {} }",
                "layerwise.variants",
                "vit",
                "subspace bases",
            ),
            (
                "[layerwise]\nvariants = []",
                "layerwise.variants",
                "empty",
                "at least one",
            ),
            (
                "[variants]\nvariants = []",
                "variants.variants",
                "empty",
                "at least one",
            ),
            (
                "[variants]\nvariants = [\"crate-n\", \"crate-n\"]",
                "variants.variants",
                "crate-n twice",
                "each value once",
            ),
            (
                "[variants]\nseeds = [1, 1]",
                "variants.seeds",
                "1 twice",
                "each value once",
            ),
            ("[zoo]\nseeds = []", "zoo.seeds", "empty", "at least one"),
            (
                "[zoo]\nvariants = []",
                "zoo.variants",
                "empty",
                "at least one",
            ),
            (
                "[zoo]\nbatch_sizes = [8, 8]",
                "zoo.batch_sizes",
                "8 twice",
                "each value once",
            ),
            (
                "[zoo]\ndims = [8, 8]",
                "zoo.dims",
                "8 twice",
                "each value once",
            ),
            (
                "[zoo]\ndropouts = [0.1, 0.1]",
                "zoo.dropouts",
                "0.1 twice",
                "each value once",
            ),
            (
                "[zoo]\nlearning_rates = [nan]",
                "zoo.learning_rates",
                "NaN",
                "above 0",
            ),
            (
                "[zoo]\nlearning_rates = [0.1, 1e-1]",
                "zoo.learning_rates",
                "0.1 twice",
                "once",
            ),
            (
                "[correlation]\nbootstrap = 0",
                "correlation.bootstrap",
                "0",
                "1 to 1000000",
            ),
            (
                "[correlation]\nmeasures = [\"srr\", \"l2\", \"srr\"]",
                "correlation.measures",
                "srr twice",
                "each value once",
            ),
            (
                "[choices]\nmeasures = [\"l2\", \"l2\"]",
                "choices.measures",
                "l2 twice",
                "each value once",
            ),
            (
                "[choices]\nbootstrap = 0",
                "choices.bootstrap",
                "0",
                "1 to 1000000",
            ),
            (
                "[scatter]\nmeasure = { conventions = { lambda = -1.0 } }",
                "scatter.measure.conventions.lambda",
                "-1",
                "0 or above",
            ),
            (
                "[regularization]\nlayers = 7",
                "regularization.layers",
                "7",
                "1 to 6",
            ),
            (
                "[regularization]\neta = inf",
                "regularization.eta",
                "inf",
                "finite",
            ),
            (
                "[regularization]\nseeds = []",
                "regularization.seeds",
                "empty",
                "at least one",
            ),
            (
                "[regularization]\nvariants = [\"vit\"]",
                "regularization.variants",
                "vit",
                "subspace bases",
            ),
            (
                "[regularized-layers]\nlayers = [2, \"all\", 8]",
                "regularized-layers.layers",
                "8",
                "1 to 6",
            ),
            (
                "[regularized-layers]\nlayers = [6, \"last\"]",
                "regularized-layers.layers",
                "6 twice",
                "each value once",
            ),
            ("[scatter]", "zoo", "missing", "a table `[zoo]`"),
            ("[inconsistency]", "zoo", "missing", "a table `[zoo]`"),
            (
                "[zoo]\n[inconsistency]\nseeds = [3]",
                "inconsistency.seeds",
                "a list of 1",
                "two seeds",
            ),
            (
                "[zoo]\n[inconsistency]\nseeds = [3, 3]",
                "inconsistency.seeds",
                "3 twice",
                "each value once",
            ),
            (
                "[zoo]\n[inconsistency]\nimages = 0",
                "inconsistency.images",
                "0",
                "1 to 1000000",
            ),
            (
                "[intrinsic-dimension]",
                "intrinsic-dimension.training.optimizer",
                "another one",
                "without weight decay",
            ),
            (
                "[intrinsic-dimension]\ntraining = { optimizer = { kind = \"sgd\" } }\ndimensions = [30, 10]",
                "intrinsic-dimension.dimensions",
                "[30, 10]",
                "rising",
            ),
            (
                "[intrinsic-dimension]\ntraining = { optimizer = { kind = \"sgd\" } }\ndimensions = [0, 10]",
                "intrinsic-dimension.dimensions",
                "0",
                "1 to 1000000",
            ),
            (
                "[intrinsic-dimension]\ntraining = { optimizer = { kind = \"sgd\" } }\nshare = 1.5",
                "intrinsic-dimension.share",
                "1.5",
                "at most 1",
            ),
            (
                "[intrinsic-dimension]\ntraining = { optimizer = { kind = \"sgd\" } }\nseeds = []",
                "intrinsic-dimension.seeds",
                "empty",
                "at least one",
            ),
            (
                "[regularized-layers]\nvariants = [\"vit\"]",
                "regularized-layers.variants",
                "vit",
                "subspace bases",
            ),
        ] {
            let profile = profile(tables);
            let error = artefacts::select(&profile, &[]).err().unwrap();
            match error {
                Error::Setting {
                    key,
                    found,
                    expected,
                } => {
                    assert_eq!(key, at, "{tables}");
                    assert!(found.ends_with(value), "{tables}: {found}");
                    assert!(expected.contains(wanted), "{tables}: {expected}");
                }
                other => panic!("{tables}: {other}"),
            }
        }
    }

    #[test]
    fn a_profile_that_cannot_be_used_leaves_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let options = StudyOptions {
            out: folder.path().join("out"),
            only: Vec::new(),
            jobs: std::num::NonZeroUsize::MIN,
            shard: Shard::WHOLE,
            checkpoint_every: std::time::Duration::ZERO,
        };
        let profile = profile("[taylor]\npoints = 0");
        let error = Study::plan(&profile, &options).err().unwrap();
        assert!(matches!(error, Error::Setting { .. }), "{error}");
        assert!(!options.out.exists());
    }

    #[test]
    fn what_the_embedded_profiles_and_bare_tables_say_can_be_used() {
        for name in super::super::names() {
            Profile::load(name).unwrap().validate().unwrap();
        }
        let bare = "[zoo]\n[toy-ascent]\n[taylor]\n[variants]\n[correlation]\n[scatter]\n[regularization]\n[regularized-layers]\n[choices]\n[inconsistency]";
        profile(bare).validate().unwrap();
    }
}
