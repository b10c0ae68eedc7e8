//! The classifier against the official PyTorch code: every activation, the loss and every gradient, by name.

use srr_kernels::{Backend, Cpu, Tensor as _};
use srr_layers::{
    AttentionStep, Classifier, ForwardOptions, Gradients, HostTensor, ModelFacts, Pool, Tape,
    checkpoint::{Checkpoint, TensorFile},
    trace,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

const FILES: [&str; 4] = [
    "crate_forward",
    "crate_forward_mean",
    "crate_forward_1head",
    "crate_forward_wide",
];

struct Golden {
    file: TensorFile,
    facts: ModelFacts,
    images: HostTensor,
    labels: Vec<i64>,
}

fn golden(name: &str) -> Golden {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden");
    let file = TensorFile::open(&folder.join(format!("{name}.safetensors"))).unwrap();
    let number = |key: &str| file.metadata()[key].parse::<f64>().unwrap();
    let images = file.floats("input.images").unwrap();
    let facts = ModelFacts {
        heads: Some(number("heads") as usize),
        patch: Some(number("patch_size") as usize),
        step_size: Some(number("ista")),
        threshold: Some(number("ista_lambda")),
        pool: Some(match file.metadata()["pool"].as_str() {
            "mean" => Pool::Mean,
            _ => Pool::ClassToken,
        }),
        size: Some([images.shape[2], images.shape[3]]),
        variant: None,
    };
    let labels = file.integers("input.labels").unwrap().1;
    Golden {
        file,
        facts,
        images,
        labels,
    }
}

/// The largest norm-wise and the largest elementwise relative error seen; elementwise errors are taken relative to the tensor's
/// largest entry.
#[derive(Debug, Default)]
struct Errors {
    norm: f64,
    element: f64,
    compared: BTreeSet<String>,
}

impl Errors {
    fn compare(&mut self, golden: &Golden, name: &str, found: &HostTensor) {
        let expected = golden.file.floats(name).unwrap();
        assert_eq!(found.shape, expected.shape, "{name}");
        let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|v| v * v).sum::<f64>().sqrt();
        let difference = || {
            found
                .values
                .iter()
                .zip(&expected.values)
                .map(|(a, b)| a - b)
        };
        let scale = norm(&mut expected.values.iter().copied());
        assert!(scale > 0.0, "{name} is zero and proves nothing");
        let error = norm(&mut difference()) / scale;
        assert!(error.is_finite(), "{name}");
        let largest = expected.values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let worst = difference().fold(0.0_f64, |m, d| m.max(d.abs())) / largest;
        self.norm = self.norm.max(error);
        self.element = self.element.max(worst);
        self.compared.insert(name.to_string());
    }
}

fn host<B: Backend>(backend: &B, tensor: &B::Tensor) -> HostTensor {
    HostTensor {
        shape: tensor.shape().to_vec(),
        values: backend.download_f64(tensor).unwrap(),
    }
}

/// The activations that the tape holds.
fn activations<B: Backend>(tape: &Tape<B>) -> Vec<(String, &B::Tensor)> {
    let mut list = vec![
        ("act.patch_embed".to_string(), tape.patch_embedding()),
        ("act.tokens".into(), tape.tokens()),
    ];
    for l in 0..tape.depth() {
        list.push((
            format!("act.layer{l}.norm1"),
            tape.attention_input(l).unwrap(),
        ));
        list.push((
            format!("act.layer{l}.attn_skip"),
            tape.attention(l).unwrap(),
        ));
        list.push((format!("act.layer{l}.ista"), tape.output(l).unwrap()));
    }
    list
}

fn compare<B: Backend>(backend: &B, name: &str) -> Errors {
    let golden = golden(name);
    let checkpoint = Checkpoint::from_file(&golden.file).unwrap();
    let config = golden.facts.configure(&checkpoint).unwrap();
    let model = Classifier::new(backend.clone(), config).unwrap();
    let parameters = model.parameters(&checkpoint.tensors).unwrap();
    let images = backend
        .upload_f64(&golden.images.values, &golden.images.shape)
        .unwrap();
    let labels: Vec<u32> = golden
        .labels
        .iter()
        .map(|&l| l.try_into().unwrap())
        .collect();

    let evaluate = ForwardOptions::default();
    let pass = model.forward(&parameters, &images, &evaluate).unwrap();
    let mut errors = Errors::default();
    errors.compare(&golden, "out.logits", &host(backend, &pass.logits));
    for (name, tensor) in activations(&pass.tape) {
        errors.compare(&golden, &name, &host(backend, tensor));
    }
    for l in 0..model.depth() {
        let AttentionStep::Subspace(attention) = model.block(l).unwrap().attention() else {
            panic!("not of the CRATE family")
        };
        let ctx = model.context(&parameters, evaluate);
        let (branch, _) = attention
            .forward(&ctx, pass.tape.attention_input(l).unwrap())
            .unwrap();
        errors.compare(
            &golden,
            &format!("act.layer{l}.mssa"),
            &host(backend, &branch),
        );
    }
    let loss = backend.cross_entropy(&pass.logits, &labels, 0.0).unwrap();
    let losses = backend.download_f64(&loss.losses).unwrap();
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    errors.compare(
        &golden,
        "out.loss",
        &HostTensor {
            shape: vec![1],
            values: vec![mean],
        },
    );

    let mut gradients = Gradients::zeros(backend, &parameters).unwrap();
    let d_images = model
        .backward(
            &parameters,
            &pass.tape,
            &loss.gradient,
            &[],
            &mut gradients,
            true,
        )
        .unwrap();
    errors.compare(
        &golden,
        "grad_input.images",
        &host(backend, &d_images.unwrap()),
    );
    for (parameter, gradient) in parameters.iter().zip(gradients.iter()) {
        errors.compare(
            &golden,
            &format!("grad.{}", parameter.name),
            &host(backend, gradient),
        );
    }
    assert_everything_was_compared(&golden, &errors);
    errors
}

