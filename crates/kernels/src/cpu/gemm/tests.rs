//! Products against the triple loop.

use super::*;
use crate::MatmulPrecision;
use srr_linalg::Scalar;

fn wide<T: Element>(x: T) -> f64 {
    Scalar::to_f64(x)
}

/// Small whole numbers, whose products are exact.
fn numbers<T: Element>(len: usize, salt: usize) -> Vec<T> {
    let number = |i: usize| ((i * 7 + salt * 5 + i / 3) % 13) as f64 - 6.0;
    (0..len).map(|i| T::from_f64(number(i))).collect()
}

/// A product of matrices wherever their elements stand, what `out` holds being part of it if `finish` says so.
fn multiplied<T: Element>(
    words: Words,
    (m, k, n): (usize, usize, usize),
    left: Operand<'_, T>,
    right: Operand<'_, T>,
    finish: Finish<'_, T>,
    mut out: Vec<T>,
) -> Vec<T> {
    let mut packed = vec![T::from_f64(f64::NAN); packed_len::<T>(words, k, n)];
    pack(words, right, k, n, &mut packed);
    let mut workspace = vec![T::from_f64(f64::NAN); workspace_len(words, left, m, k)];
    let sizes = (m, k, n);
    multiply(
        words,
        sizes,
        left,
        &packed,
        finish,
        &mut out,
        &mut workspace,
    );
    out
}

/// Against the triple loop; whole numbers so small are exact in bf16, and so are the sums of their products. `factors` make the operands
/// larger.
fn check_times<T: Element>(
    factors: [f64; 2],
    words: Words,
    (m, k, n): (usize, usize, usize),
    a_by_rows: bool,
    b_by_rows: bool,
) {
    let times = |numbers: Vec<T>, factor: f64| -> Vec<T> {
        let factor = T::from_f64(factor);
        numbers.into_iter().map(|x| factor * x).collect()
    };
    let (a, b, bias) = (
        times(numbers(m * k, 1), factors[0]),
        times(numbers(k * n, 2), factors[1]),
        numbers::<T>(n, 3),
    );
    let by = |rows: bool, data, height, width| {
        let (row, column) = if rows { (width, 1) } else { (1, height) };
        Operand { data, row, column }
    };
    let (left, right) = (by(a_by_rows, &a, m, k), by(b_by_rows, &b, k, n));
    let at = |x: &Operand<'_, T>, i, j| wide(x.data[i * x.row + j * x.column]);
    let addend = numbers::<T>(m * n, 5);
    for (accumulate, addend, bias, relu_shift) in [
        (false, None, None, None),
        (true, None, None, None),
        (false, Some(addend.as_slice()), None, None),
        (
            true,
            Some(addend.as_slice()),
            Some(bias.as_slice()),
            Some(T::from_f64(2.0)),
        ),
    ] {
        let finish = Finish {
            alpha: T::from_f64(-2.0),
            accumulate,
            addend,
            bias,
            relu_shift,
        };
        let old = numbers::<T>(m * n, 4);
        let out = multiplied(words, (m, k, n), left, right, finish, old.clone());
        for (index, (out, old)) in out.iter().zip(&old).enumerate() {
            let (i, j) = (index / n, index % n);
            let sum: f64 = (0..k).map(|l| at(&left, i, l) * at(&right, l, j)).sum();
            let mut expected = -2.0 * sum;
            expected += if accumulate { wide(*old) } else { 0.0 };
            expected += addend.map_or(0.0, |addend| wide(addend[index]));
            expected += bias.map_or(0.0, |bias| wide(bias[j]));
            if let Some(shift) = relu_shift {
                expected = (expected - wide(shift)).max(0.0);
            }
            let case = format!("{} ({m}, {k}, {n}) at ({i}, {j})", T::NAME);
            assert_eq!(wide(*out), expected, "{case}");
        }
    }
}

fn check<T: Element>(words: Words, sizes: (usize, usize, usize), a_by_rows: bool, b_by_rows: bool) {
    check_times::<T>([1.0; 2], words, sizes, a_by_rows, b_by_rows);
}

