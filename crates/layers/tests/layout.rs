//! Names, shapes and numbers of parameters; configurations that cannot be.

mod common;

use common::{awkward, model};
use srr_layers::{ClassifierConfig, Error, Variant};

fn imagenet(
    variant: Variant,
    dim: usize,
    depth: usize,
    heads: usize,
    classes: usize,
) -> ClassifierConfig {
    ClassifierConfig::new(variant, [3, 224, 224], 16, classes, dim, depth, heads)
}

/// The counts of the official models and of Hu, Zou and Xu 2024.
#[test]
fn exact_parameter_counts() {
    for (dim, depth, heads, count) in [
        (384, 12, 6, 6_090_856),
        (576, 12, 12, 13_116_328),
        (768, 12, 12, 22_796_008),
        (1024, 24, 16, 77_641_192),
    ] {
        let found = imagenet(Variant::Crate, dim, depth, heads, 1000)
            .count()
            .unwrap();
        assert_eq!((found.trainable, found.total), (count, count));
    }
    let ten = |variant| imagenet(variant, 384, 12, 6, 10).count().unwrap();
    assert_eq!(ten(Variant::Crate).trainable, 5_709_706);
    for variant in [
        Variant::Conceptual,
        Variant::Negative,
        Variant::Transpose,
        Variant::Identity,
    ] {
        assert_eq!(ten(variant).trainable, 3_935_626, "{variant}");
        assert_eq!(ten(variant).total, 3_935_626, "{variant}");
    }
    assert_eq!(ten(Variant::Fix).trainable, 3_935_626);
    assert_eq!(ten(Variant::Fix).total, 5_709_706);
}

/// ViT-S/16 has 22,050,664 parameters; ours lacks the bias of the projections (12·3·384) and has two norms in the patch embedding.
#[test]
fn vision_transformer_count() {
    let found = imagenet(Variant::Vit, 384, 12, 6, 1000).count().unwrap();
    assert_eq!(
        found.trainable,
        22_050_664 - 12 * 3 * 384 + 2 * 768 + 2 * 384
    );
}

#[test]
fn names_are_the_official_ones() {
    let frame = ["pos_embedding", "cls_token"].map(String::from);
    let both = |name: &str| ["weight", "bias"].map(|part| format!("{name}.{part}"));
    let embedding = ["1", "2", "3"]
        .map(|i| both(&format!("to_patch_embedding.{i}")))
        .concat();
    let head = ["0", "1"].map(|i| both(&format!("mlp_head.{i}"))).concat();
    for variant in Variant::ALL {
        let mut expected = frame.to_vec();
        expected.extend(embedding.clone());
        for layer in 0..2 {
            let name = |end: &str| format!("transformer.layers.{layer}.{end}");
            expected.extend(both(&name("0.norm")));
            let projection = if variant == Variant::Vit {
                "0.fn.to_qkv.weight"
            } else {
                "0.fn.qkv.weight"
            };
            expected.push(name(projection));
            if matches!(variant, Variant::Crate | Variant::Fix | Variant::Vit) {
                expected.extend(both(&name("0.fn.to_out.0")));
            }
            expected.extend(both(&name("1.norm")));
            if variant == Variant::Vit {
                expected.extend(both(&name("1.fn.net.0")));
                expected.extend(both(&name("1.fn.net.3")));
            } else {
                expected.push(name("1.fn.weight"));
            }
        }
        expected.extend(head.clone());
        let model = model(&awkward(variant));
        let names: Vec<_> = model
            .layout()
            .specs()
            .iter()
            .map(|spec| spec.name.clone())
            .collect();
        assert_eq!(names, expected, "{variant}");

        let weights = model.initialize(srr_random::Seed::new(0)).unwrap();
        assert_eq!(weights.count(), model.count());
        for (i, spec) in model.layout().specs().iter().enumerate() {
            assert_eq!(weights.index(&spec.name), Some(i));
            assert_eq!(weights.get(i).unwrap().kind, spec.kind);
        }
    }
}

#[test]
fn bases_are_the_projections() {
    for variant in Variant::ALL {
        let model = model(&awkward(variant));
        for layer in 0..3 {
            let name = model
                .bases_index(layer)
                .map(|i| model.layout().specs()[i].name.clone());
            let expected = (variant.is_white_box() && layer < 2)
                .then(|| format!("transformer.layers.{layer}.0.fn.qkv.weight"));
            assert_eq!(name, expected, "{variant}");
        }
    }
}

#[test]
fn impossible_configurations_name_their_field() {
    type Change = fn(&mut ClassifierConfig);
    let changes: [(&str, Change); 17] = [
        ("image", |c| c.image = [0, 6, 4]),
        ("image", |c| c.image = [1, 1 << 40, 1 << 40]),
        ("heads", |c| (c.heads, c.head_dim) = (usize::MAX, Some(2))),
        ("head_dim", |c| c.head_dim = Some(usize::MAX)),
        ("patch", |c| c.patch = 0),
        ("patch", |c| c.patch = 4),
        ("classes", |c| c.classes = 0),
        ("dim", |c| c.dim = 0),
        ("depth", |c| c.depth = 0),
        ("heads", |c| c.heads = 0),
        ("heads", |c| (c.heads, c.head_dim) = (4, None)),
        ("head_dim", |c| c.head_dim = Some(0)),
        ("step_size", |c| c.step_size = f64::NAN),
        ("threshold", |c| c.threshold = -0.1),
        ("dropout", |c| c.dropout = 1.0),
        ("dropout", |c| c.dropout = f64::NAN),
        ("mlp_ratio", |c| c.mlp_ratio = 0),
    ];
    for (expected, change) in changes {
        let mut config = awkward(Variant::Crate);
        change(&mut config);
        match config.validate() {
            Err(Error::Config { field, .. }) => assert_eq!(field, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    for variant in Variant::ALL {
        let mut config = awkward(variant);
        config.head_dim = Some(5);
        let refused = matches!(
            config.validate(),
            Err(Error::NotSquare {
                heads: 2,
                head_dim: 5,
                dim: 6,
                ..
            })
        );
        assert_eq!(refused, variant.needs_square(), "{variant}");
    }
}

#[test]
fn configurations_survive_json_and_refuse_unknown_keys() {
    let mut config = awkward(Variant::Transpose);
    config.pool = srr_layers::Pool::Mean;
    let json = serde_json::to_string(&config).unwrap();
    assert_eq!(
        serde_json::from_str::<ClassifierConfig>(&json).unwrap(),
        config
    );
    let short = r#"{"variant":"crate","image":[1,8,8],"patch":2,"classes":10,"dim":24,"depth":2,"heads":3}"#;
    let plain = ClassifierConfig::new(Variant::Crate, [1, 8, 8], 2, 10, 24, 2, 3);
    assert_eq!(
        serde_json::from_str::<ClassifierConfig>(short).unwrap(),
        plain
    );
    let unknown = short.replace("\"heads\"", "\"head\"");
    assert!(serde_json::from_str::<ClassifierConfig>(&unknown).is_err());
}
