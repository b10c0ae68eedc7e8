//! The tensors of a checkpoint, by name and in row-major order.

use super::{
    Checkpoint, ConvertError, NamedTensor,
    archive::Archive,
    pickle::{Object, Pickle, Tensor, Value},
};
use std::collections::{HashMap, HashSet};

/// Entries that hold the tensors in checkpoints that hold more, by custom.
const CUSTOMARY: [&str; 2] = ["state_dict", "model"];

/// Gathers the tensors of `entry`, of a customary entry, or of the checkpoint itself.
pub(super) fn collect(
    pickle: &Pickle,
    entry: Option<&str>,
    archive: &mut Archive,
) -> Result<Checkpoint, ConvertError> {
    let root = dictionary(pickle, pickle.root()).ok_or_else(|| {
        let kind = pickle.kind(pickle.root());
        archive.format(format!("expected a dictionary of tensors, found {kind}"))
    })?;
    let (chosen, mut skipped) = choose(pickle, &root, entry).map_err(|p| archive.format(p))?;
    let mut gathered = Gatherer {
        archive,
        latest: None,
        storages: HashSet::new(),
        allowance: 1 << 20,
    };
    let mut tensors = Vec::new();
    for (name, value) in chosen {
        match pickle.object(value) {
            Some(Object::Tensor(tensor)) => tensors.push(gathered.tensor(name, tensor)?),
            _ => skipped.push(format!("{name} ({})", pickle.kind(value))),
        }
    }
    if tensors.is_empty() {
        let problem = match skipped.as_slice() {
            [] => "expected tensors, found an empty dictionary".into(),
            _ => format!("expected tensors, found only {}", skipped.join(", ")),
        };
        return Err(archive.format(problem));
    }
    Ok(Checkpoint { tensors, skipped })
}

type Entries<'a> = Vec<(&'a str, &'a Value)>;

/// The entries of a dictionary whose keys are text; of equal keys, the last value in the place of the first.
fn dictionary<'a>(pickle: &'a Pickle, value: &Value) -> Option<Entries<'a>> {
    let Some(Object::Dict(pairs)) = pickle.object(value) else {
        return None;
    };
    let mut places = HashMap::new();
    let mut entries: Entries<'a> = Vec::new();
    for (key, value) in pairs {
        if let Value::Text(key) = key {
            let place = *places.entry(&**key).or_insert(entries.len());
            match entries.get_mut(place) {
                Some(entry) => entry.1 = value,
                None => entries.push((key, value)),
            }
        }
    }
    Some(entries)
}

/// The dictionary to convert, and a note on each entry beside it.
fn choose<'a>(
    pickle: &'a Pickle,
    root: &Entries<'a>,
    entry: Option<&str>,
) -> Result<(Entries<'a>, Vec<String>), String> {
    let inside = |name: &str| {
        let (_, value) = root.iter().find(|(key, _)| *key == name)?;
        dictionary(pickle, value)
    };
    let found = match entry {
        Some(name) => {
            let names: Vec<&str> = root.iter().map(|(key, _)| *key).collect();
            let names: Vec<&str> = names
                .into_iter()
                .filter(|name| inside(name).is_some())
                .collect();
            let chosen = inside(name).ok_or_else(|| match names.as_slice() {
                [] => {
                    format!("there is no dictionary {name:?}, nor any other inside the checkpoint")
                }
                names => format!("no dictionary {name:?} among {}", names.join(", ")),
            })?;
            Some((name, chosen))
        }
        None => CUSTOMARY
            .into_iter()
            .find_map(|name| Some((name, inside(name)?))),
    };
    let Some((name, chosen)) = found else {
        return Ok((root.clone(), Vec::new()));
    };
    let others = root.iter().filter(|(key, _)| *key != name);
    let skipped = others.map(|(key, value)| format!("{key} ({})", pickle.kind(value)));
    Ok((chosen, skipped.collect()))
}

/// Copies tensors out of their storages.
struct Gatherer<'a> {
    archive: &'a mut Archive,
    /// The storage read last: tensors that share one mostly follow each other.
    latest: Option<(String, Vec<u8>)>,
    /// The storages met.
    storages: HashSet<String>,
    /// Bytes that may still be copied: weights tied between layers are stored once and named several times, but not without end.
    allowance: u64,
}

