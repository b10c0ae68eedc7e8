//! Golden tensors: reading `tests/golden/*.safetensors`, and comparing with them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use safetensors::{Dtype, SafeTensors};

/// One golden file in memory; integers are read as `f64` too.
#[derive(Debug)]
pub struct Golden {
    tensors: BTreeMap<String, (Vec<usize>, Vec<f64>)>,
    metadata: BTreeMap<String, String>,
}

impl Golden {
    /// Reads `tests/golden/{name}.safetensors`.
    ///
    /// # Panics
    /// If the file cannot be read: it is part of the repository.
    #[must_use]
    pub fn open(name: &str) -> Self {
        let path = path(name);
        let bytes =
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a safetensors header");
        let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
        let read = |name: &&str| {
            let tensor = file.tensor(name).expect("a name of the file");
            let words = tensor
                .data()
                .chunks_exact(8)
                .map(|word| word.try_into().expect("eight bytes"));
            let values = match tensor.dtype() {
                Dtype::F64 => words.map(f64::from_le_bytes).collect(),
                Dtype::I64 => words.map(|word| i64::from_le_bytes(word) as f64).collect(),
                other => panic!("{name} is {other:?}"),
            };
            ((*name).to_owned(), (tensor.shape().to_vec(), values))
        };
        let tensors = file.names().iter().map(read).collect();
        let metadata = header
            .metadata()
            .clone()
            .unwrap_or_default()
            .into_iter()
            .collect();
        Self { tensors, metadata }
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Whether the file has such a tensor.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Shape of a tensor.
    ///
    /// # Panics
    /// If there is none of that name.
    #[must_use]
    pub fn shape(&self, name: &str) -> &[usize] {
        &self.tensor(name).0
    }

    /// Elements of a tensor, row-major.
    ///
    /// # Panics
    /// If there is none of that name.
    #[must_use]
    pub fn values(&self, name: &str) -> &[f64] {
        &self.tensor(name).1
    }

    /// The one element of a tensor.
    ///
    /// # Panics
    /// If there is none of that name, or it has more elements.
    #[must_use]
    pub fn scalar(&self, name: &str) -> f64 {
        let values = self.values(name);
        assert_eq!(values.len(), 1, "{name} is no scalar");
        values[0]
    }

    /// An entry of the file's metadata.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    fn tensor(&self, name: &str) -> &(Vec<usize>, Vec<f64>) {
        self.tensors
            .get(name)
            .unwrap_or_else(|| panic!("no golden tensor {name}"))
    }
}

/// Path of a golden file.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(format!("{name}.safetensors"))
}

/// Asserts that every element agrees to `tolerance`, relative to the tensor's largest magnitude.
///
/// # Panics
/// If it does not, naming the tensor and the element.
pub fn assert_close(name: &str, actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len(), "{name}: number of elements");
    let scale = expected
        .iter()
        .fold(0.0_f64, |largest, value| largest.max(value.abs()));
    for (index, (a, e)) in actual.iter().zip(expected).enumerate() {
        let difference = (a - e).abs();
        assert!(
            difference <= tolerance * scale,
            "{name}[{index}] is {a}, golden {e}: off by {:e}",
            difference / scale
        );
    }
}
