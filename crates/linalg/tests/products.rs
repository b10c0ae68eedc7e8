//! Products, Gram matrices and Cholesky against plain definitions.

use ndarray::{Array2, ArrayView2, array, s};
use srr_linalg::{
    Cholesky, Error, GemmShape, Scalar, Strided, gemm, gemm_slices, gram, matmul, random_matrix,
};
use srr_random::Seed;

const SIZES: [usize; 6] = [1, 2, 4, 8, 31, 127];

fn random<T: Scalar>(rows: usize, columns: usize, purpose: &str) -> Array2<T> {
    random_matrix(rows, columns, &mut Seed::new(7).purpose(purpose).stream())
}

fn by_definition<T: Scalar>(a: ArrayView2<'_, T>, b: ArrayView2<'_, T>) -> Array2<T> {
    Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
        (0..a.ncols()).map(|k| a[[i, k]] * b[[k, j]]).sum()
    })
}

fn assert_close<T: Scalar>(left: &Array2<T>, right: &Array2<T>, tolerance: f64) {
    assert_eq!(left.dim(), right.dim());
    let scale = right
        .iter()
        .fold(1.0_f64, |m, &x| m.max(Scalar::to_f64(x).abs()));
    for (index, (&l, &r)) in left.iter().zip(right).enumerate() {
        let difference = (Scalar::to_f64(l) - Scalar::to_f64(r)).abs();
        assert!(
            difference <= tolerance * scale,
            "element {index}: {l} and {r}"
        );
    }
}

fn products<T: Scalar>(tolerance: f64) {
    for &m in &SIZES {
        for (n, k) in [(1, m), (m, 1), (3, 5), (31, m)] {
            let (a, b) = (random::<T>(m, k, "a"), random::<T>(k, n, "b"));
            let expected = by_definition(a.view(), b.view());
            assert_close(&matmul(a.view(), b.view()).unwrap(), &expected, tolerance);
            // Every transposition gives the same product once it is undone.
            let (at, bt) = (
                a.t().as_standard_layout().into_owned(),
                b.t().as_standard_layout().into_owned(),
            );
            assert_close(&matmul(at.t(), b.view()).unwrap(), &expected, tolerance);
            assert_close(&matmul(a.view(), bt.t()).unwrap(), &expected, tolerance);
            assert_close(&matmul(at.t(), bt.t()).unwrap(), &expected, tolerance);
            assert_close(
                &matmul(b.t(), a.t()).unwrap().reversed_axes(),
                &expected,
                tolerance,
            );
        }
    }
}

#[test]
fn products_follow_the_definition() {
    products::<f64>(1e-13);
    products::<f32>(1e-5);
}

#[test]
fn strides_of_any_sign_work() {
    let a = random::<f64>(9, 14, "a");
    let b = random::<f64>(14, 6, "b");
    let a = a.slice(s![..;-2, 1..;3]);
    let b = b.slice(s![..10;2, ..;-1]);
    let mut c = Array2::ones((10, 12));
    gemm(2.0, a, b, -0.5, c.slice_mut(s![..5, ..;2])).unwrap();
    let expected = by_definition(a, b);
    for ((i, j), &value) in c.indexed_iter() {
        let wanted = if i < 5 && j % 2 == 0 {
            2.0 * expected[[i, j / 2]] - 0.5
        } else {
            1.0
        };
        assert!(
            (value - wanted).abs() < 1e-13,
            "({i}, {j}): {value} and {wanted}"
        );
    }
}

#[test]
fn beta_zero_does_not_read_the_destination() {
    let (a, b) = (random::<f32>(5, 0, "a"), random::<f32>(0, 4, "b"));
    assert_eq!(
        matmul(a.view(), b.view()).unwrap(),
        Array2::<f32>::zeros((5, 4))
    );
    for k in [0, 1, 2, 7] {
        let (a, b) = (random::<f32>(5, k, "a"), random::<f32>(k, 4, "b"));
        let mut c = Array2::from_elem((5, 4), f32::NAN);
        gemm(1.0, a.view(), b.view(), 0.0, c.view_mut()).unwrap();
        assert_close(&c, &by_definition(a.view(), b.view()), 1e-6);
    }
}

