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

fn layer(
    criterion: &mut Criterion,
    batch: usize,
    tokens: usize,
    dim: usize,
    heads: usize,
) -> Result<()> {
    let cpu = Cpu::<f32>::new();
    let shape = [batch, tokens, dim];
    let (x, dy) = (random(&cpu, &shape, 1)?, random(&cpu, &shape, 2)?);
    let (mut weight, row) = (random(&cpu, &[dim, dim], 3)?, random(&cpu, &[dim], 4)?);
    let (mut d_weight, mut d_row, mut d_bias) = (
        cpu.zeros(&[dim, dim])?,
        cpu.zeros(&[dim])?,
        cpu.zeros(&[dim])?,
    );
    let plain = AttentionOptions {
        heads,
        scale: 0.3,
        causal: false,
        dropout: None,
    };
    let dropout = Dropout {
        probability: 0.1,
        seed: Seed::new(5),
    };
    let dropped = AttentionOptions {
        dropout: Some(dropout),
        ..plain
    };
    let norm = cpu.layer_norm(&x, &row, &row, 1e-5)?;
    let ista = cpu.ista(&x, &weight, 0.1, 0.1)?;
    let size = format!("{batch}x{tokens}x{dim}");

    let mut group = criterion.benchmark_group("operators");
    let mut time = |name: &str, operation: &mut dyn FnMut() -> Result<()>| {
        group.bench_function(BenchmarkId::new(name, &size), |b| {
            b.iter(|| operation().expect("the shapes fit"))
        });
    };
    let keep = |t: CpuTensor<f32>| {
        black_box(t);
    };
    time("linear", &mut || {
        cpu.linear(&x, &weight, Some(&row)).map(keep)
    });
    time("linear_backward", &mut || {
        let dx = cpu.linear_backward(
            &x,
            &weight,
            &dy,
            Some(&mut d_weight),
            Some(&mut d_bias),
            true,
        )?;
        black_box(dx);
        Ok(())
    });
    time("layer_norm", &mut || {
        cpu.layer_norm(&x, &row, &row, 1e-5)
            .map(|norm| keep(norm.output))
    });
    time("layer_norm_backward", &mut || {
        cpu.layer_norm_backward(&x, &row, &norm, &dy, Some(&mut d_row), Some(&mut d_bias))
            .map(keep)
    });
    time("mssa", &mut || cpu.mssa(&x, &plain).map(keep));
    time("mssa_backward", &mut || {
        cpu.mssa_backward(&x, &plain, &dy).map(keep)
    });
    time("mssa with dropout", &mut || {
        cpu.mssa(&x, &dropped).map(keep)
    });
    time("mssa_backward with dropout", &mut || {
        cpu.mssa_backward(&x, &dropped, &dy).map(keep)
    });
    time("attention_backward", &mut || {
        cpu.attention_backward(&x, &x, &x, &plain, &dy)
            .map(|(dq, _, _)| keep(dq))
    });
    time("ista", &mut || {
        cpu.ista(&x, &weight, 0.1, 0.1)
            .map(|ista| keep(ista.output))
    });
    time("ista_backward", &mut || {
        cpu.ista_backward(&x, &weight, 0.1, &ista, &dy, Some(&mut d_weight))
            .map(keep)
    });
    time("gelu", &mut || cpu.unary(Unary::Gelu, &x).map(keep));
    time("gelu_backward", &mut || {
        cpu.unary_backward(Unary::Gelu, &x, &dy).map(keep)
    });
    time("combine", &mut || cpu.combine(&x, 1.0, &dy).map(keep));
    let mut y = x.clone();
    time("dropout", &mut || cpu.dropout(&mut y, &dropout));
    time("compressed_rate with gradient", &mut || {
        let rates = cpu.compressed_rate(&x, &weight, heads, Precision::unit_gamma(), true)?;
        black_box(rates.values);
        Ok(())
    });
    time("coding_rate with gradient", &mut || {
        let rates = cpu.coding_rate(&x, Precision::unit_gamma(), dim / heads, true)?;
        black_box(rates.values);
        Ok(())
    });
    let (mut first, mut second) = (cpu.zeros(&[dim, dim])?, cpu.zeros(&[dim, dim])?);
    let gradient = random(&cpu, &[dim, dim], 6)?;
    let adam = AdamStep {
        learning_rate: 1e-4,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
        decoupled: false,
        step: 1,
    };
    time("adam_step", &mut || {
        cpu.adam_step(&mut weight, &gradient, &mut first, &mut second, &adam)
    });
    group.finish();
    Ok(())
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = operators
}
criterion_main!(benches);
