//! `measure` as a program: official weights without a configuration, and those of a run.

mod common;

use common::{errors, refuses, succeeds, xtask};
use serde_json::Value;
use srr_coding_rate::Conventions;
use srr_kernels::Cpu;
use srr_layers::{
    Classifier, HostTensor, ModelFacts,
    checkpoint::{Checkpoint, Precision, TensorFile, write_tensors},
};
use srr_measures::{Images, Split, network_rates};
use srr_study::subject::TrainedSubject;
use srr_tests::golden::{self, assert_close};
use srr_trainer::TrainingData;
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};
use tempfile::TempDir;
use zip::{ZipWriter, write::SimpleFileOptions};

type Tensors = BTreeMap<String, HostTensor>;

/// A folder with a small data set under the name of `mnist`: 30 gray images of 8×8 to train on, 20 to test on.
struct Workshop {
    folder: TempDir,
}

impl Workshop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("mnist");
        fs::create_dir(&data).unwrap();
        for (prefix, count) in [("train", 30_u32), ("t10k", 20)] {
            let mut images = vec![0, 0, 8, 3];
            images.extend([count, 8, 8].into_iter().flat_map(u32::to_be_bytes));
            images.extend((0..count * 64).map(|i| (i * 37 % 251 + i % 7) as u8));
            let mut labels = vec![0, 0, 8, 1];
            labels.extend(count.to_be_bytes());
            labels.extend((0..count).map(|i| (i % 10) as u8));
            fs::write(data.join(format!("{prefix}-images-idx3-ubyte")), images).unwrap();
            fs::write(data.join(format!("{prefix}-labels-idx1-ubyte")), labels).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes tensors without a word of what they belong to.
    fn save(&self, name: &str, tensors: &Tensors) -> String {
        let path = self.path(name);
        write_tensors(&path, tensors, Precision::Double, &BTreeMap::new()).unwrap();
        path.display().to_string()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = xtask();
        command.env("SRR_DATA", self.folder.path()).args(words);
        command
    }

    /// What `measure` printed.
    fn measures(&self, words: &[&str]) -> String {
        let output = self
            .command(&[&["measure"], words].concat())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", errors(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What `measure` said against these words.
    fn refused(&self, words: &[&str]) -> String {
        let output = self
            .command(&[&["measure"], words].concat())
            .output()
            .unwrap();
        let said = errors(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with("error: "), "{said}");
        said
    }
}

/// The official weights of the golden files, which take images of 16×16 in patches of 4×4, cut for gray images and given five more
/// classes.
fn official() -> Tensors {
    let file = TensorFile::open(&golden::path("crate_forward")).unwrap();
    let mut tensors = Checkpoint::from_file(&file).unwrap().tensors;
    for name in ["to_patch_embedding.1.weight", "to_patch_embedding.1.bias"] {
        let tensor = tensors.get_mut(name).unwrap();
        tensor.values.truncate(16);
        tensor.shape = vec![16];
    }
    let map = tensors.get_mut("to_patch_embedding.2.weight").unwrap();
    let rows = map.values.chunks(48);
    map.values = rows.flat_map(|row| row[..16].to_vec()).collect();
    map.shape = vec![24, 16];
    for name in ["mlp_head.1.weight", "mlp_head.1.bias"] {
        let tensor = tensors.get_mut(name).unwrap();
        let more: Vec<f64> = tensor.values.iter().map(|value| -0.5 * value).collect();
        tensor.values.extend(more);
        tensor.shape[0] = 10;
    }
    tensors
}

fn scaled(tensors: &Tensors, factor: f64) -> Tensors {
    let mut scaled = tensors.clone();
    let values = scaled.values_mut().flat_map(|tensor| &mut tensor.values);
    values.for_each(|value| *value *= factor);
    scaled
}

const OFFICIAL: [&str; 6] = ["--data", "mnist", "--heads", "3", "--patch", "4"];

/// The words for an official checkpoint, with more.
fn official_words<'a>(checkpoint: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--checkpoint", checkpoint], &OFFICIAL[..], more].concat()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A measure of `measure.json`.
fn measure<'a>(record: &'a Value, name: &str) -> &'a Value {
    let measures = record["measures"].as_array().unwrap();
    measures.iter().find(|found| found["name"] == name).unwrap()
}

