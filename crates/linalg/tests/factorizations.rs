//! One conformance suite for all providers of decompositions: reconstruction at awkward sizes, and theory.
#![cfg(any(feature = "faer", feature = "nalgebra", feature = "lapack"))]

use ndarray::{Array1, Array2, ArrayView2, array, s};
use srr_linalg::{Error, Factorization, Scalar, gram, matmul, random_matrix, random_orthonormal};
use srr_random::Seed;

const SIZES: [usize; 6] = [1, 2, 4, 8, 31, 127];

fn random<T: Scalar>(rows: usize, columns: usize) -> Array2<T> {
    random_matrix(rows, columns, &mut Seed::new(11).purpose("suite").stream())
}

fn tolerance<T: Scalar>(order: usize) -> f64 {
    Scalar::to_f64(T::epsilon()) * 40.0 * (order as f64 + 4.0)
}

fn assert_near<T: Scalar>(
    what: &str,
    left: ArrayView2<'_, T>,
    right: ArrayView2<'_, T>,
    tolerance: f64,
) {
    assert_eq!(left.dim(), right.dim(), "{what}");
    let scale = right
        .iter()
        .fold(1.0_f64, |m, &x| m.max(Scalar::to_f64(x).abs()));
    let worst = left
        .iter()
        .zip(&right)
        .fold(0.0_f64, |m, (&l, &r)| m.max(Scalar::to_f64(l - r).abs()));
    assert!(
        worst <= tolerance * scale,
        "{what} {}: off by {worst:e}, scale {scale:e}",
        T::NAME
    );
}

fn assert_orthonormal_columns<T: Scalar>(what: &str, q: ArrayView2<'_, T>, tolerance: f64) {
    assert_near(
        what,
        gram(q).view(),
        Array2::eye(q.ncols()).view(),
        tolerance,
    );
}

fn scaled_columns<T: Scalar>(q: ArrayView2<'_, T>, values: &Array1<T>) -> Array2<T> {
    &q * &values.view().insert_axis(ndarray::Axis(0))
}

fn check_eigen<T: Scalar>(by: Factorization, what: &str, a: &Array2<T>) -> Array1<T> {
    let what = format!("{} {what} {:?}", by.name(), a.dim());
    let found = by.symmetric_eigen(a.view()).unwrap();
    let tolerance = tolerance::<T>(a.nrows());
    assert!(
        found
            .values
            .windows(2)
            .into_iter()
            .all(|pair| pair[0] <= pair[1]),
        "{what}: order"
    );
    assert_orthonormal_columns(&what, found.vectors.view(), tolerance);
    let scaled = scaled_columns(found.vectors.view(), &found.values);
    let rebuilt = matmul(scaled.view(), found.vectors.t()).unwrap();
    assert_near(&what, rebuilt.view(), a.view(), tolerance);
    found.values
}

fn check_svd<T: Scalar>(by: Factorization, what: &str, a: &Array2<T>) -> Array1<T> {
    let what = format!("{} {what} {:?}", by.name(), a.dim());
    let found = by.svd(a.view()).unwrap();
    let (rank, tolerance) = (
        a.nrows().min(a.ncols()),
        tolerance::<T>(a.nrows().max(a.ncols())),
    );
    assert_eq!(
        (found.u.dim(), found.vt.dim()),
        ((a.nrows(), rank), (rank, a.ncols())),
        "{what}"
    );
    assert!(
        found
            .values
            .windows(2)
            .into_iter()
            .all(|pair| pair[0] >= pair[1]),
        "{what}: order"
    );
    assert!(found.values.iter().all(|&x| x >= T::zero()), "{what}: sign");
    assert_orthonormal_columns(&what, found.u.view(), tolerance);
    assert_orthonormal_columns(&what, found.vt.t(), tolerance);
    let rebuilt = matmul(
        scaled_columns(found.u.view(), &found.values).view(),
        found.vt.view(),
    )
    .unwrap();
    assert_near(&what, rebuilt.view(), a.view(), tolerance);
    let alone = by
        .singular_values(a.view())
        .unwrap()
        .insert_axis(ndarray::Axis(0));
    let together = found.values.view().insert_axis(ndarray::Axis(0));
    assert_near(&what, alone.view(), together, tolerance);
    found.values
}

fn for_every_provider(check: impl Fn(Factorization)) {
    assert!(!Factorization::ALL.is_empty());
    Factorization::ALL.iter().for_each(|&by| check(by));
}

#[test]
fn random_symmetric_matrices_are_rebuilt() {
    fn check<T: Scalar>(by: Factorization, n: usize) {
        let a = random::<T>(n, n);
        check_eigen(by, "random", &(&a + &a.t()));
    }
    for_every_provider(|by| {
        for n in SIZES {
            check::<f64>(by, n);
            check::<f32>(by, n);
        }
    });
}

#[test]
fn random_matrices_are_rebuilt() {
    for_every_provider(|by| {
        for n in SIZES {
            for (rows, columns) in [(n, n), (n, 3), (3, n), (n + 17, n), (1, n), (n, 1)] {
                check_svd(by, "random", &random::<f64>(rows, columns));
                check_svd(by, "random", &random::<f32>(rows, columns));
            }
        }
    });
}

#[test]
fn any_layout_will_do() {
    for_every_provider(|by| {
        let a = random::<f64>(30, 22);
        let view = a.slice(s![..;-2, 1..;3]);
        assert_eq!(
            by.svd(view).unwrap(),
            by.svd(view.to_owned().view()).unwrap()
        );
        let tall = by.singular_values(a.view()).unwrap();
        assert_near(
            "transpose",
            tall.view().insert_axis(ndarray::Axis(0)),
            by.singular_values(a.t())
                .unwrap()
                .view()
                .insert_axis(ndarray::Axis(0)),
            1e-13,
        );
    });
}