#[test]
fn gram_is_exactly_symmetric() {
    for &n in &[1, 2, 31, 127, 200] {
        let a = random::<f64>(23, n, "a");
        let g = gram(a.view());
        assert_close(&g, &by_definition(a.t(), a.view()), 1e-13);
        assert_eq!(g, g.t());
    }
}

#[test]
fn mismatches_are_named() {
    let (a, b) = (Array2::<f64>::zeros((2, 3)), Array2::<f64>::zeros((4, 2)));
    assert_eq!(
        matmul(a.view(), b.view()).unwrap_err(),
        Error::ShapeMismatch {
            operation: "matmul",
            left: vec![2, 3],
            right: vec![4, 2]
        }
    );
    let mut c = Array2::zeros((2, 2));
    let error = gemm(1.0, a.view(), a.t(), 0.0, c.slice_mut(s![..1, ..])).unwrap_err();
    assert!(matches!(error, Error::ShapeMismatch { right, .. } if right == [1, 2]));
}

#[test]
fn slices_that_are_too_short_are_refused() {
    let (a, b, mut c) = (vec![1.0_f64; 12], vec![1.0; 20], vec![0.0; 15]);
    let shape = GemmShape { m: 3, n: 5, k: 4 };
    gemm_slices(
        shape,
        1.0,
        Strided::rows(&a, 4),
        Strided::rows(&b, 5),
        0.0,
        Strided::rows(&mut c, 5),
    )
    .unwrap();
    assert_eq!(c, vec![4.0; 15]);
    let short = gemm_slices(
        shape,
        1.0,
        Strided::rows(&a[..11], 4),
        Strided::rows(&b, 5),
        0.0,
        Strided::rows(&mut c, 5),
    );
    assert_eq!(
        short.unwrap_err(),
        Error::OutOfBounds {
            operation: "gemm_slices",
            operand: "A",
            needed: 12,
            length: 11
        }
    );
    let short = gemm_slices(
        shape,
        1.0,
        Strided::rows(&a, 4),
        Strided::rows(&b, 5),
        0.0,
        Strided::rows(&mut c, usize::MAX),
    );
    assert!(matches!(
        short.unwrap_err(),
        Error::OutOfBounds {
            operand: "C",
            needed: usize::MAX,
            ..
        }
    ));
}

fn positive_definite<T: Scalar>(n: usize) -> Array2<T> {
    let mut a = gram(random::<T>(n + 3, n, "spd").view());
    a.diag_mut().map_inplace(|x| *x += T::one());
    a
}

fn cholesky<T: Scalar>(n: usize, tolerance: f64) {
    let a = positive_definite::<T>(n);
    let factored = Cholesky::new(a.view()).unwrap();
    let u = factored.factor();
    assert_close(&by_definition(u.t(), u.view()), &a, tolerance);
    assert_close(
        &by_definition(a.view(), factored.inverse().view()),
        &Array2::eye(n),
        tolerance * n as f64,
    );
    for m in [1, 3, n] {
        let b = random::<T>(n, m, "b");
        assert_close(
            &by_definition(a.view(), factored.solve(b.view()).unwrap().view()),
            &b,
            tolerance * n as f64,
        );
    }
}

#[test]
fn cholesky_reconstructs_and_solves() {
    for n in [1, 2, 4, 8, 31, 47, 48, 49, 127, 200] {
        cholesky::<f64>(n, 1e-13);
        cholesky::<f32>(n, 1e-5);
    }
}

