//! Checkpoints: what is written is read, and what is unsound is refused by name.

mod common;

use common::{Model, awkward, download, model, weights};
use srr_kernels::{Backend, Cpu};
use srr_layers::{
    Classifier, ClassifierConfig, Error, HostTensor, Residual, StateMismatch, Variant,
    checkpoint::{
        Checkpoint, Precision, TensorFile, load_safetensors, save_safetensors, write_atomically,
        write_tensors,
    },
};
use srr_random::Seed;
use std::{collections::BTreeMap, fs, path::Path};

type State = BTreeMap<String, HostTensor>;

fn metadata() -> BTreeMap<String, String> {
    ["variant", "b", "a", "\"quoted\"\n"]
        .map(|key| (key.to_string(), format!("value of {key}")))
        .into()
}

fn write(path: &Path, state: &State) {
    write_tensors(path, state, Precision::Double, &BTreeMap::new()).unwrap();
}

fn small() -> (Model, State) {
    let model = model(&awkward(Variant::Crate));
    let state = weights(&model, 1).to_host(model.backend()).unwrap();
    (model, state)
}

/// Writes tensors of any type with the reference implementation.
fn write_raw(path: &Path, tensors: &[(&str, safetensors::Dtype, &[usize], Vec<u8>)]) {
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        (
            *name,
            safetensors::tensor::TensorView::new(*dtype, shape.to_vec(), data).unwrap(),
        )
    });
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn round_trip<B: Backend>(backend: B) {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    for variant in Variant::ALL {
        let model = Classifier::new(backend.clone(), awkward(variant)).unwrap();
        let weights = model.initialize(Seed::new(3)).unwrap();
        save_safetensors(&first, &backend, &weights, &metadata()).unwrap();
        let read = load_safetensors(&first).unwrap();
        assert_eq!(read.metadata, metadata());
        assert_eq!(read.tensors, weights.to_host(&backend).unwrap());
        let again = model.parameters(&read.tensors).unwrap();
        save_safetensors(&second, &backend, &again, &metadata()).unwrap();
        assert_eq!(
            fs::read(&first).unwrap(),
            fs::read(&second).unwrap(),
            "{variant}"
        );
        let frozen = again.iter().filter(|p| !p.trainable).count();
        assert_eq!(frozen, if variant == Variant::Fix { 4 } else { 0 });
    }
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "no temporary file stays"
    );
}

#[test]
fn what_is_written_is_read() {
    round_trip(Cpu::<f64>::new());
    round_trip(Cpu::<f32>::new());
}

/// The reference implementation reads our files, metadata and all.
#[test]
fn files_follow_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let tensor = HostTensor {
        shape: vec![2, 1],
        values: vec![1.5, -0.1],
    };
    let state: State = [("b".to_string(), tensor.clone()), ("a".to_string(), tensor)].into();
    for (precision, dtype) in [
        (Precision::Single, safetensors::Dtype::F32),
        (Precision::Double, safetensors::Dtype::F64),
    ] {
        write_tensors(&path, &state, precision, &metadata()).unwrap();
        let bytes = fs::read(&path).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let view = file.tensor("b").unwrap();
        assert_eq!((view.dtype(), view.shape()), (dtype, &[2, 1][..]));
        let expected: Vec<u8> = match precision {
            Precision::Single => [1.5_f32, -0.1]
                .iter()
                .flat_map(|v| v.to_le_bytes())
                .collect(),
            Precision::Double => [1.5_f64, -0.1]
                .iter()
                .flat_map(|v| v.to_le_bytes())
                .collect(),
        };
        assert_eq!(view.data(), expected);
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let found: BTreeMap<_, _> = header.metadata().clone().unwrap().into_iter().collect();
        assert_eq!(found, metadata());
    }
}

#[test]
fn prefixes_are_taken_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let (model, state) = small();
    let renamed = |prefix: &str| -> State {
        state
            .iter()
            .map(|(name, t)| (format!("{prefix}{name}"), t.clone()))
            .collect()
    };
    for prefix in ["", "module.", "param.", "param.module."] {
        let mut written = renamed(prefix);
        if prefix.starts_with("param.") {
            written.insert(
                "grad.cls_token".into(),
                HostTensor {
                    shape: vec![1],
                    values: vec![f64::NAN],
                },
            );
        }
        write(&path, &written);
        let read = load_safetensors(&path).unwrap();
        assert_eq!(read.tensors, state, "{prefix:?}");
        model.parameters(&read.tensors).unwrap();
    }
    let mut twice = renamed("module.");
    twice.extend(state);
    write(&path, &twice);
    let error = load_safetensors(&path).unwrap_err();
    assert!(
        matches!(error, Error::File { .. }) && error.to_string().contains("cls_token"),
        "{error}"
    );
}