#[test]
fn rank_deficient_matrices_have_that_many_zeros() {
    for_every_provider(|by| {
        for (rows, columns, rank) in [(8, 8, 3), (31, 20, 1), (20, 31, 7), (127, 40, 0)] {
            let a = matmul(
                random::<f64>(rows, rank).view(),
                random::<f64>(rank, columns).view(),
            )
            .unwrap();
            let values = check_svd(by, "rank-deficient", &a);
            let largest = values[0].max(1.0);
            assert_eq!(
                values.iter().filter(|&&x| x > 1e-12 * largest).count(),
                rank,
                "{}",
                by.name()
            );
            let values = check_eigen(by, "rank-deficient", &gram(a.view()));
            let largest = values[columns - 1].max(1.0);
            assert_eq!(
                values.iter().filter(|&&x| x > 1e-12 * largest).count(),
                rank,
                "{}",
                by.name()
            );
        }
    });
}

#[test]
fn repeated_values_are_found_with_orthonormal_vectors() {
    for_every_provider(|by| {
        let q = random_orthonormal::<f64>(31, 31, &mut Seed::new(3).stream()).unwrap();
        let wanted = Array1::from_shape_fn(31, |i| [-2.0, 0.5, 0.5, 7.0][i * 4 / 31]);
        let a = matmul(scaled_columns(q.view(), &wanted).view(), q.t()).unwrap();
        let found = check_eigen(by, "repeated", &a);
        assert_near(
            "repeated",
            found.view().insert_axis(ndarray::Axis(0)),
            wanted.view().insert_axis(ndarray::Axis(0)),
            1e-13,
        );
        assert!(
            check_svd(by, "orthogonal", &q)
                .iter()
                .all(|x| (x - 1.0).abs() < 1e-13)
        );
        check_eigen(by, "identity", &Array2::<f64>::eye(8));
        check_svd(by, "zero", &Array2::<f64>::zeros((5, 3)));
        check_svd(by, "ones", &Array2::<f32>::ones((31, 8)));
    });
}

#[test]
fn matrices_of_extreme_scale_are_rebuilt() {
    for_every_provider(|by| {
        for scale in [1e-140, 1e140] {
            let a = random::<f64>(12, 9) * scale;
            let ratio = by.singular_values(a.view()).unwrap() / scale;
            let plain = by.singular_values(random::<f64>(12, 9).view()).unwrap();
            assert_near(
                "scale",
                ratio.view().insert_axis(ndarray::Axis(0)),
                plain.view().insert_axis(ndarray::Axis(0)),
                1e-13,
            );
        }
    });
}

#[test]
fn a_known_spectrum_is_found() {
    // The second difference matrix of order n has eigenvalues 2 − 2 cos(kπ/(n+1)).
    for_every_provider(|by| {
        let n = 31;
        let a = Array2::from_shape_fn((n, n), |(i, j)| match i.abs_diff(j) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        });
        let wanted =
            |k: usize| 2.0 - 2.0 * (k as f64 * std::f64::consts::PI / (n + 1) as f64).cos();
        for (k, value) in check_eigen(by, "difference", &a).iter().enumerate() {
            assert!(
                (value - wanted(k + 1)).abs() < 1e-13,
                "{}: {value}",
                by.name()
            );
        }
    });
}

#[test]
fn a_random_spectrum_follows_the_law_of_marchenko_and_pastur() {
    // The spectrum of AᵀA/m fills [(1 − √(n/m))², (1 + √(n/m))²], with mean 1 and second moment 1 + n/m.
    for_every_provider(|by| {
        let (m, n) = (508, 127);
        let values = by
            .symmetric_eigen((gram(random::<f64>(m, n).view()) / m as f64).view())
            .unwrap()
            .values;
        let mean = values.mean().unwrap();
        let second = values.mapv(|x| x * x).mean().unwrap();
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        assert!((second - 1.25).abs() < 0.05, "{second}");
        assert!(
            (values[0] - 0.25).abs() < 0.05 && (values[n - 1] - 2.25).abs() < 0.15,
            "{} {}",
            values[0],
            values[n - 1]
        );
    });
}

#[test]
fn only_the_upper_triangle_counts() {
    for_every_provider(|by| {
        let lower = by
            .symmetric_eigen(array![[2.0, 1.0], [99.0, 2.0]].view())
            .unwrap();
        let whole = by
            .symmetric_eigen(array![[2.0, 1.0], [1.0, 2.0]].view())
            .unwrap();
        assert_eq!(lower, whole);
    });
}

#[test]
fn bad_input_is_named_and_never_hangs() {
    for_every_provider(|by| {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut a = random::<f64>(9, 9);
            a[[4, 7]] = bad;
            let error = |operation| Error::NotFinite {
                operation,
                row: 4,
                column: 7,
            };
            assert_eq!(
                by.symmetric_eigen(a.view()).unwrap_err(),
                error("symmetric_eigen")
            );
            assert_eq!(by.svd(a.view()).unwrap_err(), error("svd"));
            assert_eq!(
                by.singular_values(a.view()).unwrap_err(),
                error("singular_values")
            );
        }
        let oblong = by.symmetric_eigen(random::<f32>(2, 3).view()).unwrap_err();
        assert_eq!(
            oblong,
            Error::NotSquare {
                operation: "symmetric_eigen",
                rows: 2,
                columns: 3
            }
        );
        assert_eq!(
            by.svd(Array2::<f64>::zeros((3, 0)).view()).unwrap().u.dim(),
            (3, 0)
        );
        assert_eq!(
            by.symmetric_eigen(Array2::<f64>::zeros((0, 0)).view())
                .unwrap()
                .values
                .len(),
            0
        );
    });
}
