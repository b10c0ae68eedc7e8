//! `forward` and `rates` as programs, against the golden tensors.

mod common;

use common::{refuses, succeeds};
use safetensors::{Dtype, serialize_to_file, tensor::TensorView};
use srr_kernels::{Backend, Cpu};
use srr_layers::{
    Classifier, ClassifierConfig, ForwardOptions, Pool, Residual, Variant,
    checkpoint::{TensorFile, save_safetensors},
};
use srr_random::Seed;
use srr_tests::golden::{self, Golden, assert_close};
use std::path::{Path, PathBuf};

/// A tensor for a file of inputs.
struct Input<'a> {
    name: &'a str,
    dtype: Dtype,
    shape: &'a [usize],
    values: &'a [f64],
}

fn write(path: &Path, inputs: &[Input<'_>]) {
    let bytes = |input: &Input<'_>| -> Vec<u8> {
        let word = |&value: &f64| match input.dtype {
            Dtype::I64 => (value as i64).to_le_bytes(),
            _ => value.to_le_bytes(),
        };
        input.values.iter().flat_map(word).collect()
    };
    let data: Vec<Vec<u8>> = inputs.iter().map(bytes).collect();
    let views = inputs.iter().zip(&data).map(|(input, data)| {
        let view = TensorView::new(input.dtype, input.shape.to_vec(), data).unwrap();
        (input.name, view)
    });
    serialize_to_file(views, None, path).unwrap();
}

/// The images and, if wanted, the labels of a golden model, as `forward` takes them.
fn write_images(path: &Path, golden: &Golden, images: &[f64], labels: bool) {
    let of = |name, key, dtype, values| Input {
        name,
        dtype,
        shape: golden.shape(key),
        values,
    };
    let mut inputs = vec![of("images", "input.images", Dtype::F64, images)];
    if labels {
        let values = golden.values("input.labels");
        inputs.push(of("labels", "input.labels", Dtype::I64, values));
    }
    write(path, &inputs);
}

/// `forward` on a golden model with its options.
fn forward(name: &str, dtype: &str, input: &Path, output: &Path) -> Vec<String> {
    let golden = Golden::open(name);
    let option = |key| golden.metadata(key).unwrap().to_owned();
    let mut words: Vec<String> = ["forward", "--dtype", dtype, "--checkpoint"]
        .map(String::from)
        .to_vec();
    words.push(golden::path(name).display().to_string());
    for (flag, key) in [
        ("--heads", "heads"),
        ("--patch", "patch_size"),
        ("--step-size", "ista"),
        ("--threshold", "ista_lambda"),
    ] {
        words.extend([flag.to_owned(), option(key)]);
    }
    words.extend(["--pool".to_owned(), option("pool")]);
    words.extend(["--input".to_owned(), input.display().to_string()]);
    words.extend(["--output".to_owned(), output.display().to_string()]);
    words
}

fn in_folder() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in"), folder.path().join("out"));
    (folder, input, output)
}

/// The golden name of a tensor that `forward` writes.
fn golden_name(name: &str) -> String {
    match name.strip_suffix(".attention") {
        Some(layer) => format!("act.{layer}.attn_skip"),
        None if name.ends_with(".ista") && name.starts_with("layer") => format!("act.{name}"),
        None if matches!(name, "logits" | "loss") => format!("out.{name}"),
        None => name.to_owned(),
    }
}

#[test]
fn forward_writes_the_golden_activations_loss_and_gradients() {
    for name in [
        "crate_forward",
        "crate_forward_mean",
        "crate_forward_1head",
        "crate_forward_wide",
    ] {
        let golden = Golden::open(name);
        let (_keep, input, output) = in_folder();
        write_images(&input, &golden, golden.values("input.images"), true);
        for (dtype, tolerance) in [("f64", 1e-9), ("f32", 1e-4)] {
            succeeds(forward(name, dtype, &input, &output));
            let found = TensorFile::open(&output).unwrap();
            let gradients = golden.names().filter(|n| n.starts_with("grad.")).count();
            let depth = golden.names().filter(|n| n.ends_with(".ista")).count();
            assert!(gradients > 0 && depth > 0);
            assert_eq!(found.names().count(), gradients + 2 * depth + 2, "{name}");
            for tensor in found.names() {
                let expected = golden_name(tensor);
                let values = found.floats(tensor).unwrap().values;
                let label = format!("{name} {tensor} {dtype}");
                assert_close(&label, &values, golden.values(&expected), tolerance);
            }
        }
    }
}

