//! The trace of a checkpoint: its own configuration is what runs, and options change what they may.

mod common;

use common::{assert_close, awkward, download, images, model, normal, upload, weights};
use srr_kernels::Cpu;
use srr_layers::{
    ClassifierConfig, Error, ForwardOptions, HostTensor, ModelFacts, Pool, Residual, Scale,
    Variant, checkpoint::Checkpoint, trace,
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

/// What `forward` is told of an official checkpoint.
fn facts(config: &ClassifierConfig) -> ModelFacts {
    let [_, height, width] = config.image;
    ModelFacts {
        heads: Some(config.heads),
        patch: Some(config.patch),
        size: Some([height, width]),
        ..ModelFacts::default()
    }
}

fn run(
    checkpoint: &Checkpoint,
    facts: &ModelFacts,
    images: &HostTensor,
) -> Result<Vec<f64>, Error> {
    let config = facts.configure(checkpoint)?;
    let tensors = trace::run(
        &Cpu::<f64>::new(),
        &config,
        &checkpoint.tensors,
        images,
        None,
    )?;
    Ok(tensors["logits"].values.clone())
}

fn traced(checkpoint: &Checkpoint, facts: &ModelFacts, images: &HostTensor) -> Vec<f64> {
    run(checkpoint, facts, images).unwrap()
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
        for facts in [facts(&config), ModelFacts::default()] {
            let found = traced(&checkpoint, &facts, &images);
            assert_eq!(found, logits(&checkpoint, &config, &images), "{variant}");
        }
    }
}

#[test]
fn facts_override_a_stored_configuration() {
    let config = peculiar(Variant::Crate);
    let (checkpoint, images) = stored(&config);
    let plain = facts(&config);
    let unchanged = traced(&checkpoint, &plain, &images);
    let expect = |facts: &ModelFacts, config: &ClassifierConfig| {
        let found = traced(&checkpoint, facts, &images);
        assert_eq!(found, logits(&checkpoint, config, &images), "{facts:?}");
        assert_ne!(found, unchanged, "{facts:?}");
    };
    expect(
        &ModelFacts {
            step_size: Some(0.7),
            ..plain.clone()
        },
        &ClassifierConfig {
            step_size: 0.7,
            ..config.clone()
        },
    );
    expect(
        &ModelFacts {
            threshold: Some(0.4),
            ..plain.clone()
        },
        &ClassifierConfig {
            threshold: 0.4,
            ..config.clone()
        },
    );
    expect(
        &ModelFacts {
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
    let found = traced(&checkpoint, &facts(&config), &images);
    assert_eq!((config.step_size, config.threshold), (0.1, 0.1));
    assert_eq!(config.pool, Pool::ClassToken);
    let expected = logits(&checkpoint, &config, &images);
    assert_close("logits", &found, &expected, 0.0, 0.0);
}

#[test]
fn facts_that_contradict_the_configuration_are_refused() {
    let config = peculiar(Variant::Crate);
    let (checkpoint, images) = stored(&config);
    let plain = facts(&config);
    for (field, given, facts) in [
        (
            "heads",
            "5",
            ModelFacts {
                heads: Some(5),
                ..plain.clone()
            },
        ),
        (
            "patch",
            "5",
            ModelFacts {
                patch: Some(5),
                ..plain.clone()
            },
        ),
        (
            "variant",
            "vit",
            ModelFacts {
                variant: Some(Variant::Vit),
                ..plain.clone()
            },
        ),
    ] {
        let error = run(&checkpoint, &facts, &images).unwrap_err();
        let said = error.to_string();
        assert!(
            matches!(error, Error::Contradiction { field: f, .. } if f == field),
            "{said}"
        );
        let stored = if field == "variant" { "crate" } else { "2" };
        for part in [format!("{field} = {given}"), format!("{field} = {stored}")] {
            assert!(said.contains(&part), "{said}");
        }
    }
    // The image's size is in the configuration too.
    let other = HostTensor {
        shape: vec![1, 2, 4, 6],
        values: normal(1, 48),
    };
    let error = run(&checkpoint, &plain, &other).unwrap_err();
    assert!(matches!(error, Error::ImageShape { .. }), "{error}");
}

#[test]
fn without_a_configuration_heads_and_patch_must_be_given() {
    let config = awkward(Variant::Crate);
    let (mut checkpoint, _) = stored(&config);
    checkpoint.metadata.clear();
    let plain = facts(&config);
    for (name, facts) in [
        (
            "heads",
            ModelFacts {
                heads: None,
                ..plain.clone()
            },
        ),
        (
            "patch",
            ModelFacts {
                patch: None,
                ..plain.clone()
            },
        ),
    ] {
        let said = facts.configure(&checkpoint).unwrap_err().to_string();
        assert!(said.contains(&format!("{name} must be given")), "{said}");
    }
}

#[test]
fn images_of_another_size_leave_a_square_grid() {
    let config = ClassifierConfig::new(Variant::Crate, [3, 8, 8], 2, 5, 6, 1, 2);
    let (mut checkpoint, _) = stored(&config);
    checkpoint.metadata.clear();
    let image = |size| {
        let facts = ModelFacts {
            size,
            ..facts(&config)
        };
        facts.configure(&checkpoint).unwrap().image
    };
    // Sixteen patches of two by two: four by four, or as the images have them.
    for (size, expected) in [
        (None, [3, 8, 8]),
        (Some([8, 8]), [3, 8, 8]),
        (Some([4, 16]), [3, 4, 16]),
        (Some([32, 32]), [3, 8, 8]),
        (Some([5, 16]), [3, 8, 8]),
    ] {
        assert_eq!(image(size), expected, "{size:?}");
    }
}