#[test]
fn cholesky_reads_the_upper_triangle_of_any_layout() {
    let a = positive_definite::<f64>(20);
    let mut upper = a.clone();
    for i in 0..20 {
        upper.slice_mut(s![i, ..i]).fill(f64::NAN);
    }
    let expected = Cholesky::new(a.view()).unwrap().factor();
    assert_eq!(Cholesky::new(upper.view()).unwrap().factor(), expected);
    assert_eq!(
        Cholesky::from_array(upper.reversed_axes().reversed_axes())
            .unwrap()
            .factor(),
        expected
    );
    let column_major = a.t().as_standard_layout().into_owned().reversed_axes();
    assert_eq!(
        Cholesky::from_array(column_major).unwrap().factor(),
        expected
    );
}

#[test]
fn log_determinant_of_a_hilbert_matrix() {
    // det H_4 = 1/6048000, a classical value.
    let hilbert = Array2::from_shape_fn((4, 4), |(i, j)| 1.0 / (i + j + 1) as f64);
    let log = Cholesky::new(hilbert.view()).unwrap().log_determinant();
    assert!((log + 6_048_000.0_f64.ln()).abs() < 1e-12, "{log}");
    // A determinant far below the smallest double is no obstacle to its logarithm.
    let tiny = Array2::<f64>::eye(400) * 1e-3;
    let log = Cholesky::new(tiny.view()).unwrap().log_determinant();
    assert!((log - 400.0 * 1e-3_f64.ln()).abs() < 1e-9);
}

#[test]
fn what_cholesky_refuses() {
    let indefinite = array![[1.0, 0.0, 0.0], [0.0, 1.0, 2.0], [0.0, 2.0, 1.0]];
    assert_eq!(
        Cholesky::new(indefinite.view()).unwrap_err(),
        Error::NotPositiveDefinite {
            index: 2,
            pivot: -3.0
        }
    );
    let singular = gram(array![[1.0, 1.0]].view());
    assert_eq!(
        Cholesky::new(singular.view()).unwrap_err(),
        Error::NotPositiveDefinite {
            index: 1,
            pivot: 0.0
        }
    );
    let oblong = Array2::<f32>::zeros((2, 3));
    assert_eq!(
        Cholesky::new(oblong.view()).unwrap_err(),
        Error::NotSquare {
            operation: "Cholesky",
            rows: 2,
            columns: 3
        }
    );
    for bad in [f64::NAN, f64::INFINITY] {
        let mut a = Array2::<f64>::eye(60);
        a[[3, 50]] = bad;
        assert_eq!(
            Cholesky::new(a.view()).unwrap_err(),
            Error::NotFinite {
                operation: "Cholesky",
                row: 3,
                column: 50
            }
        );
    }
    let factored = Cholesky::new(Array2::<f64>::eye(3).view()).unwrap();
    assert!(matches!(
        factored.solve(Array2::zeros((2, 1)).view()).unwrap_err(),
        Error::ShapeMismatch { .. }
    ));
    assert!(
        Cholesky::new(Array2::<f64>::zeros((0, 0)).view())
            .unwrap()
            .log_determinant()
            == 0.0
    );
}

#[test]
fn logarithms_of_products() {
    let log = |numbers: &[f64]| srr_linalg::log_of_product(numbers.iter().copied());
    assert_eq!((log(&[]), log(&[1.0])), (0.0, 0.0));
    assert_eq!(
        (log(&[2.0, 0.0]), log(&[f64::INFINITY])),
        (f64::NEG_INFINITY, f64::INFINITY)
    );
    assert!(log(&[2.0, f64::NAN]).is_nan() && log(&[3.0, -1.0]).is_nan());
    // Products beyond the range on either side, in steps small and large.
    for (x, count) in [
        (1e3, 500),
        (1e-3, 500),
        (1e99, 40),
        (1e-99, 40),
        (1e300, 3),
        (1e-300, 3),
    ] {
        let (got, exact) = (log(&vec![x; count]), count as f64 * f64::ln(x));
        assert!(
            (got - exact).abs() < 1e-12 * exact.abs(),
            "{x}: {got} {exact}"
        );
    }
}
