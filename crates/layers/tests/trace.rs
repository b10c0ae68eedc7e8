//! The trace of a checkpoint: its own configuration is what runs, and options change what they may.

mod common;

use common::{assert_close, awkward, download, images, model, normal, upload, weights};
use srr_kernels::Cpu;
use srr_layers::{
    ClassifierConfig, Error, ForwardOptions, HostTensor, Pool, Residual, Scale, Variant,
    checkpoint::Checkpoint, trace,
};

/// Nothing in it is a default.
fn peculiar(variant: Variant) -> ClassifierConfig {
    ClassifierConfig {
        step_size: 0.3,
        threshold: 0.02,
        pool: Pool::Mean,
        residual: Residual::Normalized,
        scale: Scale::None,
        ..awkward(variant)
    }
}

/// A checkpoint of a model, with its configuration inside, and images for it.
fn stored(config: &ClassifierConfig) -> (Checkpoint, HostTensor) {
    let model = model(config);
    let checkpoint = Checkpoint {
        tensors: weights(&model, 4).to_host(model.backend()).unwrap(),
        metadata: config.metadata(),
    };
    let [channels, height, width] = config.image;
    let images = HostTensor {
        shape: vec![3, channels, height, width],
        values: images(&model, 3),
    };
    (checkpoint, images)
}

fn options(config: &ClassifierConfig) -> trace::Options {
    trace::Options {
        heads: config.heads,
        patch: config.patch,
        step_size: None,
        threshold: None,
        pool: None,
    }
}

fn traced(checkpoint: &Checkpoint, options: &trace::Options, images: &HostTensor) -> Vec<f64> {
    let mut tensors = trace::run(&Cpu::<f64>::new(), checkpoint, options, images, None).unwrap();
    tensors.remove("logits").unwrap().values
}

/// The logits of a model of this configuration with the checkpoint's weights.
fn logits(checkpoint: &Checkpoint, config: &ClassifierConfig, images: &HostTensor) -> Vec<f64> {
    let model = model(config);
    let parameters = model.parameters(&checkpoint.tensors).unwrap();
    let input = upload(&model, &images.values);
    let pass = model.forward(&parameters, &input, &ForwardOptions::default());
    download(&model, &pass.unwrap().logits)
}

#[test]
fn a_stored_configuration_is_what_runs() {
    for variant in Variant::ALL {
        let config = peculiar(variant);
        let (checkpoint, images) = stored(&config);
        let found = traced(&checkpoint, &options(&config), &images);
        assert_eq!(found, logits(&checkpoint, &config, &images), "{variant}");
    }
}

#[test]
fn options_override_a_stored_configuration() {
    let config = peculiar(Variant::Crate);
    let (checkpoint, images) = stored(&config);
    let plain = options(&config);
    let unchanged = traced(&checkpoint, &plain, &images);
    let expect = |options: &trace::Options, config: &ClassifierConfig| {
        let found = traced(&checkpoint, options, &images);
        assert_eq!(found, logits(&checkpoint, config, &images), "{options:?}");
        assert_ne!(found, unchanged, "{options:?}");
    };
    expect(
        &trace::Options {
            step_size: Some(0.7),
            ..plain.clone()
        },
        &ClassifierConfig {
            step_size: 0.7,
            ..config.clone()
        },
    );
    expect(
        &trace::Options {
            threshold: Some(0.4),
            ..plain.clone()
        },
        &ClassifierConfig {
            threshold: 0.4,
            ..config.clone()
        },
    );
    expect(
        &trace::Options {
            pool: Some(Pool::ClassToken),
            ..plain.clone()
        },
        &ClassifierConfig {
            pool: Pool::ClassToken,
            ..config.clone()
        },
    );
}

#[test]
fn without_a_configuration_the_defaults_hold() {
    let config = awkward(Variant::Crate);
    let (mut checkpoint, images) = stored(&config);
    checkpoint.metadata.clear();
    let found = traced(&checkpoint, &options(&config), &images);
    assert_eq!((config.step_size, config.threshold), (0.1, 0.1));
    assert_eq!(config.pool, Pool::ClassToken);
    let expected = logits(&checkpoint, &config, &images);
    assert_close("logits", &found, &expected, 0.0, 0.0);
}

#[test]
fn heads_and_patch_that_contradict_the_configuration_are_refused() {
    let config = peculiar(Variant::Crate);
    let (checkpoint, images) = stored(&config);
    let run = |options: &trace::Options, images: &HostTensor| {
        trace::run(&Cpu::<f64>::new(), &checkpoint, options, images, None).unwrap_err()
    };
    let plain = options(&config);
    for (field, wrong) in [
        (
            "heads",
            trace::Options {
                heads: 5,
                ..plain.clone()
            },
        ),
        (
            "patch",
            trace::Options {
                patch: 5,
                ..plain.clone()
            },
        ),
    ] {
        let error = run(&wrong, &images);
        let said = error.to_string();
        assert!(
            matches!(error, Error::Contradiction { field: f, given: 5, stored: 2 } if f == field),
            "{said}"
        );
        for part in [format!("{field} = 5"), format!("{field} = 2")] {
            assert!(said.contains(&part), "{said}");
        }
    }
    // The image's size is in the configuration too.
    let other = HostTensor {
        shape: vec![1, 2, 4, 6],
        values: normal(1, 48),
    };
    let error = run(&plain, &other);
    assert!(matches!(error, Error::ImageShape { .. }), "{error}");
}
