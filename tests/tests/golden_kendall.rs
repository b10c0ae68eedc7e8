//! Kendall's τ-b and its p-values against scipy's, as stored in `tests/golden/kendall.safetensors`.

use std::path::Path;

use safetensors::SafeTensors;
use srr_measures::statistics::{PValueMethod, kendall_with};

/// The values of a tensor, one vector per row; vectors have rows of length 1.
fn rows(file: &SafeTensors<'_>, name: &str) -> Vec<Vec<f64>> {
    let tensor = file.tensor(name).expect("the golden file has the tensor");
    let width = tensor.shape().get(1).copied().unwrap_or(1);
    let values: Vec<f64> = tensor
        .data()
        .chunks_exact(8)
        .map(|bytes| f64::from_le_bytes(bytes.try_into().expect("eight bytes")))
        .collect();
    values.chunks(width).map(<[f64]>::to_vec).collect()
}

#[test]
fn tau_and_p_values_are_scipys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/kendall.safetensors");
    let bytes = std::fs::read(path).expect("the golden file is there");
    let file = SafeTensors::deserialize(&bytes).expect("the golden file is whole");
    let (x, y) = (rows(&file, "x"), rows(&file, "y"));
    let expected = |name| rows(&file, name);
    let tau = expected("tau_b");
    let methods = [
        (PValueMethod::Auto, expected("p_auto")),
        (PValueMethod::Asymptotic, expected("p_asymptotic")),
        (PValueMethod::Exact, expected("p_exact")),
    ];
    assert_eq!(x.len(), 6);
    let mut without = 0;
    for pair in 0..x.len() {
        for (method, p) in &methods {
            let found = kendall_with(&x[pair], &y[pair], *method).expect("clean samples");
            let tau_b = found.tau_b.expect("no sample is constant");
            assert!((tau_b - tau[pair][0]).abs() <= 1e-12, "τ-b of pair {pair}");
            match found.p_value {
                None => {
                    assert!(p[pair][0].is_nan(), "{method:?} p-value of pair {pair}");
                    without += 1;
                }
                Some(found) => {
                    let expected = p[pair][0];
                    assert!(
                        (found - expected).abs() <= 1e-9 * expected,
                        "{method:?} p-value of pair {pair}: {found:e}, not {expected:e}"
                    );
                }
            }
        }
    }
    assert_eq!(without, 3, "three pairs have ties and so no exact p-value");
}