/// The largest error of the elements of a product of numbers of size 1, over the root of the number of terms.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn error(words: Words) -> f64 {
    let (m, k, n) = (21, 300, 19);
    let a: Vec<f32> = (0..m * k).map(|i| (i as f32).sin()).collect();
    let b: Vec<f32> = (0..k * n).map(|i| (1.7 * i as f32).cos()).collect();
    let (left, right) = (Operand::rows(&a, k), Operand::rows(&b, n));
    let out = vec![f32::NAN; m * n];
    let out = multiplied(words, (m, k, n), left, right, Finish::scaled(1.0), out);
    let exact = |i: usize, j: usize| -> f64 {
        (0..k)
            .map(|l| wide(a[i * k + l]) * wide(b[l * n + j]))
            .sum()
    };
    let errors = out
        .iter()
        .enumerate()
        .map(|(index, &x)| (wide(x) - exact(index / n, index % n)).abs());
    errors.fold(0.0, f64::max) / (k as f64).sqrt()
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[test]
fn so_do_tiles_where_need_be_emulated() {
    use crate::terms::{
        Bf16,
        amx::{Amx, emulator},
    };
    let Some(bf16) = Bf16::detect() else {
        return; // nothing rounds to bf16 here
    };
    let amx = Amx::detect().unwrap_or_else(|| Amx::emulated(bf16));
    for sizes in [
        (1, 1, 1),
        (2, 3, 5),
        (17, 33, 48),
        (33, 127, 17),
        (7, 129, 65),
        (20, 530, 97),
        (193, 31, 9),
        (3, 192, 48),
        (5, 384, 7),
        (2, 2721, 3),
    ] {
        for (a_by_rows, b_by_rows) in [(true, true), (false, false)] {
            check::<f32>(Words::Tiles(amx), sizes, a_by_rows, b_by_rows);
            // Ten bits are more than bf16 has: the second part of either side makes up for it.
            for factors in [[131.0, 1.0], [1.0, 131.0]] {
                let words = Words::Split(amx);
                check_times::<f32>(factors, words, sizes, a_by_rows, b_by_rows);
            }
        }
    }
    let [rounded, split] = [Words::Tiles(amx), Words::Split(amx)].map(error);
    assert!(
        split < 2e-5 && rounded > 100.0 * split && rounded < 4e-3,
        "{rounded} {split}"
    );
    // A thread that has no tiles yet.
    std::thread::spawn(move || check::<f32>(Words::Tiles(amx), (17, 33, 48), true, true))
        .join()
        .unwrap();
    assert!(Amx::detect().is_some() || emulator::interpreted() > 0);
}

#[test]
fn equals_the_triple_loop_at_every_awkward_size() {
    for sizes in [
        (1, 1, 1),
        (2, 3, 5),
        (11, 4, 31),
        (12, 5, 32),
        (13, 7, 33),
        (25, 127, 3),
        (24, 128, 17),
        (7, 129, 65),
        (191, 2, 16),
        (193, 257, 9),
        (400, 3, 70),
    ] {
        for (a_by_rows, b_by_rows) in [(true, true), (true, false), (false, true), (false, false)] {
            for precision in MatmulPrecision::ALL {
                let (single, double) = (Words::of::<f32>(precision), Words::of::<f64>(precision));
                check::<f32>(single, sizes, a_by_rows, b_by_rows);
                check::<f64>(double, sizes, a_by_rows, b_by_rows);
            }
        }
    }
}

fn transposed<T: Element>(k: usize, (m, n): (usize, usize)) {
    assert!(reads_in_place::<T>(m, n) && !reads_in_place::<T>(m + 1, n));
    let (stride, x) = (m + 3, numbers::<T>(k * (m + 3), 1));
    let y = numbers::<T>(k * n, 2);
    let mut out = vec![T::from_f64(f64::NAN); m * n];
    multiply_transposed((m, k, n), &x[2..], stride, &y, &mut out);
    for (index, &out) in out.iter().enumerate() {
        let (i, j) = (index / n, index % n);
        let term = |l: usize| wide(x[2 + l * stride + i]) * wide(y[l * n + j]);
        let sum: f64 = (0..k).map(term).sum();
        assert_eq!(wide(out), sum, "({m}, {k}, {n}) at ({i}, {j})");
    }
}

#[test]
fn reductions_in_place_equal_the_triple_loop() {
    let (width, height) = (width::<f32>(), 24); // a multiple of every tile's height
    for k in [1, 5, 256, 300] {
        for vectors in [1, 2, 3, 4] {
            transposed::<f32>(k, (height, vectors * width));
            transposed::<f64>(k, (2 * height, vectors * width / 2));
        }
    }
}

#[test]
fn nothing_is_read_of_what_it_overwrites() {
    let one = Operand::rows(&[1.0], 1);
    let (finish, out) = (Finish::scaled(3.0), vec![f64::NAN]);
    assert_eq!(
        multiplied(Words::Whole, (1, 1, 1), one, one, finish, out),
        [3.0]
    );
}
