//! The same operands give the same bits in pools of any size.

use srr_coding_rate::Precision;
use srr_kernels::{AdamStep, AttentionOptions, Backend, Cpu, CpuTensor, Dropout, Result, Unary};
use srr_random::Seed;

type Array = CpuTensor<f32>;

/// Sizes for which every operation has several pieces of work, the last of them short.
const SHAPE: [usize; 3] = [161, 17, 24];

fn random(cpu: &Cpu<f32>, shape: &[usize], seed: u64) -> Result<Array> {
    let mut stream = Seed::new(seed).stream();
    let values: Vec<f64> = (0..shape.iter().product())
        .map(|_| stream.normal())
        .collect();
    cpu.upload_f64(&values, shape)
}

/// The bits of everything that a forward and a backward pass through every kind of layer leave behind.
fn bits() -> Result<Vec<u32>> {
    let cpu = Cpu::<f32>::new();
    let d = SHAPE[2];
    let (mut x, dy) = (random(&cpu, &SHAPE, 1)?, random(&cpu, &SHAPE, 2)?);
    let (mut weight, gain, bias) = (
        random(&cpu, &[d, d], 3)?,
        random(&cpu, &[d], 4)?,
        random(&cpu, &[d], 5)?,
    );
    let (mut d_weight, mut d_gain, mut d_bias) =
        (cpu.zeros(&[d, d])?, cpu.zeros(&[d])?, cpu.zeros(&[d])?);
    let dropout = Dropout {
        probability: 0.2,
        seed: Seed::new(6),
    };
    let options = AttentionOptions {
        heads: 3,
        scale: 0.4,
        causal: false,
        dropout: Some(dropout),
    };

    cpu.dropout(&mut x, &dropout)?;
    let norm = cpu.layer_norm(&x, &gain, &bias, 1e-5)?;
    let v = cpu.linear(&norm.output, &weight, Some(&bias))?;
    let s = cpu.mssa(&v, &options)?;
    let ista = cpu.ista(&s, &weight, 0.1, 0.1)?;
    let gelu = cpu.unary(Unary::Gelu, &ista.output)?;
    let pooled = cpu.mean_tokens(&ista.output)?;
    let labels: Vec<u32> = (0..SHAPE[0]).map(|i| (i % d) as u32).collect();
    let loss = cpu.cross_entropy(&pooled, &labels, 0.1)?;
    let ds = cpu.ista_backward(&s, &weight, 0.1, &ista, &dy, Some(&mut d_weight))?;
    let dv = cpu.mssa_backward(&v, &options, &ds)?;
    let (dq, dk, _) = cpu.attention_backward(&v, &s, &x, &options, &dy)?;
    let dn = cpu.linear_backward(
        &norm.output,
        &weight,
        &dv,
        Some(&mut d_weight),
        Some(&mut d_bias),
        true,
    )?;
    let dn = dn.expect("it was asked for");
    let dx =
        cpu.layer_norm_backward(&x, &gain, &norm, &dn, Some(&mut d_gain), Some(&mut d_bias))?;
    cpu.sum_rows(&gelu, &mut d_bias)?;
    let rates = cpu.compressed_rate(&x, &weight, 3, Precision::unit_gamma(), true)?;
    let rate = cpu.coding_rate(&x, Precision::unit_gamma(), 8, true)?;
    let causal = AttentionOptions {
        causal: true,
        ..options
    };
    let a = cpu.attention(&v, &s, &x, &causal)?;
    // So wide that the gradient of the weights is cut into bands.
    let wide = random(&cpu, &[386, d], 7)?;
    let y = cpu.linear(&x, &wide, None)?;
    let mut d_wide = cpu.zeros(&[386, d])?;
    cpu.linear_backward(&x, &wide, &y, Some(&mut d_wide), None, false)?;
    let (mut first, mut second) = (cpu.zeros(&[d, d])?, cpu.zeros(&[d, d])?);
    let adam = AdamStep {
        learning_rate: 0.1,
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1e-8,
        weight_decay: 0.1,
        decoupled: true,
        step: 1,
    };
    cpu.adam_step(&mut weight, &d_weight, &mut first, &mut second, &adam)?;

    let squares = cpu.sum_of_squares(&dx)?;
    let rate_gradients =
        [rates.tokens, rates.bases, rate.tokens].map(|t| t.expect("it was asked for"));
    let sums = [&rates.values, &rate.values].map(|values| values.iter().sum());
    let mut bits: Vec<u32> = [squares, sums[0], sums[1]]
        .map(|v: f64| v as f32)
        .map(f32::to_bits)
        .into();
    for tensor in [
        v,
        s,
        gelu,
        loss.gradient,
        loss.losses,
        dq,
        dk,
        dx,
        d_weight,
        d_gain,
        d_bias,
        weight,
        a,
        d_wide,
    ]
    .iter()
    .chain(&rate_gradients)
    {
        bits.extend(tensor.as_slice().iter().map(|v| v.to_bits()));
    }
    Ok(bits)
}

#[test]
fn one_two_and_five_threads_agree_bit_for_bit() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(bits).unwrap()
    };
    let one = run(1);
    assert!(one.len() > 6 * SHAPE.iter().product::<usize>());
    assert!(one == run(2) && one == run(5));
}