#[test]
fn forward_without_labels_writes_no_loss() {
    let golden = Golden::open("crate_forward");
    let (_keep, input, output) = in_folder();
    write_images(&input, &golden, golden.values("input.images"), false);
    succeeds(forward("crate_forward", "f64", &input, &output));
    let found = TensorFile::open(&output).unwrap();
    assert!(found.contains("logits") && !found.contains("loss"));
    assert!(!found.names().any(|name| name.starts_with("grad.")));
}

#[test]
fn forward_refuses_images_that_are_not_finite_and_leaves_no_file() {
    let golden = Golden::open("crate_forward");
    let (_keep, input, output) = in_folder();
    let mut images = golden.values("input.images").to_vec();
    images[7] = f64::NAN;
    write_images(&input, &golden, &images, true);
    let said = refuses(forward("crate_forward", "f64", &input, &output));
    assert!(said.contains("finite"), "{said}");
    assert!(!output.exists());
    let said = refuses(forward("crate_forward", "f64", &output, &output));
    assert!(said.contains(&*output.to_string_lossy()), "{said}");
}

#[test]
fn forward_runs_the_configuration_in_the_checkpoint() {
    let config = ClassifierConfig {
        step_size: 0.3,
        threshold: 0.02,
        pool: Pool::Mean,
        residual: Residual::Normalized,
        ..ClassifierConfig::new(Variant::Crate, [1, 4, 4], 2, 3, 6, 2, 2)
    };
    let backend = Cpu::<f64>::new();
    let model = Classifier::new(backend.clone(), config.clone()).unwrap();
    let weights = model.initialize(Seed::new(3)).unwrap();
    let (folder, input, output) = in_folder();
    let file = folder.path().join("model.safetensors");
    save_safetensors(&file, &backend, &weights, &config.metadata()).unwrap();
    let pixels: Vec<f64> = (0..32).map(|i| f64::from(i * 7 % 11) - 5.0).collect();
    let shape = [2, 1, 4, 4];
    let images = Input {
        name: "images",
        dtype: Dtype::F64,
        shape: &shape,
        values: &pixels,
    };
    write(&input, &[images]);

    let words = |heads: &'static str, more: &[&'static str]| -> Vec<String> {
        let paths = [&file, &input, &output].map(|path| path.display().to_string());
        let [file, input, output] = &paths;
        let mut words = vec!["forward", "--heads", heads, "--patch", "2"];
        words.extend(["--checkpoint", file, "--input", input, "--output", output]);
        words.extend(more);
        words.into_iter().map(String::from).collect()
    };
    let said = refuses(words("3", &[]));
    assert!(
        said.contains("heads = 3") && said.contains("heads = 2"),
        "{said}"
    );
    assert!(!output.exists());

    let logits = |more: &[&'static str]| {
        succeeds(words("2", more));
        TensorFile::open(&output).unwrap().floats("logits").unwrap()
    };
    let expected = |config: &ClassifierConfig| {
        let model = Classifier::new(backend.clone(), config.clone()).unwrap();
        let images = backend.upload_f64(&pixels, &shape).unwrap();
        let pass = model.forward(&weights, &images, &ForwardOptions::default());
        backend.download_f64(&pass.unwrap().logits).unwrap()
    };
    assert_eq!(logits(&[]).values, expected(&config));
    let larger = ClassifierConfig {
        step_size: 0.7,
        ..config.clone()
    };
    let found = logits(&["--step-size", "0.7"]).values;
    assert_eq!(found, expected(&larger));
    assert_ne!(found, expected(&config));
}

