//! The operators of one layer, forward and backward, at the sizes of a small and of a large model.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use srr_coding_rate::Precision;
use srr_kernels::{AdamStep, AttentionOptions, Backend, Cpu, CpuTensor, Dropout, Result, Unary};
use srr_random::Seed;

/// (batch, tokens, dimension, heads).
const SIZES: [(usize, usize, usize, usize); 2] = [(128, 17, 48, 4), (16, 65, 384, 6)];

fn random(cpu: &Cpu<f32>, shape: &[usize], seed: u64) -> Result<CpuTensor<f32>> {
    let mut stream = Seed::new(seed).stream();
    let values: Vec<f64> = (0..shape.iter().product())
        .map(|_| 0.3 * stream.normal())
        .collect();
    cpu.upload_f64(&values, shape)
}

fn operators(criterion: &mut Criterion) {
    for (batch, tokens, dim, heads) in SIZES {
        layer(criterion, batch, tokens, dim, heads).expect("the shapes fit");
    }
}

type Tensor = CpuTensor<f32>;

/// What the operations of one size work on.
struct Operands {
    cpu: Cpu<f32>,
    heads: usize,
    x: Tensor,
    dy: Tensor,
    weight: Tensor,
    row: Tensor,
    d_weight: Tensor,
    d_row: Tensor,
    d_bias: Tensor,
}

/// Times an operation under a name.
type Time<'a> = &'a mut dyn FnMut(&str, &mut dyn FnMut() -> Result<()>);

fn dropout() -> Dropout {
    Dropout {
        probability: 0.1,
        seed: Seed::new(5),
    }
}

fn keep(tensor: Tensor) {
    black_box(tensor);
}

fn layer(
    criterion: &mut Criterion,
    batch: usize,
    tokens: usize,
    dim: usize,
    heads: usize,
) -> Result<()> {
    let cpu = Cpu::<f32>::new();
    let shape = [batch, tokens, dim];
    let mut operands = Operands {
        heads,
        x: random(&cpu, &shape, 1)?,
        dy: random(&cpu, &shape, 2)?,
        weight: random(&cpu, &[dim, dim], 3)?,
        row: random(&cpu, &[dim], 4)?,
        d_weight: cpu.zeros(&[dim, dim])?,
        d_row: cpu.zeros(&[dim])?,
        d_bias: cpu.zeros(&[dim])?,
        cpu,
    };
    let size = format!("{batch}x{tokens}x{dim}");
    let mut group = criterion.benchmark_group("operators");
    let mut time = |name: &str, operation: &mut dyn FnMut() -> Result<()>| {
        group.bench_function(BenchmarkId::new(name, &size), |b| {
            b.iter(|| operation().expect("the shapes fit"))
        });
    };
    maps_and_norms(&mut operands, &mut time)?;
    attention(&operands, &mut time);
    sparse_step(&mut operands, &mut time)?;
    elementwise(&operands, &mut time);
    rates(&operands, dim, &mut time);
    adam(&mut operands, dim, &mut time)?;
    group.finish();
    Ok(())
}

fn maps_and_norms(operands: &mut Operands, time: Time<'_>) -> Result<()> {
    let Operands {
        cpu,
        x,
        dy,
        weight,
        row,
        d_weight,
        d_row,
        d_bias,
        ..
    } = operands;
    time("linear", &mut || cpu.linear(x, weight, Some(row)).map(keep));
    time("linear_backward", &mut || {
        let dx = cpu.linear_backward(x, weight, dy, Some(d_weight), Some(d_bias), true)?;
        black_box(dx);
        Ok(())
    });
    let norm = cpu.layer_norm(x, row, row, 1e-5)?;
    time("layer_norm", &mut || {
        cpu.layer_norm(x, row, row, 1e-5)
            .map(|norm| keep(norm.output))
    });
    time("layer_norm_backward", &mut || {
        cpu.layer_norm_backward(x, row, &norm, dy, Some(d_row), Some(d_bias))
            .map(keep)
    });
    Ok(())
}

fn attention(operands: &Operands, time: Time<'_>) {
    let Operands {
        cpu, heads, x, dy, ..
    } = operands;
    let plain = AttentionOptions {
        heads: *heads,
        scale: 0.3,
        causal: false,
        dropout: None,
    };
    let dropped = AttentionOptions {
        dropout: Some(dropout()),
        ..plain
    };
    time("mssa", &mut || cpu.mssa(x, &plain).map(keep));
    time("mssa_backward", &mut || {
        cpu.mssa_backward(x, &plain, dy).map(keep)
    });
    time("mssa with dropout", &mut || cpu.mssa(x, &dropped).map(keep));
    time("mssa_backward with dropout", &mut || {
        cpu.mssa_backward(x, &dropped, dy).map(keep)
    });
    time("attention_backward", &mut || {
        cpu.attention_backward(x, x, x, &plain, dy)
            .map(|(dq, _, _)| keep(dq))
    });
}

fn sparse_step(operands: &mut Operands, time: Time<'_>) -> Result<()> {
    let Operands {
        cpu,
        x,
        dy,
        weight,
        d_weight,
        ..
    } = operands;
    let ista = cpu.ista(x, weight, 0.1, 0.1)?;
    time("ista", &mut || {
        cpu.ista(x, weight, 0.1, 0.1).map(|ista| keep(ista.output))
    });
    time("ista_backward", &mut || {
        cpu.ista_backward(x, weight, 0.1, &ista, dy, Some(d_weight))
            .map(keep)
    });
    Ok(())
}

fn elementwise(operands: &Operands, time: Time<'_>) {
    let Operands { cpu, x, dy, .. } = operands;
    time("gelu", &mut || cpu.unary(Unary::Gelu, x).map(keep));
    time("gelu_backward", &mut || {
        cpu.unary_backward(Unary::Gelu, x, dy).map(keep)
    });
    time("combine", &mut || cpu.combine(x, 1.0, dy).map(keep));
    let mut y = x.clone();
    let options = dropout();
    time("dropout", &mut || cpu.dropout(&mut y, &options));
}

fn rates(operands: &Operands, dim: usize, time: Time<'_>) {
    let Operands {
        cpu,
        heads,
        x,
        weight,
        ..
    } = operands;
    let precision = Precision::unit_gamma();
    time("compressed_rate with gradient", &mut || {
        let rates = cpu.compressed_rate(x, weight, *heads, precision, true)?;
        black_box(rates.values);
        Ok(())
    });
    time("coding_rate with gradient", &mut || {
        let rates = cpu.coding_rate(x, precision, dim / heads, true)?;
        black_box(rates.values);
        Ok(())
    });
}

fn adam(operands: &mut Operands, dim: usize, time: Time<'_>) -> Result<()> {
    let Operands { cpu, weight, .. } = operands;
    let (mut first, mut second) = (cpu.zeros(&[dim, dim])?, cpu.zeros(&[dim, dim])?);
    let gradient = random(cpu, &[dim, dim], 6)?;
    let step = AdamStep {
        learning_rate: 1e-4,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
        decoupled: false,
        step: 1,
    };
    time("adam_step", &mut || {
        cpu.adam_step(weight, &gradient, &mut first, &mut second, &step)
    });
    Ok(())
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = operators
}
criterion_main!(benches);