#[test]
fn missing_extra_and_misshapen_tensors_are_named() {
    let (model, state) = small();
    let mismatch = |change: &dyn Fn(&mut State)| -> (StateMismatch, String) {
        let mut state = state.clone();
        change(&mut state);
        match model.parameters(&state) {
            Err(Error::State(mismatch)) => (*mismatch.clone(), mismatch.to_string()),
            other => panic!("{other:?}"),
        }
    };
    let (one, text) = mismatch(&|s| drop(s.remove("cls_token")));
    assert_eq!(one.missing, ["cls_token"]);
    assert!(
        one.unexpected.is_empty()
            && one.misshapen.is_empty()
            && text.contains("missing: cls_token"),
        "{text}"
    );

    let extra = HostTensor {
        shape: vec![1],
        values: vec![0.0],
    };
    let (one, text) =
        mismatch(&|s| drop(s.insert("transformer.layers.2.0.norm.weight".into(), extra.clone())));
    assert_eq!(one.unexpected, ["transformer.layers.2.0.norm.weight"]);
    assert!(
        one.missing.is_empty() && text.contains("unexpected: transformer.layers.2.0.norm.weight"),
        "{text}"
    );

    let (one, text) = mismatch(&|s| s.get_mut("mlp_head.1.weight").unwrap().shape.reverse());
    assert_eq!(
        (&one.misshapen[0].expected[..], &one.misshapen[0].found[..]),
        (&[3, 6][..], &[6, 3][..])
    );
    assert!(
        text.contains("mlp_head.1.weight: expected [3, 6], found [6, 3]"),
        "{text}"
    );

    let (all, _) = mismatch(&|s| {
        s.remove("cls_token");
        s.insert("x".into(), extra.clone());
        s.get_mut("mlp_head.1.bias").unwrap().shape = vec![1, 3];
    });
    assert_eq!(
        (all.missing.len(), all.unexpected.len(), all.misshapen.len()),
        (1, 1, 1)
    );
}

#[test]
fn weights_that_are_not_finite_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    for bad in [f64::NAN, f64::INFINITY] {
        let (model, mut state) = small();
        state.get_mut("pos_embedding").unwrap().values[4] = bad;
        write(&path, &state);
        let error = model
            .parameters(&load_safetensors(&path).unwrap().tensors)
            .unwrap_err();
        assert!(
            matches!(&error, Error::NonFinite { name, index: Some(4) } if name == "pos_embedding"),
            "{error}"
        );
    }
}

#[test]
fn sixteen_bit_weights_are_widened_and_integers_refused() {
    use safetensors::Dtype;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    write_raw(
        &path,
        &[
            ("half", Dtype::F16, &[2], vec![0x00, 0x3c, 0x00, 0xc0]),
            ("brain", Dtype::BF16, &[1], vec![0x80, 0x3f]),
            (
                "labels",
                Dtype::I64,
                &[2],
                [3_i64, -1].iter().flat_map(|v| v.to_le_bytes()).collect(),
            ),
            ("bytes", Dtype::U8, &[1, 2], vec![7, 255]),
        ],
    );
    let file = TensorFile::open(&path).unwrap();
    assert_eq!(file.floats("half").unwrap().values, [1.0, -2.0]);
    assert_eq!(file.floats("brain").unwrap().values, [1.0]);
    assert_eq!(file.integers("labels").unwrap(), (vec![2], vec![3, -1]));
    assert_eq!(file.integers("bytes").unwrap(), (vec![1, 2], vec![7, 255]));
    for (error, name) in [
        (file.integers("half").unwrap_err(), "half"),
        (file.floats("labels").unwrap_err(), "labels"),
        (Checkpoint::from_file(&file).unwrap_err(), "bytes"),
    ] {
        assert!(
            matches!(&error, Error::ElementType { name: n, .. } if n == name),
            "{error}"
        );
    }
    let error = file.floats("absent").unwrap_err();
    assert!(
        matches!(error, Error::File { .. }) && error.to_string().contains("absent"),
        "{error}"
    );
}

#[test]
fn damaged_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let (_, state) = small();
    write(&path, &state);
    let whole = fs::read(&path).unwrap();
    let mut longer = whole.clone();
    longer.push(0);
    let mut wide = whole.clone();
    wide[7] = 0xff; // a header of 2⁶³ bytes
    let damaged = [
        &whole[..whole.len() - 1],
        &whole[..20],
        &whole[..3],
        &[],
        &longer,
        &wide,
        b"not a safetensors file at all",
    ];
    for bytes in damaged {
        fs::write(&path, bytes).unwrap();
        let error = load_safetensors(&path).unwrap_err();
        assert!(matches!(error, Error::File { .. }), "{error}");
        assert!(error.to_string().contains("x.safetensors"), "{error}");
    }
    let error = load_safetensors(&folder.path().join("absent")).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
