//! The time of one training step of a CRATE classifier's layers, operation by operation.
//!
//! `cargo run --release -p srr-kernels --example step -- [threads] [small|large] [dropout]`

use std::{collections::BTreeMap, time::Instant};

use srr_kernels::{
    AdamStep, AttentionOptions, Backend, Cpu, CpuTensor, Dropout, LayerNormOutput, Result, Tensor,
};
use srr_random::Seed;

type Array = CpuTensor<f32>;

struct Sizes {
    batch: usize,
    tokens: usize,
    dim: usize,
    depth: usize,
    heads: usize,
}

/// The weights of a layer with their gradients and moments: gains and biases of two norms, bases, output map and bias, dictionary.
struct Layer {
    weights: Vec<[Array; 4]>,
}

struct Saved {
    x: Array,
    norm1: LayerNormOutput<Array>,
    v: Array,
    s: Array,
    y: Array,
    norm2: LayerNormOutput<Array>,
    ista: srr_kernels::IstaOutput<Array>,
}

/// The seconds of each operation in one step.
#[derive(Default)]
struct Times(BTreeMap<&'static str, f64>);

impl Times {
    fn of<T>(&mut self, name: &'static str, f: impl FnOnce() -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let result = f();
        *self.0.entry(name).or_default() += start.elapsed().as_secs_f64();
        result
    }
}

fn random(cpu: &Cpu<f32>, shape: &[usize], scale: f64, seed: u64) -> Result<Array> {
    let mut stream = Seed::new(seed).stream();
    let values: Vec<f64> = (0..shape.iter().product())
        .map(|_| scale * stream.normal())
        .collect();
    cpu.upload_f64(&values, shape)
}

fn layer(cpu: &Cpu<f32>, d: usize, seed: u64) -> Result<Layer> {
    let scale = 1.0 / (d as f64).sqrt();
    let values = [
        random(cpu, &[d], 1.0, seed)?,
        random(cpu, &[d], 0.1, seed + 1)?,
        random(cpu, &[d, d], scale, seed + 2)?,
        random(cpu, &[d, d], scale, seed + 3)?,
        random(cpu, &[d], 0.1, seed + 4)?,
        random(cpu, &[d], 1.0, seed + 5)?,
        random(cpu, &[d], 0.1, seed + 6)?,
        random(cpu, &[d, d], scale, seed + 7)?,
    ];
    let weights = values
        .into_iter()
        .map(|value| {
            let zero = cpu.zeros(value.shape())?;
            Ok([value, zero.clone(), zero.clone(), zero])
        })
        .collect::<Result<_>>()?;
    Ok(Layer { weights })
}

fn forward(
    cpu: &Cpu<f32>,
    layer: &Layer,
    x: &Array,
    attention: &AttentionOptions,
    dropout: Option<&Dropout>,
    t: &mut Times,
) -> Result<Saved> {
    let w = |i: usize| &layer.weights[i][0];
    let norm1 = t.of("layer_norm", || cpu.layer_norm(x, w(0), w(1), 1e-5))?;
    let v = t.of("linear", || cpu.linear(&norm1.output, w(2), None))?;
    let s = t.of("mssa", || cpu.mssa(&v, attention))?;
    let mut y = t.of("linear", || cpu.linear(&s, w(3), Some(w(4))))?;
    if let Some(dropout) = dropout {
        t.of("dropout", || cpu.dropout(&mut y, dropout))?;
    }
    t.of("add_scaled", || cpu.add_scaled(&mut y, 1.0, x))?;
    let norm2 = t.of("layer_norm", || cpu.layer_norm(&y, w(5), w(6), 1e-5))?;
    let ista = t.of("ista", || cpu.ista(&norm2.output, w(7), 0.1, 0.1))?;
    Ok(Saved {
        x: x.clone(),
        norm1,
        v,
        s,
        y,
        norm2,
        ista,
    })
}

fn backward(
    cpu: &Cpu<f32>,
    layer: &mut Layer,
    saved: &Saved,
    dy: &Array,
    attention: &AttentionOptions,
    dropout: Option<&Dropout>,
    t: &mut Times,
) -> Result<Array> {
    let [g1, b1, bases, map, bias, g2, b2, dictionary] = layer.weights.as_mut_slice() else {
        unreachable!()
    };
    let split = |w: &mut [Array; 4]| {
        (
            w[0].clone(),
            std::mem::replace(&mut w[1], cpu.zeros(&[0]).unwrap()),
        )
    };
    let (value, mut gradient) = split(dictionary);
    let d_norm = t.of("ista_backward", || {
        cpu.ista_backward(
            &saved.norm2.output,
            &value,
            0.1,
            &saved.ista,
            dy,
            Some(&mut gradient),
        )
    })?;
    dictionary[1] = gradient;
    let ((gain, mut d_gain), (_, mut d_bias)) = (split(g2), split(b2));
    let mut dy = t.of("layer_norm_backward", || {
        cpu.layer_norm_backward(
            &saved.y,
            &gain,
            &saved.norm2,
            &d_norm,
            Some(&mut d_gain),
            Some(&mut d_bias),
        )
    })?;
    (g2[1], b2[1]) = (d_gain, d_bias);
    let mut branch = dy.clone();
    if let Some(dropout) = dropout {
        t.of("dropout", || cpu.dropout(&mut branch, dropout))?;
    }
    let ((value, mut d_map), (_, mut d_bias)) = (split(map), split(bias));
    let ds = t.of("linear_backward", || {
        cpu.linear_backward(
            &saved.s,
            &value,
            &branch,
            Some(&mut d_map),
            Some(&mut d_bias),
            true,
        )
    })?;
    (map[1], bias[1]) = (d_map, d_bias);
    let dv = t.of("mssa_backward", || {
        cpu.mssa_backward(&saved.v, attention, &ds.unwrap())
    })?;
    let (value, mut d_bases) = split(bases);
    let dn = t.of("linear_backward", || {
        cpu.linear_backward(
            &saved.norm1.output,
            &value,
            &dv,
            Some(&mut d_bases),
            None,
            true,
        )
    })?;
    bases[1] = d_bases;
    let ((gain, mut d_gain), (_, mut d_bias)) = (split(g1), split(b1));
    let dx = t.of("layer_norm_backward", || {
        cpu.layer_norm_backward(
            &saved.x,
            &gain,
            &saved.norm1,
            &dn.unwrap(),
            Some(&mut d_gain),
            Some(&mut d_bias),
        )
    })?;
    (g1[1], b1[1]) = (d_gain, d_bias);
    t.of("add_scaled", || cpu.add_scaled(&mut dy, 1.0, &dx))?;
    Ok(dy)
}

fn step(
    cpu: &Cpu<f32>,
    layers: &mut [Layer],
    sizes: &Sizes,
    x: &Array,
    probability: f64,
    number: u64,
    t: &mut Times,
) -> Result<()> {
    let seed = Seed::new(number);
    let dropout = |name: &str, l: usize| {
        (probability > 0.0).then(|| Dropout {
            probability,
            seed: seed.purpose(name).index(l as u64),
        })
    };
    let attention = |l: usize| AttentionOptions {
        heads: sizes.heads,
        scale: 1.0 / ((sizes.dim / sizes.heads) as f64).sqrt(),
        causal: false,
        dropout: dropout("attention", l),
    };
    let mut saved: Vec<Saved> = Vec::new();
    for (l, layer) in layers.iter().enumerate() {
        let input = saved.last().map_or(x, |s| &s.ista.output).clone();
        saved.push(forward(
            cpu,
            layer,
            &input,
            &attention(l),
            dropout("map", l).as_ref(),
            t,
        )?);
    }
    let mut dy = saved[saved.len() - 1].ista.output.clone();
    for (l, layer) in layers.iter_mut().enumerate().rev() {
        dy = backward(
            cpu,
            layer,
            &saved[l],
            &dy,
            &attention(l),
            dropout("map", l).as_ref(),
            t,
        )?;
    }
    let adam = AdamStep {
        learning_rate: 1e-4,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
        decoupled: false,
        step: number,
    };
    t.of("adam", || {
        for [value, gradient, first, second] in
            layers.iter_mut().flat_map(|layer| &mut layer.weights)
        {
            cpu.adam_step(value, gradient, first, second, &adam)?;
            cpu.scale(gradient, 0.0)?;
        }
        Ok(())
    })
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let threads = arguments.first().and_then(|a| a.parse().ok()).unwrap_or(1);
    let large = arguments.iter().any(|a| a == "large");
    let probability = if arguments.iter().any(|a| a == "dropout") {
        0.1
    } else {
        0.0
    };
    let sizes = if large {
        Sizes {
            batch: 128,
            tokens: 65,
            dim: 384,
            depth: 12,
            heads: 6,
        }
    } else {
        Sizes {
            batch: 128,
            tokens: 17,
            dim: 48,
            depth: 6,
            heads: 4,
        }
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a pool");
    pool.install(|| {
        let cpu = Cpu::<f32>::new();
        let mut layers: Vec<Layer> = (0..sizes.depth)
            .map(|l| layer(&cpu, sizes.dim, 10 * l as u64))
            .collect::<Result<_>>()?;
        let x = random(&cpu, &[sizes.batch, sizes.tokens, sizes.dim], 1.0, 99)?;
        let steps = if large { 3 } else { 100 };
        step(
            &cpu,
            &mut layers,
            &sizes,
            &x,
            probability,
            1,
            &mut Times::default(),
        )?;
        let mut all: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for number in 2..2 + steps {
            let mut times = Times::default();
            let start = Instant::now();
            step(
                &cpu,
                &mut layers,
                &sizes,
                &x,
                probability,
                number,
                &mut times,
            )?;
            times.0.insert("whole step", start.elapsed().as_secs_f64());
            times
                .0
                .into_iter()
                .for_each(|(name, time)| all.entry(name).or_default().push(1e3 * time));
        }
        println!("{:<20} {:>9} {:>9}", "ms a step", "best", "median");
        for (name, mut times) in all {
            times.sort_by(f64::total_cmp);
            println!("{name:<20} {:9.3} {:9.3}", times[0], times[times.len() / 2]);
        }
        Ok(())
    })
}