impl Gatherer<'_> {
    fn tensor(&mut self, name: &str, tensor: &Tensor) -> Result<NamedTensor, ConvertError> {
        let fail = |path: &Archive, problem: String| ConvertError::Tensor {
            path: path.path().into(),
            name: name.into(),
            problem,
        };
        let width = (tensor.storage.dtype.bitsize() / 8) as u64;
        let plan = Plan::new(tensor, width).map_err(|p| fail(self.archive, p))?;
        let storage_bytes = plan.storage_bytes;
        if self.storages.insert(tensor.storage.key.to_string()) {
            self.allowance = self
                .allowance
                .saturating_add(storage_bytes.saturating_mul(16));
        }
        let left = self.allowance.checked_sub(plan.bytes);
        self.allowance = left.ok_or_else(|| {
            fail(
                self.archive,
                "far more numbers in tensors than in storages".into(),
            )
        })?;
        self.load(&tensor.storage.key, storage_bytes)?;
        let storage = self.latest.as_ref().map_or(&[][..], |(_, bytes)| bytes);
        let mut data = plan.gather(storage);
        if self.archive.big_endian {
            data.chunks_exact_mut(width as usize)
                .for_each(<[u8]>::reverse);
        }
        Ok(NamedTensor {
            name: name.into(),
            dtype: tensor.storage.dtype,
            shape: plan.shape,
            data,
        })
    }

    fn load(&mut self, key: &str, bytes: u64) -> Result<(), ConvertError> {
        let same = |(k, b): &(String, Vec<u8>)| k == key && b.len() as u64 == bytes;
        if !self.latest.as_ref().is_some_and(same) {
            self.latest = None;
            self.latest = Some((key.into(), self.archive.storage(key, bytes)?));
        }
        Ok(())
    }
}

/// How a tensor lies in its storage, all in bytes and known to be inside.
struct Plan {
    shape: Vec<usize>,
    strides: Vec<usize>,
    offset: usize,
    width: usize,
    bytes: u64,
    storage_bytes: u64,
}

impl Plan {
    fn new(tensor: &Tensor, width: u64) -> Result<Self, String> {
        let elements = tensor.storage.elements;
        let too_large = || "sizes that do not fit in memory".to_string();
        let count = tensor
            .shape
            .iter()
            .try_fold(1_u64, |n, &s| n.checked_mul(s))
            .ok_or_else(too_large)?;
        if count > 0 {
            let mut steps = tensor.shape.iter().zip(&tensor.strides);
            let last = steps.try_fold(tensor.offset, |at, (&size, &stride)| {
                at.checked_add((size - 1).checked_mul(stride)?)
            });
            if last.is_none_or(|last| last >= elements) {
                return Err(format!(
                    "sizes {:?} with strides {:?} from element {} do not lie within a storage of {elements}",
                    tensor.shape, tensor.strides, tensor.offset
                ));
            }
        }
        if count > elements {
            return Err(format!(
                "{count} elements overlap in a storage of {elements}; make it contiguous and save it again"
            ));
        }
        let in_bytes = |n: u64| n.checked_mul(width).filter(|&b| b <= isize::MAX as u64);
        let storage_bytes = in_bytes(elements).ok_or_else(too_large)?;
        // Sizes and strides along an axis of one element, or of an empty tensor, are never used to step.
        let stride = |(&size, &stride): (&u64, &u64)| {
            if count == 0 || size == 1 {
                Some(0)
            } else {
                in_bytes(stride).map(|b| b as usize)
            }
        };
        let strides = tensor.shape.iter().zip(&tensor.strides).map(stride);
        let offset = if count == 0 {
            Some(0)
        } else {
            in_bytes(tensor.offset)
        };
        let size = |&s: &u64| usize::try_from(s).ok();
        Ok(Self {
            shape: tensor
                .shape
                .iter()
                .map(size)
                .collect::<Option<_>>()
                .ok_or_else(too_large)?,
            strides: strides.collect::<Option<_>>().ok_or_else(too_large)?,
            offset: offset.ok_or_else(too_large)? as usize,
            width: width as usize,
            bytes: count * width,
            storage_bytes,
        })
    }

    /// The elements in row-major order.
    fn gather(&self, storage: &[u8]) -> Vec<u8> {
        // The last axes, as far as their elements follow each other, are copied in one piece.
        let (mut run, mut outer) = (self.width, self.shape.len());
        while outer > 0 && (self.shape[outer - 1] == 1 || self.strides[outer - 1] == run) {
            outer -= 1;
            run *= self.shape[outer];
        }
        let mut data = Vec::with_capacity(self.bytes as usize);
        let mut index = vec![0; outer];
        while data.len() < self.bytes as usize {
            let steps = index
                .iter()
                .zip(&self.strides)
                .map(|(i, stride)| i * stride);
            let at = self.offset + steps.sum::<usize>();
            data.extend_from_slice(&storage[at..at + run]);
            for axis in (0..outer).rev() {
                index[axis] += 1;
                if index[axis] < self.shape[axis] {
                    break;
                }
                index[axis] = 0;
            }
        }
        data
    }
}
