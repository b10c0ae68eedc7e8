//! Rates of many images, computed side by side, against those of `srr-coding-rate`, one by one.

use ndarray::{ArrayView2, ArrayView3};
use srr_coding_rate::{Bases, Coding, Precision, batch};
use srr_kernels::{Backend, Cpu, Element, Error, Result, Tensor};
use srr_linalg::Scalar;
use srr_random::Seed;

fn random<T: Element>(shape: &[usize], seed: u64, scale: f64) -> Vec<T> {
    let mut stream = Seed::new(seed).stream();
    (0..shape.iter().product())
        .map(|_| <T as Scalar>::from_f64(scale * stream.normal()))
        .collect()
}

/// Each of so many parts by itself, such as the images, since their sizes may differ by orders.
fn assert_close<T: Element>(
    what: &str,
    parts: usize,
    got: &[T],
    want: impl IntoIterator<Item = T>,
    tolerance: f64,
) {
    let want: Vec<f64> = want.into_iter().map(Scalar::to_f64).collect();
    assert_eq!(got.len(), want.len(), "{what}");
    let length = got.len() / parts;
    for (part, (got, want)) in got.chunks(length).zip(want.chunks(length)).enumerate() {
        let largest = want.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        for (got, want) in got.iter().zip(want) {
            let error = (Scalar::to_f64(*got) - want).abs();
            assert!(
                error <= tolerance * largest,
                "{what} of {part}: {error} of {largest}"
            );
        }
    }
}

/// All rates and gradients of a batch [B, N, d] under bases [K·p, d].
fn check<T: Element>(
    cpu: &Cpu<T>,
    x: &[T],
    shape: [usize; 3],
    heads: usize,
    coding: Coding,
    tolerance: f64,
) -> Result<()>
where
    Cpu<T>: Backend<Element = T>,
{
    let inner = heads * 3;
    let u = random::<T>(&[inner, shape[2]], 3, 0.4);
    let view = ArrayView3::from_shape(shape, x).unwrap();
    let stacked = ArrayView2::from_shape((inner, shape[2]), &u).unwrap();
    let bases = Bases::from_stacked(stacked, heads)?;
    let (tokens, stacked) = (cpu.upload(x, &shape)?, cpu.upload(&u, &[inner, shape[2]])?);
    let numbers = |values: &[f64]| {
        values
            .iter()
            .map(|&x| <T as Scalar>::from_f64(x))
            .collect::<Vec<T>>()
    };

    let found = cpu.coding_rate(&tokens, coding, 3, true)?;
    let (values, gradient) = batch::coding_rate_with_gradient(view, coding, 3)?;
    assert_close("R", shape[0], &numbers(&found.values), values, tolerance);
    assert_close(
        "dR",
        shape[0],
        &cpu.download(&found.tokens.unwrap())?,
        gradient,
        tolerance,
    );
    assert_eq!(
        cpu.coding_rate(&tokens, coding, 3, false)?.values,
        found.values
    );

    let found = cpu.compressed_rate(&tokens, &stacked, heads, coding, true)?;
    let wanted = batch::compressed_rate_with_gradient(view, &bases, coding)?;
    assert_close(
        "R^c",
        shape[0],
        &numbers(&found.values),
        wanted.values,
        tolerance,
    );
    assert_close(
        "dR^c/dZ",
        shape[0],
        &cpu.download(&found.tokens.unwrap())?,
        wanted.tokens,
        tolerance,
    );
    assert_close(
        "dR^c/dU",
        1,
        &cpu.download(&found.bases.unwrap())?,
        wanted.stacked_bases,
        tolerance,
    );
    let alone = cpu.compressed_rate(&tokens, &stacked, heads, coding, false)?;
    assert_eq!(alone.values, found.values);
    Ok(())
}

/// Batches that fill a vector, do not, and go beyond; tokens and dimensions around multiples of four and of tiles, either the larger.
const SHAPES: [[usize; 3]; 7] = [
    [16, 17, 5],
    [9, 5, 17],
    [33, 1, 3],
    [17, 7, 7],
    [8, 33, 34],
    [40, 4, 12],
    [8, 65, 24],
];

#[test]
fn side_by_side_as_one_by_one() -> Result<()> {
    for (index, shape) in SHAPES.into_iter().enumerate() {
        for coding in [Precision::unit_gamma(), Precision::from_epsilon(0.5)?].map(Coding::from) {
            let (seed, heads) = (index as u64, 1 + index % 5);
            check(
                &Cpu::<f32>::new(),
                &random(&shape, seed, 0.7),
                shape,
                heads,
                coding,
                2e-5,
            )?;
            check(
                &Cpu::<f64>::new(),
                &random(&shape, seed, 0.7),
                shape,
                heads,
                coding,
                1e-12,
            )?;
        }
    }
    Ok(())
}

#[test]
fn images_that_f32_cannot_hold_are_left_to_more_precision() -> Result<()> {
    // Eighteen tokens in a few dimensions: beside a Gram matrix of 10¹² the identity drowns in f32.
    let shape = [19, 18, 20];
    let mut x = random::<f32>(&shape, 1, 0.7);
    let image = shape[1] * shape[2];
    for drowned in [2, 18] {
        for (i, x) in x[drowned * image..][..image].iter_mut().enumerate() {
            *x = if i % shape[2] < 3 { *x * 1e6 } else { 0.0 };
        }
    }
    check(
        &Cpu::<f32>::new(),
        &x,
        shape,
        4,
        Precision::unit_gamma().into(),
        1e-4,
    )
}

#[test]
fn what_is_not_finite_is_named() -> Result<()> {
    let (cpu, shape) = (Cpu::<f32>::new(), [20, 6, 5]);
    let mut x = random::<f32>(&shape, 1, 0.7);
    for (image, token, entry, value) in [(18, 1, 2, f32::NAN), (17, 5, 4, f32::INFINITY)] {
        x[(image * shape[1] + token) * shape[2] + entry] = value;
        let tokens = cpu.upload_unchecked(&x, &shape)?;
        let bases = cpu.upload(&random(&[6, 5], 2, 0.4), &[6, 5])?;
        let precision = Precision::unit_gamma();
        let place = vec![image, token, entry];
        let found = |error: Option<Error>| match error {
            Some(Error::Rate(srr_coding_rate::Error::NotFinite { index, .. })) => index,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            found(cpu.coding_rate(&tokens, precision, 3, true).err()),
            place
        );
        assert_eq!(
            found(
                cpu.compressed_rate(&tokens, &bases, 2, precision, false)
                    .err()
            ),
            place
        );
        assert_eq!(tokens.shape(), shape);
    }
    Ok(())
}

#[test]
fn tokens_beyond_the_range_overflow() -> Result<()> {
    let (cpu, shape) = (Cpu::<f32>::new(), [16, 3, 4]);
    let tokens = cpu.upload(&[1e30; 16 * 12], &shape)?;
    let error = cpu
        .coding_rate(&tokens, Precision::from_epsilon(1e-9)?, 2, false)
        .err();
    let wanted = batch::coding_rate(
        ArrayView3::from_shape(shape, &[1e30_f32; 16 * 12]).unwrap(),
        Precision::from_epsilon(1e-9)?,
        2,
    );
    match (error, wanted) {
        (Some(Error::Rate(error)), Err(wanted)) => assert_eq!(error, wanted),
        other => panic!("{other:?}"),
    }
    Ok(())
}
