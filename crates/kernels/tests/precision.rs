//! What `medium` precision of matrix products changes, and what it leaves as it is.

use srr_coding_rate::Precision;
use srr_kernels::{AttentionOptions, Backend, Cpu, CpuTensor, Dropout, MatmulPrecision, Result};
use srr_random::Seed;

type Tensor = CpuTensor<f32>;

fn random(cpu: &Cpu<f32>, shape: &[usize], seed: u64) -> Result<Tensor> {
    let mut stream = Seed::new(seed).stream();
    let values: Vec<f64> = (0..shape.iter().product())
        .map(|_| 0.5 * stream.normal())
        .collect();
    cpu.upload_f64(&values, shape)
}

/// Every operator that takes matrix products, forward and backward, at sizes that fill neither words nor tiles.
fn operators(cpu: &Cpu<f32>) -> Result<Vec<(&'static str, Tensor)>> {
    let shape = [3, 35, 38];
    let (x, dy) = (random(cpu, &shape, 1)?, random(cpu, &shape, 2)?);
    let (weight, bias) = (random(cpu, &[38, 38], 3)?, random(cpu, &[38], 4)?);
    let mut d_weight = cpu.zeros(&[38, 38])?;
    let mut results = vec![("linear", cpu.linear(&x, &weight, Some(&bias))?)];
    let dx = cpu.linear_backward(&x, &weight, &dy, Some(&mut d_weight), None, true)?;
    results.extend(dx.map(|dx| ("linear dx", dx)));
    results.push(("linear dW", d_weight));
    let ista = cpu.ista(&x, &weight, 0.1, 0.1)?;
    let mut d_dictionary = cpu.zeros(&[38, 38])?;
    let dx = cpu.ista_backward(&x, &weight, 0.1, &ista, &dy, Some(&mut d_dictionary))?;
    results.extend([
        ("ista", ista.output),
        ("ista dx", dx),
        ("ista dD", d_dictionary),
    ]);
    for (causal, dropout) in [(false, None), (true, None), (false, Some(0.2))] {
        let options = AttentionOptions {
            heads: 2,
            scale: 0.3,
            causal,
            dropout: dropout.map(|probability| Dropout {
                probability,
                seed: Seed::new(5),
            }),
        };
        results.push(("mssa", cpu.mssa(&x, &options)?));
        results.push(("mssa dv", cpu.mssa_backward(&x, &options, &dy)?));
        let (dq, dk, dv) = cpu.attention_backward(&x, &dy, &x, &options, &dy)?;
        results.extend([
            ("attention dq", dq),
            ("attention dk", dk),
            ("attention dv", dv),
        ]);
    }
    Ok(results)
}

#[test]
fn operands_are_rounded_and_sums_are_not() -> Result<()> {
    let exact = operators(&Cpu::new())?;
    let medium = operators(&Cpu::new().with_precision(MatmulPrecision::Medium))?;
    let rounds = MatmulPrecision::Medium.on_this_processor() == MatmulPrecision::Medium;
    for ((name, exact), (_, medium)) in exact.iter().zip(&medium) {
        let cpu = Cpu::<f32>::new();
        let (exact, medium) = (cpu.download_f64(exact)?, cpu.download_f64(medium)?);
        let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let difference: Vec<f64> = exact.iter().zip(&medium).map(|(a, b)| a - b).collect();
        let relative = norm(&difference) / norm(&exact);
        // One rounding to eight digits is off by 2⁻⁹ at most, by 2⁻⁹/√3 in the mean; an operator has a few.
        assert!(relative < 8e-3, "{name}: {relative:e}");
        assert_eq!(relative > 0.0, rounds, "{name}: {relative:e}");
    }
    Ok(())
}

#[test]
fn double_precision_and_rates_stay_as_they_are() -> Result<()> {
    let medium = Cpu::<f32>::new().with_precision(MatmulPrecision::Medium);
    let (tokens, bases) = (
        random(&medium, &[2, 9, 12], 1)?,
        random(&medium, &[12, 12], 2)?,
    );
    let rates =
        |cpu: &Cpu<f32>| cpu.compressed_rate(&tokens, &bases, 3, Precision::unit_gamma(), true);
    let (exact, found) = (rates(&Cpu::new())?, rates(&medium)?);
    assert_eq!(exact.values, found.values);
    let bits = |tensor: Option<Tensor>| medium.download(&tensor.expect("was asked for"));
    assert_eq!(bits(exact.tokens)?, bits(found.tokens)?);
    assert_eq!(bits(exact.bases)?, bits(found.bases)?);

    let exact = Cpu::<f64>::new();
    let medium = Cpu::<f64>::new().with_precision(MatmulPrecision::Medium);
    let values: Vec<f64> = (0..63).map(|i| f64::from(i).sin()).collect();
    let (x, weight) = (
        exact.upload(&values, &[9, 7])?,
        exact.upload(&values[..35], &[5, 7])?,
    );
    let products = [
        exact.linear(&x, &weight, None)?,
        medium.linear(&x, &weight, None)?,
    ];
    assert_eq!(exact.download(&products[0])?, exact.download(&products[1])?);
    Ok(())
}

#[test]
fn threads_change_no_bit() -> Result<()> {
    let cpu = Cpu::<f32>::new().with_precision(MatmulPrecision::Medium);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a pool").install(|| operators(&cpu))
    };
    for ((name, one), (_, three)) in on(1)?.iter().zip(&on(3)?) {
        assert_eq!(cpu.download(one)?, cpu.download(three)?, "{name}");
    }
    Ok(())
}