fn a_write_that_fails_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    fs::write(&path, "old").unwrap();
    let result = write_atomically(&path, |out| {
        out.write_all(b"half of the new")?;
        Err(std::io::Error::other("disk full"))
    });
    assert!(matches!(result, Err(Error::Io { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    write_atomically(&path, |out| out.write_all(b"new")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(write_atomically(&folder.path().join("no/such/folder"), |_| Ok(())).is_err());
}

fn checkpoint(config: &ClassifierConfig) -> Checkpoint {
    let model = model(config);
    let tensors = model
        .initialize(Seed::new(1))
        .unwrap()
        .to_host(model.backend())
        .unwrap();
    Checkpoint {
        tensors,
        metadata: BTreeMap::new(),
    }
}

#[test]
fn configurations_are_inferred_from_shapes() {
    for variant in Variant::ALL {
        let mut config = awkward(variant);
        config.head_dim = config.head_dim.or(Some(3));
        config.mlp_ratio = if variant == Variant::Vit { 3 } else { 4 };
        let given = (!matches!(variant, Variant::Crate | Variant::Vit)).then_some(variant);
        let found =
            ClassifierConfig::infer(&checkpoint(&config), 2, 2, given, Some([6, 4])).unwrap();
        assert_eq!(found, config);
    }
    let square = ClassifierConfig {
        head_dim: Some(6),
        ..ClassifierConfig::new(Variant::Crate, [3, 8, 8], 2, 5, 6, 1, 1)
    };
    assert_eq!(
        ClassifierConfig::infer(&checkpoint(&square), 1, 2, None, None).unwrap(),
        square
    );
}

#[test]
fn what_cannot_be_inferred_is_said() {
    let config = awkward(Variant::Conceptual);
    let state = checkpoint(&config);
    let reason = |state: &Checkpoint, heads, patch, variant, size| match ClassifierConfig::infer(
        state, heads, patch, variant, size,
    ) {
        Err(Error::Infer { reason }) => reason,
        other => panic!("{other:?}"),
    };
    let tied = Some(Variant::Conceptual);
    let size = Some([6, 4]);
    assert!(reason(&state, 2, 2, None, size).contains("crate-c"));
    assert!(reason(&state, 3, 2, tied, size).contains("3 heads"));
    assert!(reason(&state, 2, 3, tied, size).contains("3x3"));
    assert!(reason(&state, 2, 2, tied, None).contains("square grid"));
    assert!(reason(&state, 0, 2, tied, size).contains("positive"));
    for name in [
        "cls_token",
        "pos_embedding",
        "mlp_head.1.weight",
        "to_patch_embedding.1.weight",
        "transformer.layers.0.0.fn.qkv.weight",
    ] {
        let mut state = state.clone();
        state.tensors.remove(name);
        assert!(reason(&state, 2, 2, tied, size).contains(name));
        let mut state = checkpoint(&config);
        state.tensors.get_mut(name).unwrap().shape.push(1);
        assert!(reason(&state, 2, 2, tied, size).contains(name));
    }
    assert!(reason(&state, 2, usize::MAX, tied, size).contains("patches"));
    let mut stray = state.clone();
    let extra = stray.tensors["cls_token"].clone();
    let name = format!("transformer.layers.{}.0.norm.weight", usize::MAX);
    stray.tensors.insert(name, extra);
    assert!(reason(&stray, 2, 2, tied, size).contains("layer"));
    let mut empty = checkpoint(&awkward(Variant::Vit));
    empty.tensors.get_mut("cls_token").unwrap().shape = vec![1, 1, 0];
    let error = ClassifierConfig::infer(&empty, 2, 2, None, size).unwrap_err();
    assert!(
        matches!(error, Error::Config { field: "dim", .. }),
        "{error}"
    );
    // A size that does not fit the positions shows when the weights are taken.
    let other = ClassifierConfig::infer(&state, 2, 2, tied, Some([6, 6])).unwrap();
    let error = model(&other).parameters(&state.tensors).unwrap_err();
    assert!(error.to_string().contains("pos_embedding"), "{error}");
}

#[test]
fn configurations_travel_in_the_metadata() {
    let config = ClassifierConfig {
        dropout: 0.1,
        ..awkward(Variant::Negative)
    };
    let mut state = checkpoint(&config);
    assert_eq!(state.config().unwrap(), None);
    state.metadata = config.metadata();
    assert_eq!(state.config().unwrap(), Some(config.clone()));
    let json = state.metadata.values_mut().next().unwrap();
    *json = json.replace("\"depth\":2", "\"depth\":0");
    assert!(matches!(
        state.config(),
        Err(Error::Config { field: "depth", .. })
    ));
    state.metadata.insert("srr.config".into(), "{}".into());
    assert!(matches!(state.config(), Err(Error::Infer { .. })));
}

#[test]
fn mapped_parameters_leave_the_originals() {
    let model = model(&ClassifierConfig {
        residual: Residual::Normalized,
        ..awkward(Variant::Crate)
    });
    let weights = weights(&model, 1);
    let squared = weights
        .map_values(model.backend(), |_, values| {
            values.iter_mut().for_each(|v| *v *= *v)
        })
        .unwrap();
    for (mapped, original) in squared.iter().zip(&weights) {
        let expected: Vec<f64> = download(&model, &original.value)
            .iter()
            .map(|v| v * v)
            .collect();
        assert_eq!(download(&model, &mapped.value), expected);
        assert_eq!(mapped.name, original.name);
    }
}
