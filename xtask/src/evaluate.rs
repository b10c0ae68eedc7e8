//! `evaluate`: accuracy, loss, margins and layer-wise rates of a trained model.

use crate::{
    conventions::{self, ConventionArgs},
    model::ModelArgs,
    normalization::NormalizationArgs,
    say::{note_resizing, say},
    whole::some,
};
use srr_coding_rate::Conventions;
use srr_datasets::{Dataset, ImageSet, Normalization};
use srr_kernels::{Backend, Cpu};
use srr_layers::Classifier;
use srr_study::origin::Origin;
use srr_trainer::{LayerRates, Model, evaluate, first_images, layer_rates};
use std::{error::Error, sync::Arc};

/// Evaluate a trained model on a data set.
#[derive(Debug, clap::Args)]
pub(crate) struct EvaluateArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// Name of a data set; `cargo xtask data list` shows them
    #[arg(long, value_name = "NAME")]
    data: String,
    /// Evaluate on the training set instead of the test set
    #[arg(long)]
    train: bool,
    /// Images over which the layer-wise rates are averaged, the first of the set
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = some)]
    images: usize,
    #[command(flatten)]
    conventions: ConventionArgs,
    #[command(flatten)]
    normalization: NormalizationArgs,
    /// Compute in double precision
    #[arg(long)]
    double: bool,
}

/// Runs the command.
///
/// # Errors
/// A checkpoint or data set that cannot be used, in words for the terminal.
pub(crate) fn run(args: EvaluateArgs) -> Result<(), Box<dyn Error>> {
    let conventions = args.conventions.conventions()?;
    let dataset = srr_datasets::open_default(&args.data)?;
    let shape = dataset.train.shape();
    let model = args.model.open(Some([shape.height, shape.width]))?;
    let (normalization, _) = args.normalization.choose(&model, &dataset.train)?;
    if args.train {
        note_fewer(&args, &model, &dataset)?;
    }
    let set = Arc::new(if args.train {
        dataset.train
    } else {
        dataset.test
    });
    if args.double {
        let backend = Cpu::<f64>::new();
        show(backend, &model, &set, &normalization, &args, &conventions)
    } else {
        let backend = Cpu::<f32>::new();
        show(backend, &model, &set, &normalization, &args, &conventions)
    }
}

/// Says on how many of the training images the run of a checkpoint was trained, where these are not all.
fn note_fewer(args: &EvaluateArgs, model: &Model, dataset: &Dataset) -> Result<(), Box<dyn Error>> {
    let origin = Origin::beside(&args.model.checkpoint, &model.config)?;
    let Some(origin) = origin.filter(|origin| origin.data == args.data) else {
        return Ok(());
    };
    let seen = origin.images(dataset.clone())?.map(|own| own.train.len());
    if let Some(seen) = seen.filter(|&seen| seen < dataset.train.len()) {
        say!(
            "the run was trained on {seen} of these {} images",
            dataset.train.len()
        );
    }
    Ok(())
}

fn show<B: Backend>(
    backend: B,
    model: &Model,
    set: &Arc<ImageSet>,
    normalization: &Normalization,
    args: &EvaluateArgs,
    conventions: &Conventions,
) -> Result<(), Box<dyn Error>> {
    let classifier = Classifier::new(backend, model.config.clone())?;
    let parameters = classifier.parameters(&model.tensors)?;
    let evaluation = evaluate(&classifier, &parameters, set, normalization)?;
    say!(
        "{} on {} ({} images)",
        model.config.variant,
        set.name(),
        evaluation.n
    );
    note_resizing(set, &model.config);
    say!("accuracy  {:.2} %", 100.0 * evaluation.accuracy);
    say!("loss      {:.5} nats", evaluation.loss);
    let quantiles = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0];
    let quantile = |q: f64| format!("{:.0} %: {:.3}", 100.0 * q, evaluation.margin_quantile(q));
    say!("margins   {}", quantiles.map(quantile).join("   "));
    if !model.config.variant.is_white_box() {
        say!(
            "{} has no subspace bases, and so no compressed rate",
            model.config.variant
        );
        return Ok(());
    }
    let images = first_images(&classifier, set, normalization, args.images)?;
    let rates = layer_rates(&classifier, &parameters, &images, conventions)?;
    table(&rates, conventions);
    Ok(())
}

fn table(rates: &[LayerRates], conventions: &Conventions) {
    let Some(first) = rates.first() else { return };
    say!(
        "rates: mean over {} images, {}",
        first.images,
        conventions::in_words(conventions)
    );
    say!(
        "{:>5} {:>12} {:>12} {:>10} {:>9} {:>12}",
        "layer",
        "R",
        "R^c",
        "‖Z‖₀",
        "non-zero",
        "SRR"
    );
    for (layer, r) in rates.iter().enumerate() {
        if !r.is_defined() {
            say!(
                "{:>5} undefined: the tokens of {} images are not finite",
                layer + 1,
                r.non_finite
            );
            continue;
        }
        let density = format!("{:.1} %", 100.0 * r.density);
        say!(
            "{:>5} {:>12.3} {:>12.3} {:>10.1} {density:>9} {:>12.3}",
            layer + 1,
            r.coding_rate,
            r.compressed_rate,
            r.nonzeros,
            r.srr
        );
    }
}