fn assert_everything_was_compared(golden: &Golden, errors: &Errors) {
    let result = |name: &&str| !name.starts_with("param.") && !name.starts_with("input.");
    let results: BTreeSet<String> = golden
        .file
        .names()
        .filter(result)
        .map(String::from)
        .collect();
    assert_eq!(errors.compared, results);
}

#[test]
fn double_precision() {
    for name in FILES {
        let errors = compare(&Cpu::<f64>::new(), name);
        println!(
            "{name}: norm-wise {:.1e}, elementwise {:.1e}",
            errors.norm, errors.element
        );
        assert!(
            errors.norm <= 1e-9 && errors.element <= 1e-9,
            "{name}: {errors:?}"
        );
    }
}

#[test]
fn single_precision() {
    for name in FILES {
        let errors = compare(&Cpu::<f32>::new(), name);
        println!(
            "{name}: norm-wise {:.1e}, elementwise {:.1e}",
            errors.norm, errors.element
        );
        assert!(
            errors.norm <= 1e-4 && errors.element <= 1e-4,
            "{name}: {errors:?}"
        );
    }
}

/// What the `forward` command writes, from the golden file as its checkpoint.
#[test]
fn traces_reproduce_the_golden_tensors() {
    for name in FILES {
        let golden = golden(name);
        let checkpoint = Checkpoint::from_file(&golden.file).unwrap();
        let config = golden.facts.configure(&checkpoint).unwrap();
        let run = |labels| {
            trace::run(
                &Cpu::<f64>::new(),
                &config,
                &checkpoint.tensors,
                &golden.images,
                labels,
            )
            .unwrap()
        };
        let traced = run(Some(&golden.labels));
        let official = |name: &str| match name {
            "logits" | "loss" => format!("out.{name}"),
            _ if name.starts_with("layer") => {
                format!("act.{}", name.replace("attention", "attn_skip"))
            }
            _ => name.to_string(),
        };
        let mut errors = Errors::default();
        for (name, tensor) in &traced {
            errors.compare(&golden, &official(name), tensor);
        }
        assert!(errors.norm <= 1e-9, "{name}: {errors:?}");
        let depth = traced.keys().filter(|name| name.ends_with(".ista")).count();
        assert_eq!(traced.len(), 2 + 2 * depth + checkpoint.tensors.len());

        let unlabeled: BTreeMap<_, _> = run(None);
        assert_eq!(unlabeled.len(), 1 + 2 * depth);
        assert!(
            unlabeled
                .iter()
                .all(|(name, tensor)| traced[name] == *tensor)
        );
    }
}

#[test]
fn traces_refuse_what_does_not_fit() {
    let golden = golden("crate_forward");
    let checkpoint = Checkpoint::from_file(&golden.file).unwrap();
    let run = |facts: &ModelFacts, images: &HostTensor, labels: &[i64]| {
        let config = match facts.configure(&checkpoint) {
            Ok(config) => config,
            Err(error) => return error.to_string(),
        };
        let backend = Cpu::<f64>::new();
        let result = trace::run(&backend, &config, &checkpoint.tensors, images, Some(labels));
        result.unwrap_err().to_string()
    };
    let (facts, images, labels) = (&golden.facts, &golden.images, &golden.labels[..]);
    for bad in [-1, 5] {
        assert!(run(facts, images, &[0, bad]).contains(&format!("label {bad}")));
    }
    run(facts, images, &[0]);
    let mut infinite = images.clone();
    infinite.values[7] = f64::INFINITY;
    assert!(run(facts, &infinite, labels).contains("element 7"));
    let mut flat = images.clone();
    flat.shape = vec![2, 768];
    assert!(run(facts, &flat, labels).contains("[2, 768]"));
    let mut small = images.clone();
    small.shape = vec![2, 3, 12, 16];
    assert!(run(facts, &small, labels).contains("[2, 3, 12, 16]"));
    assert!(
        run(
            &ModelFacts {
                heads: Some(5),
                ..facts.clone()
            },
            images,
            labels
        )
        .contains("5 heads")
    );
    assert!(
        run(
            &ModelFacts {
                patch: Some(5),
                ..facts.clone()
            },
            images,
            labels
        )
        .contains("5x5")
    );
}
