//! Norms, ranks and random frames against known answers.

use ndarray::{Array1, Array2, array};
use srr_linalg::{
    Error, Scalar, frobenius_norm, gram, matmul, random_matrix, random_orthonormal, spectral_norm,
    stable_rank,
};
use srr_random::Seed;

/// A matrix with the given singular values, [rows, columns].
fn with_spectrum(rows: usize, columns: usize, values: &[f64]) -> Array2<f64> {
    let frame = |order, purpose| {
        random_orthonormal::<f64>(
            order,
            values.len(),
            &mut Seed::new(5).purpose(purpose).stream(),
        )
        .unwrap()
    };
    let scaled =
        frame(rows, "left") * &Array1::from_vec(values.to_vec()).insert_axis(ndarray::Axis(0));
    matmul(scaled.view(), frame(columns, "right").t()).unwrap()
}

fn assert_spectral(a: &Array2<f64>, wanted: f64, tolerance: f64) {
    let found = spectral_norm(a.view()).unwrap();
    assert!(
        (found / wanted - 1.0).abs() < tolerance,
        "{found} and {wanted}"
    );
    let found = spectral_norm(a.t()).unwrap();
    assert!(
        (found / wanted - 1.0).abs() < tolerance,
        "transposed: {found} and {wanted}"
    );
    let found = spectral_norm(a.mapv(|x| x as f32).view()).unwrap();
    assert!(
        (f64::from(found) / wanted - 1.0).abs() < 1e-5,
        "f32: {found} and {wanted}"
    );
}

#[test]
fn spectral_norm_of_known_spectra() {
    for n in [1, 2, 4, 8, 31, 127] {
        let geometric: Vec<f64> = (0..n).map(|i| 3.0 * 0.8_f64.powi(i)).collect();
        assert_spectral(&with_spectrum(130, n as usize, &geometric), 3.0, 1e-12);
    }
    // A rank of one and a matrix of zeros beside it.
    assert_spectral(&with_spectrum(40, 60, &[1e-3]), 1e-3, 1e-12);
}

#[test]
fn spectral_norm_of_clustered_spectra() {
    // Leading values that differ by little, by next to nothing, and not at all, above a dense rest.
    for gap in [1e-2, 1e-4, 1e-7, 1e-10, 0.0] {
        let clustered: Vec<f64> = (0..120)
            .map(|i| {
                if i < 20 {
                    2.0 - gap * i as f64
                } else {
                    1.9 - 0.01 * i as f64
                }
            })
            .collect();
        assert_spectral(&with_spectrum(200, 120, &clustered), 2.0, 1e-10);
    }
    assert_spectral(&with_spectrum(150, 150, &vec![7.0; 150]), 7.0, 1e-12);
    // A uniform spectrum, the hardest of the smooth ones.
    let uniform: Vec<f64> = (0..300).map(|i| 1.0 - i as f64 / 300.0).collect();
    assert_spectral(&with_spectrum(300, 320, &uniform), 1.0, 1e-10);
}

#[test]
fn spectral_norm_of_extremes() {
    for scale in [1e-300, 1e-100, 1e100, 1e300] {
        let a = with_spectrum(20, 10, &[2.0, 1.0]) * scale;
        assert!((spectral_norm(a.view()).unwrap() / scale - 2.0).abs() < 1e-12);
        assert!((frobenius_norm(a.view()).unwrap() / scale - 5.0_f64.sqrt()).abs() < 1e-12);
    }
    assert_eq!(
        spectral_norm(Array2::<f64>::zeros((4, 7)).view()).unwrap(),
        0.0
    );
    assert_eq!(
        spectral_norm(Array2::<f32>::zeros((0, 7)).view()).unwrap(),
        0.0
    );
    assert_eq!(
        stable_rank(Array2::<f64>::zeros((4, 7)).view()).unwrap(),
        0.0
    );
}

#[test]
fn spectral_norm_is_the_same_bits_every_time() {
    let a = random_matrix::<f64>(90, 70, &mut Seed::new(8).stream());
    assert_eq!(
        spectral_norm(a.view()).unwrap().to_bits(),
        spectral_norm(a.view()).unwrap().to_bits()
    );
}