#[test]
fn rates_are_the_golden_ones() {
    for (file, bases) in [
        ("coding_rate_d8_N32", "K2.random"),
        ("coding_rate_d24_N17", "K4.orth"),
        ("coding_rate_d32_N8", "K1.orth"),
    ] {
        let golden = Golden::open(file);
        let (_keep, input, output) = in_folder();
        let u = format!("U.{bases}");
        write(
            &input,
            &[("Z", "Z"), ("U", &u)].map(|(name, key)| Input {
                name,
                dtype: Dtype::F64,
                shape: golden.shape(key),
                values: golden.values(key),
            }),
        );
        for epsilon in ["0.5", "0.1"] {
            let squared = (epsilon.parse::<f64>().unwrap().powi(2)).to_string();
            for (flag, value) in [("--epsilon", epsilon), ("--epsilon-squared", &squared)] {
                let (i, o) = (input.to_str().unwrap(), output.to_str().unwrap());
                succeeds(["rates", flag, value, "--input", i, "--output", o]);
                let found = TensorFile::open(&output).unwrap();
                assert_eq!(found.names().count(), 5);
                for (name, expected) in [
                    ("R", format!("R.eps{epsilon}")),
                    ("grad_Z_R", format!("R.eps{epsilon}.grad_Z")),
                    ("Rc", format!("Rc.{bases}.eps{epsilon}")),
                    ("grad_Z_Rc", format!("Rc.{bases}.eps{epsilon}.grad_Z")),
                    ("grad_U_Rc", format!("Rc.{bases}.eps{epsilon}.grad_U")),
                ] {
                    let tensor = found.floats(name).unwrap();
                    assert_eq!(tensor.shape, golden.shape(&expected), "{name}");
                    let label = format!("{file} {expected}");
                    assert_close(&label, &tensor.values, golden.values(&expected), 1e-9);
                }
            }
        }
    }
}

#[test]
fn unit_gamma_is_the_square_of_p_over_n() {
    let golden = Golden::open("coding_rate_d8_N32");
    let (_keep, input, output) = in_folder();
    write(
        &input,
        &[("Z", "Z"), ("U", "U.K4.random")].map(|(name, key)| Input {
            name,
            dtype: Dtype::F64,
            shape: golden.shape(key),
            values: golden.values(key),
        }),
    );
    let (i, o) = (input.to_str().unwrap(), output.to_str().unwrap());
    succeeds(["rates", "--unit-gamma", "--input", i, "--output", o]);
    let unit = TensorFile::open(&output).unwrap().floats("Rc").unwrap();
    succeeds(["rates", "--input", i, "--output", o]);
    let default = TensorFile::open(&output).unwrap().floats("Rc").unwrap();
    assert_eq!(default, unit);
    // p = 8 / 4 and N = 32.
    let squared = (2.0_f64 / 32.0).to_string();
    let same = [
        "rates",
        "--epsilon-squared",
        &squared,
        "--input",
        i,
        "--output",
        o,
    ];
    succeeds(same);
    let given = TensorFile::open(&output).unwrap().floats("Rc").unwrap();
    assert_close("Rc", &unit.values, &given.values, 1e-14);
}

#[test]
fn rates_refuse_what_they_cannot_use() {
    let (_keep, input, output) = in_folder();
    let (i, o) = (input.to_str().unwrap(), output.to_str().unwrap());
    let z = |values| Input {
        name: "Z",
        dtype: Dtype::F64,
        shape: &[2, 3],
        values,
    };
    let u = |shape| Input {
        name: "U",
        dtype: Dtype::F64,
        shape,
        values: &[1.0, 0.0, 0.0, 1.0, 0.5, 0.5][..shape.iter().product()],
    };
    let good = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let refused =
        |epsilon: &str| refuses(["rates", "--epsilon", epsilon, "--input", i, "--output", o]);

    write(
        &input,
        &[z(&[1.0, 2.0, f64::NAN, 4.0, 5.0, 6.0]), u(&[2, 2, 1])],
    );
    let said = refused("0.5");
    assert!(
        said.contains(i) && said.contains("Z[0, 2] is NaN"),
        "{said}"
    );
    write(&input, &[z(&good), u(&[1, 3, 2])]);
    let said = refused("0.5");
    assert!(said.contains("Z [2, 3] and U [1, 3, 2]"), "{said}");
    write(&input, &[z(&good)]);
    assert!(refused("0.5").contains("no tensor \"U\""));
    write(&input, &[z(&good), u(&[2, 2, 1])]);
    assert!(refused("0").contains("positive"), "{}", refused("0"));
    assert!(!output.exists());
    let before = std::fs::read(&input).unwrap();
    let said = refuses(["rates", "--input", i, "--output", i]);
    assert!(said.contains("is the input"), "{said}");
    assert_eq!(std::fs::read(&input).unwrap(), before);
}
