//! What lower precisions of matrix products change, and what they leave as it is.

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
fn operands_are_rounded() -> Result<()> {
    let exact = operators(&Cpu::new())?;
    // One rounding to eight digits is off by 2⁻⁹ at most, by 2⁻⁹/√3 in the mean; two parts have sixteen. An operator has a few roundings.
    for (precision, most) in [
        (MatmulPrecision::Medium, 8e-3),
        (MatmulPrecision::High, 4e-5),
    ] {
        let rounded = operators(&Cpu::new().with_precision(precision))?;
        let computed = precision.on_this_processor() == precision;
        for ((name, exact), (_, rounded)) in exact.iter().zip(&rounded) {
            let cpu = Cpu::<f32>::new();
            let (exact, rounded) = (cpu.download_f64(exact)?, cpu.download_f64(rounded)?);
            let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
            let difference: Vec<f64> = exact.iter().zip(&rounded).map(|(a, b)| a - b).collect();
            let relative = norm(&difference) / norm(&exact);
            assert!(relative < most, "{precision} {name}: {relative:e}");
            // Heads take no products of two parts.
            let whole = precision == MatmulPrecision::High
                && (name.starts_with("mssa") || name.starts_with("attention"));
            let rounds = computed && !whole;
            assert_eq!(relative > 0.0, rounds, "{precision} {name}: {relative:e}");
        }
    }
    Ok(())
}

/// 4097 has thirteen digits: a sum kept in bf16 would end at 256, one rounded to it at 4096.
#[test]
fn sums_are_not_rounded() -> Result<()> {
    const DEPTH: usize = 4097;
    for precision in MatmulPrecision::ALL {
        let cpu = Cpu::<f32>::new().with_precision(precision);
        let ones = |shape: &[usize]| cpu.upload(&vec![1.0; shape.iter().product()], shape);
        let along_columns = cpu.linear(&ones(&[3, DEPTH])?, &ones(&[5, DEPTH])?, None)?;
        let mut along_rows = cpu.zeros(&[5, 3])?;
        let (x, weight, dy) = (ones(&[DEPTH, 3])?, ones(&[5, 3])?, ones(&[DEPTH, 5])?);
        cpu.linear_backward(&x, &weight, &dy, Some(&mut along_rows), None, false)?;
        for sums in [along_columns, along_rows] {
            let sums = cpu.download(&sums)?;
            assert!(
                sums.iter().all(|&sum| sum == DEPTH as f32),
                "{precision}: {sums:?}"
            );
        }
    }
    Ok(())
}

#[test]
fn what_is_not_finite_stays_so() -> Result<()> {
    let operands = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, 1e38];
    for precision in MatmulPrecision::ALL {
        let cpu = Cpu::<f32>::new().with_precision(precision);
        let (x, one) = (
            cpu.upload_unchecked(&operands, &[5, 1])?,
            cpu.upload(&[1.0], &[1, 1])?,
        );
        let y = cpu.download(&cpu.linear(&x, &one, None)?)?;
        if precision.on_this_processor() == MatmulPrecision::High {
            // The second part of what is not finite is not a number, nor is their sum.
            assert!(y[..3].iter().all(|y| !y.is_finite()), "{y:?}");
            continue;
        }
        assert_eq!(y[..2], operands[..2], "{precision}");
        assert!(y[2].is_nan(), "{precision}");
        // bf16 has the exponents of f32 and fewer digits: the largest number is rounded up.
        let rounds = precision.on_this_processor() == MatmulPrecision::Medium;
        assert_eq!(y[3], if rounds { f32::INFINITY } else { f32::MAX });
        assert!((y[4] / 1e38 - 1.0).abs() < 4e-3, "{precision}");
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