#[test]
fn norms_refuse_what_is_not_finite() {
    let a = array![[1.0, 2.0], [f64::NAN, f64::INFINITY]];
    let error = |operation| Error::NotFinite {
        operation,
        row: 1,
        column: 0,
    };
    assert_eq!(spectral_norm(a.view()).unwrap_err(), error("spectral_norm"));
    assert_eq!(
        frobenius_norm(a.view()).unwrap_err(),
        error("frobenius_norm")
    );
    assert_eq!(stable_rank(a.view()).unwrap_err(), error("stable_rank"));
    // The largest finite values are fine, also where their sum is not.
    let large = Array2::from_elem((3, 3), f64::MAX);
    assert_eq!(spectral_norm(large.view()).unwrap(), f64::INFINITY);
}

#[test]
fn stable_rank_of_known_spectra() {
    assert!(
        (stable_rank(with_spectrum(9, 6, &[2.0, 2.0, 1.0]).view()).unwrap() - 2.25).abs() < 1e-12
    );
    assert!((stable_rank(Array2::<f64>::eye(12).view()).unwrap() - 12.0).abs() < 1e-12);
}

#[test]
fn ranks_do_not_depend_on_the_scale() {
    type Rank<T> = fn(ndarray::ArrayView2<'_, T>) -> srr_linalg::Result<T>;
    fn check<T: Scalar>(tolerance: f64) {
        // The largest finite elements, whose norms are not finite, and the smallest normal ones.
        for scale in [T::max_value(), T::one(), T::min_positive_value()] {
            let equal = Array2::from_elem((3, 4), scale);
            let frame = Array2::eye(4) * scale;
            let ranks =
                |rank: Rank<T>| [&equal, &frame].map(|a| Scalar::to_f64(rank(a.view()).unwrap()));
            let all = [
                stable_rank as Rank<T>,
                #[cfg(any(feature = "faer", feature = "nalgebra", feature = "lapack"))]
                srr_linalg::effective_rank,
            ];
            for [one, four] in all.map(ranks) {
                assert!((one - 1.0).abs() < tolerance, "{one} at {scale}");
                assert!((four - 4.0).abs() < tolerance, "{four} at {scale}");
            }
        }
    }
    check::<f64>(1e-12);
    check::<f32>(1e-5);
}

#[cfg(any(feature = "faer", feature = "nalgebra", feature = "lapack"))]
#[test]
fn nuclear_norm_and_effective_rank_of_known_spectra() {
    use srr_linalg::{effective_rank, nuclear_norm};
    let a = with_spectrum(9, 6, &[2.0, 1.0, 1.0]);
    assert!((nuclear_norm(a.view()).unwrap() - 4.0).abs() < 1e-12);
    // Shares ½, ¼, ¼: an entropy of 3/2 ln 2.
    assert!((effective_rank(a.view()).unwrap() - 2.0_f64.powf(1.5)).abs() < 1e-9);
    assert!((effective_rank(Array2::<f64>::eye(12).view()).unwrap() - 12.0).abs() < 1e-12);
    assert_eq!(
        effective_rank(Array2::<f32>::zeros((3, 2)).view()).unwrap(),
        0.0
    );
}

#[test]
fn frames_are_orthonormal_and_uniform() {
    fn check<T: Scalar>(rows: usize, columns: usize, tolerance: f64) {
        let u = random_orthonormal::<T>(rows, columns, &mut Seed::new(2).stream()).unwrap();
        let difference = gram(u.view()) - Array2::<T>::eye(columns);
        assert!(
            difference
                .iter()
                .all(|&x| Scalar::to_f64(x).abs() < tolerance),
            "{rows}×{columns}"
        );
    }
    for (rows, columns) in [(1, 1), (2, 2), (8, 3), (31, 31), (127, 20), (5, 0)] {
        check::<f64>(rows, columns, 1e-14);
        check::<f32>(rows, columns, 1e-6);
    }
    let wide = random_orthonormal::<f64>(3, 4, &mut Seed::new(2).stream()).unwrap_err();
    assert_eq!(
        wide,
        Error::FrameTooWide {
            rows: 3,
            columns: 4
        }
    );
    // Entries of a uniform orthogonal matrix have mean 0 and mean square 1/n.
    let mut stream = Seed::new(4).stream();
    let draws: Vec<f64> = (0..4000)
        .map(|_| random_orthonormal::<f64>(4, 2, &mut stream).unwrap()[[1, 1]])
        .collect();
    let mean = draws.iter().sum::<f64>() / 4000.0;
    let square = draws.iter().map(|x| x * x).sum::<f64>() / 4000.0;
    assert!(
        mean.abs() < 0.03 && (square - 0.25).abs() < 0.02,
        "{mean} {square}"
    );
}