#[test]
fn official_weights_are_measured_with_and_without_their_start() {
    let shop = Workshop::new();
    let weights = shop.save("crate.safetensors", &official());
    let start = shop.save("start.safetensors", &scaled(&official(), 0.5));
    let out = shop.path("out").display().to_string();

    let said = shop.measures(&official_words(&weights, &["--out", &out]));
    for part in [
        "crate: d = 24, L = 3, K = 3, images 1×16×16 in patches of 4×4, 10 classes",
        "mnist/train: 30 training images; mnist/test: 20 held-out images",
        "images resized from 8×8 to 16×16",
        "images normalized fitted on the training images",
        "training images: mean over 30",
        "held-out images: mean over 20",
        "l2-dist",
        "unavailable: the subject has no weights at the start",
        "--init tells the weights at the start",
        "learning rate at the end unknown, batch size unknown, seed 0",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let record = json(&Path::new(&out).join("measure.json"));
    let dist = measure(&record, "l2-dist");
    assert!(
        dist["unavailable"]
            .as_str()
            .unwrap()
            .contains("weights at the start")
    );
    let l2 = measure(&record, "l2")["raw"].as_f64().unwrap();
    for name in [
        "measures.csv",
        "layers.csv",
        "curves.svg",
        "report.html",
        "timings.json",
    ] {
        assert!(Path::new(&out).join(name).exists(), "{name}");
    }

    let said = shop.measures(&official_words(
        &weights,
        &["--init", &start, "--out", &out],
    ));
    assert!(!said.contains("weights at the start"), "{said}");
    let record = json(&Path::new(&out).join("measure.json"));
    let dist = measure(&record, "l2-dist")["raw"].as_f64().unwrap();
    // From half the weights to the weights it is half their norm.
    assert!((dist / l2 - 0.5).abs() < 1e-12, "{dist} of {l2}");
}

#[test]
fn curves_are_those_of_the_library_and_of_evaluate() {
    let shop = Workshop::new();
    let tensors = official();
    let weights = shop.save("crate.safetensors", &tensors);
    let out = shop.path("out").display().to_string();
    let words = official_words(
        &weights,
        &["--measures", "srr", "--images", "12", "--out", &out],
    );
    shop.measures(&words);
    let record = json(&Path::new(&out).join("measure.json"));

    let dataset = srr_datasets::open("mnist", shop.folder.path()).unwrap();
    let data = TrainingData::new(dataset.train, Some(Arc::new(dataset.test))).unwrap();
    let checkpoint = Checkpoint {
        tensors,
        metadata: BTreeMap::new(),
    };
    let facts = ModelFacts {
        heads: Some(3),
        patch: Some(4),
        ..ModelFacts::default()
    };
    let config = facts.configure(&checkpoint).unwrap();
    let classifier = Classifier::new(Cpu::<f64>::new(), config).unwrap();
    let parameters = classifier.parameters(&checkpoint.tensors).unwrap();
    let subject = TrainedSubject::new(classifier, parameters, data).unwrap();
    let conventions = Conventions::default();
    let read = |layers: &Value, key: &str| -> Vec<f64> {
        let layers = layers.as_array().unwrap().iter();
        layers.map(|layer| layer[key].as_f64().unwrap()).collect()
    };
    for (split, key) in [(Split::Train, "training"), (Split::Test, "held_out")] {
        let images = Images {
            limit: Some(12),
            ..Images::all(split)
        };
        let rates = network_rates(&subject, &[conventions], images)
            .pop()
            .unwrap()
            .unwrap();
        let found = &record["curves"][key];
        assert_eq!(found["images"], 12);
        for (layer, terms) in rates.layers.iter().enumerate() {
            let layers = &found["layers"];
            assert_eq!(read(layers, "coding_rate")[layer], terms.coding_rate);
            assert_eq!(
                read(layers, "compressed_rate")[layer],
                terms.compressed_rate
            );
            assert_eq!(read(layers, "nonzeros")[layer], terms.nonzeros);
            assert_eq!(read(layers, "srr")[layer], terms.value_under(&conventions));
        }
    }

    // Over all images of a set both commands see the same ones; `evaluate` prints three digits.
    shop.measures(&official_words(
        &weights,
        &["--measures", "srr", "--out", &out],
    ));
    let record = json(&Path::new(&out).join("measure.json"));
    let words = official_words(&weights, &["--double"]);
    for (key, more) in [("training", &["--train"][..]), ("held_out", &[])] {
        let words = [&["evaluate"], &words[..], more].concat();
        let output = shop.command(&words).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let rows: Vec<Vec<f64>> = said
            .lines()
            .filter(|line| line.starts_with("    ") && !line.contains("layer"))
            .map(|line| {
                let numbers = line.split_whitespace().filter_map(|word| word.parse().ok());
                numbers.collect()
            })
            .collect();
        assert_eq!(rows.len(), 3, "{said}");
        for (column, name, digit) in [
            (1, "coding_rate", 6e-4),
            (2, "compressed_rate", 6e-4),
            (3, "nonzeros", 6e-2),
        ] {
            let shown: Vec<f64> = rows.iter().map(|row| row[column]).collect();
            let found = read(&record["curves"][key]["layers"], name);
            let largest = found
                .iter()
                .fold(0.0_f64, |most, value| most.max(value.abs()));
            assert_close(name, &found, &shown, digit / largest);
        }
    }
}

#[test]
fn the_same_model_gives_the_same_bytes_wherever_it_lies() {
    let shop = Workshop::new();
    let out = ["one", "two"].map(|name| shop.path(name));
    for (threads, out) in ["1", "2"].into_iter().zip(&out) {
        fs::create_dir(out).unwrap();
        let weights = out.join("crate.safetensors");
        write_tensors(&weights, &official(), Precision::Double, &BTreeMap::new()).unwrap();
        let (weights, out) = (weights.display().to_string(), out.display().to_string());
        let words = official_words(&weights, &["--per-layer", "--out", &out]);
        let mut command = shop.command(&[&["measure"], &words[..]].concat());
        let output = command.env("RAYON_NUM_THREADS", threads).output().unwrap();
        assert!(output.status.success(), "{}", errors(&output));
    }
    let mut names: Vec<_> = fs::read_dir(&out[0])
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.retain(|name| name != "timings.json");
    assert_eq!(names.len(), 7, "{names:?}");
    for name in names {
        let [one, two] = out
            .each_ref()
            .map(|folder| fs::read(folder.join(&name)).unwrap());
        assert!(one == two, "{name:?}");
        let text = String::from_utf8_lossy(&one).into_owned();
        assert!(
            !text.contains(&*shop.folder.path().to_string_lossy()),
            "{name:?}"
        );
    }
    // Without --per-layer a table of an earlier examination does not stay.
    let weights = out[0].join("crate.safetensors").display().to_string();
    let folder = out[0].display().to_string();
    assert!(out[0].join("parts.csv").exists());
    shop.measures(&official_words(
        &weights,
        &["--measures", "l2", "--out", &folder],
    ));
    assert!(!out[0].join("parts.csv").exists());
}

#[test]
fn parts_of_layers_are_shown_when_asked_for() {
    let shop = Workshop::new();
    let weights = shop.save("crate.safetensors", &official());
    let words = official_words(&weights, &["--measures", "srr"]);
    assert!(!shop.measures(&words).contains("  layer 3: mu "));
    let said =
        shop.measures(&[&words[..], &["--per-layer", "--norms", "--epsilon", "0.5"]].concat());
    assert!(said.contains("  layer 3: mu "), "{said}");
    assert!(
        said.contains("LayerNorm kept") && said.contains("0.5"),
        "{said}"
    );
}

#[test]
fn densities_are_taken_when_asked_for() {
    let shop = Workshop::new();
    let weights = shop.save("crate.safetensors", &official());
    let out = shop.path("density").display().to_string();
    let words = ["--measures", "l2", "--density", "--out", &out];
    let said = shop.measures(&official_words(&weights, &words));
    assert!(said.contains("on 30 training images"), "{said}");
    let record = json(&Path::new(&out).join("measure.json"));
    let densities = record["densities"].as_array().unwrap();
    assert_eq!(densities.len(), 1);
    assert_eq!(densities[0]["of"], "network");
    let starts = densities[0]["starts"].as_array().unwrap();
    assert_eq!(starts.len(), 4);
    let masses = starts[0].as_array().unwrap();
    let total: f64 = masses.iter().map(|mass| mass[1].as_f64().unwrap()).sum();
    assert!((total - 1.0).abs() < 1e-9, "{total}");
    let written = |name: &str| Path::new(&out).join(name).exists();
    assert!(written("density.csv") && written("density.svg"));
    // Without the word they do not stay.
    let words = ["--measures", "l2", "--out", &out];
    shop.measures(&official_words(&weights, &words));
    assert!(!written("density.csv") && !written("density.svg"));
}

#[test]
fn what_does_not_fit_is_said() {
    let shop = Workshop::new();
    let weights = shop.save("crate.safetensors", &official());
    let checkpoint = |file: &str, expected: &[&str]| {
        let said = shop.refused(&official_words(file, &[]));
        for part in expected {
            assert!(said.contains(part), "{part} in {said}");
        }
    };
    // Files.
    let bytes = fs::read(&weights).unwrap();
    let cut = shop.path("cut.safetensors");
    fs::write(&cut, &bytes[..bytes.len() - 100]).unwrap();
    checkpoint(
        &cut.display().to_string(),
        &["cut.safetensors", "not a whole"],
    );
    checkpoint("nowhere.safetensors", &["nowhere.safetensors"]);
    let mut tensors = official();
    tensors
        .remove("transformer.layers.1.0.fn.qkv.weight")
        .unwrap();
    let lacking = shop.save("lacking.safetensors", &tensors);
    checkpoint(
        &lacking,
        &[
            "lacking.safetensors",
            "transformer.layers.1.0.fn.qkv.weight",
        ],
    );
    let mut tensors = official();
    tensors.get_mut("cls_token").unwrap().values[3] = f64::NAN;
    let broken = shop.save("broken.safetensors", &tensors);
    checkpoint(
        &broken,
        &["broken.safetensors", "cls_token", "not finite", "element 3"],
    );
    // Images and classes.
    let golden = golden::path("crate_forward").display().to_string();
    checkpoint(&golden, &["1 channels where the model takes 3"]);
    let mut tensors = official();
    for name in ["mlp_head.1.weight", "mlp_head.1.bias"] {
        let tensor = tensors.get_mut(name).unwrap();
        tensor.values.truncate(tensor.values.len() / 2);
        tensor.shape[0] = 5;
    }
    checkpoint(
        &shop.save("five.safetensors", &tensors),
        &["10 classes where the model knows 5"],
    );
}

#[test]
fn words_that_do_not_fit_are_answered() {
    let shop = Workshop::new();
    let weights = shop.save("crate.safetensors", &official());
    let other = shop.save("other.safetensors", &BTreeMap::new());
    let study = shop.path("study");
    fs::create_dir(&study).unwrap();
    fs::write(study.join("study.json"), "{}").unwrap();
    let study = study.display().to_string();
    let plain = ["--checkpoint", &weights, "--data", "mnist"];
    for (words, expected) in [
        (&["--heads", "5", "--patch", "4"][..], "5 heads"),
        (&["--heads", "3", "--patch", "3"], "3x3"),
        (
            &["--heads", "3", "--patch", "2"],
            "1 channels where the model takes 4",
        ),
        (&["--heads", "3"], "patch must be given"),
        (&["--patch", "4"], "heads must be given"),
        (&[], "heads and patch must be given"),
        (&["--measures", "l2,path-nrom"], "did you mean `path-norm`?"),
        (
            &["--variant", "vit", "--heads", "3", "--patch", "4"],
            "crate.safetensors",
        ),
        (
            &["--heads", "3", "--patch", "4", "--init", &other],
            "other.safetensors",
        ),
        (
            &["--heads", "3", "--patch", "4", "--out", &study],
            "a study",
        ),
        (
            &["--heads", "3", "--patch", "4", "--out", &weights],
            "a file",
        ),
        (
            &["--heads", "3", "--patch", "4", "--normalization", "stored"],
            "holds none",
        ),
        (
            &[
                "--heads",
                "3",
                "--patch",
                "4",
                "--mean",
                "0.1,0.2",
                "--deviation",
                "1,1",
            ],
            "1 channels",
        ),
        (
            &["--heads", "3", "--patch", "4", "--epsilon", "-1"],
            "epsilon",
        ),
    ] {
        let said = shop.refused(&[&plain, words].concat());
        assert!(said.contains(expected), "{expected} in {said}");
    }
    let said = shop.refused(&["--checkpoint", &weights, "--data", "mnits"]);
    assert!(said.contains("mnist"), "{said}");
}

/// A checkpoint as `torch.save` writes it.
fn pytorch(path: &Path, tensors: &Tensors) {
    let text = |pickle: &mut Vec<u8>, text: &str| {
        pickle.push(b'X');
        pickle.extend((text.len() as u32).to_le_bytes());
        pickle.extend(text.as_bytes());
    };
    let integers = |pickle: &mut Vec<u8>, values: &[usize]| {
        for value in values {
            pickle.push(b'J');
            pickle.extend((*value as u32).to_le_bytes());
        }
    };
    let mut pickle = vec![0x80, 2, b'}', b'('];
    for (key, (name, tensor)) in tensors.iter().enumerate() {
        let strides = (0..tensor.shape.len()).map(|axis| tensor.shape[axis + 1..].iter().product());
        text(&mut pickle, name);
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut pickle, "storage");
        pickle.extend(b"ctorch\nDoubleStorage\n");
        text(&mut pickle, &key.to_string());
        text(&mut pickle, "cpu");
        integers(&mut pickle, &[tensor.values.len()]);
        pickle.extend(b"tQ");
        integers(&mut pickle, &[0]);
        pickle.push(b'(');
        integers(&mut pickle, &tensor.shape);
        pickle.extend(b"t(");
        integers(&mut pickle, &strides.collect::<Vec<usize>>());
        pickle.extend(b"t\x89ccollections\nOrderedDict\n)RtR");
    }
    pickle.extend(b"u.");
    let mut archive = ZipWriter::new(fs::File::create(path).unwrap());
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut member = |name: &str, bytes: &[u8]| {
        archive.start_file(format!("crate/{name}"), stored).unwrap();
        archive.write_all(bytes).unwrap();
    };
    member("data.pkl", &pickle);
    for (key, tensor) in tensors.values().enumerate() {
        let bytes: Vec<u8> = tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        member(&format!("data/{key}"), &bytes);
    }
    archive.finish().unwrap();
}

#[test]
fn a_pytorch_checkpoint_is_read_as_it_is() {
    let shop = Workshop::new();
    let weights = shop.save("crate.safetensors", &official());
    let file = shop.path("crate.pth");
    pytorch(&file, &official());
    let file = file.display().to_string();
    let shown = |file: &str| {
        let words = official_words(file, &["--measures", "srr,l2"]);
        let said = shop.measures(&words);
        // The last column is a time.
        let lines = said
            .lines()
            .map(|line| line.rsplit_once(' ').map_or(line, |(rest, _)| rest));
        lines
            .map(|line| line.trim_end().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(&weights), shown(&file));
    fs::write(&file, b"nothing").unwrap();
    let said = shop.refused(&official_words(&file, &[]));
    assert!(
        said.contains("crate.pth") && said.contains("PyTorch checkpoint"),
        "{said}"
    );
}

/// A run of a second.
const RUN: &str = r#"
train_images = 60
held_out = 20
seed = 3
[model]
patch = 4
dim = 8
depth = 2
heads = 2
[training]
batch_size = 20
epochs = 2
"#;

#[test]
fn a_run_s_own_checkpoint_needs_nothing_but_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (config, run) = (folder.path().join("run.toml"), folder.path().join("run"));
    fs::write(&config, RUN).unwrap();
    let words = ["train", "--variant", "crate-c", "--data", "optdigits"].map(String::from);
    let (config, out) = (config.display().to_string(), run.display().to_string());
    succeeds(
        words
            .into_iter()
            .chain(["--config".to_owned(), config, "--out".to_owned(), out]),
    );

    let file = |name: &str| run.join(name).display().to_string();
    let (weights, start) = (file("model.safetensors"), file("initial.safetensors"));
    let words = ["measure", "--checkpoint", &weights, "--data", "optdigits"];
    let said = succeeds([&words[..], &["--init", &start]].concat());
    for part in [
        "crate-c: d = 8, L = 2, K = 2",
        "40 training images",
        "20 held-out images, those of its run",
        "normalized as stored in the checkpoint",
        " 0 unavailable",
        "batch size 20, seed 3",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(
        !said.contains("resized") && !said.contains("--init tells"),
        "{said}"
    );

    for (more, expected) in [
        (&["--heads", "4"][..], "heads = 4"),
        (&["--patch", "2"], "patch = 2"),
        (&["--variant", "crate"], "variant = crate"),
    ] {
        let said = refuses([&words[..], more].concat());
        assert!(
            said.contains(expected) && said.contains("model.safetensors"),
            "{said}"
        );
    }
    let said = refuses([&words[..], &["--out", &run.display().to_string()]].concat());
    assert!(
        said.contains("config.toml") && said.contains("a run"),
        "{said}"
    );

    // Away from its folder nothing is known of its images and its training.
    let alone = folder
        .path()
        .join("alone.safetensors")
        .display()
        .to_string();
    fs::copy(&weights, &alone).unwrap();
    let words = [
        "measure",
        "--checkpoint",
        &alone,
        "--data",
        "optdigits",
        "--measures",
        "params",
    ];
    let said = succeeds(words);
    assert!(said.contains("3823 training images"), "{said}");
}

#[cfg(unix)]
#[test]
fn control_c_ends_between_measures() {
    let shop = Workshop::new();
    let weights = shop.save("crate.safetensors", &official());
    let out = shop.path("out").display().to_string();
    let words = [
        "measure",
        "--data",
        "optdigits",
        "--heads",
        "3",
        "--patch",
        "4",
        "--images",
        "3000",
    ];
    let words = [&words[..], &["--checkpoint", &weights, "--out", &out]].concat();
    let mut command = shop.command(&words);
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // Its first line comes when the handler stands, and before the curves of thousands of images.
    let mut first = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut first).unwrap();
    assert!(first.starts_with("crate: "), "{first}");
    let id = child.id().to_string();
    Command::new("kill").args(["-INT", &id]).status().unwrap();
    std::io::copy(&mut lines, &mut std::io::sink()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = errors(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(
        said.contains("stopping after this measure") && said.contains("stopped after 0 of"),
        "{said}"
    );
    // What was finished is there, and says that it is not all.
    let record = std::fs::read_to_string(Path::new(&out).join("measure.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["stopped"], true);
    assert!(
        record["curves"]["training"].is_object() && record["measures"] == serde_json::json!([])
    );
}
