//! The names that a pickle may use, and what they do: all of them build containers and views of storages.

use super::pickle::{Object, Storage, Tensor, Value};
use safetensors::Dtype;

/// A name that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    Size,
    RebuildTensor,
    RebuildParameter,
    StorageType(Dtype),
}

/// Looks a name up; `None` means that it is refused.
pub(super) fn find(module: &str, name: &str) -> Option<Global> {
    match (module, name) {
        ("collections", "OrderedDict") => Some(Global::OrderedDict),
        ("torch", "Size") => Some(Global::Size),
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Some(Global::RebuildTensor),
        ("torch._utils", "_rebuild_parameter") => Some(Global::RebuildParameter),
        ("torch" | "torch.storage" | "torch.cuda", name) => {
            storage_type(name).map(Global::StorageType)
        }
        _ => None,
    }
}

fn storage_type(name: &str) -> Option<Dtype> {
    Some(match name {
        "DoubleStorage" => Dtype::F64,
        "FloatStorage" => Dtype::F32,
        "HalfStorage" => Dtype::F16,
        "BFloat16Storage" => Dtype::BF16,
        "LongStorage" => Dtype::I64,
        "IntStorage" => Dtype::I32,
        "ShortStorage" => Dtype::I16,
        "CharStorage" => Dtype::I8,
        "ByteStorage" => Dtype::U8,
        "BoolStorage" => Dtype::BOOL,
        _ => return None,
    })
}

/// What a call gives.
pub(super) enum Outcome {
    New(Object),
    Same(Value),
}

/// Calls a name with its arguments, or says what is wrong with them.
pub(super) fn call(
    global: Global,
    arguments: &[Value],
    objects: &[Object],
) -> Result<Outcome, String> {
    match global {
        Global::OrderedDict => ordered_dict(arguments, objects),
        Global::Size => match arguments {
            [sizes] if tuple(objects, sizes).is_some() => Ok(Outcome::Same(sizes.clone())),
            _ => Err("a size that is not a tuple".into()),
        },
        Global::RebuildTensor => tensor(arguments, objects),
        Global::RebuildParameter => match arguments {
            [value @ Value::Object(place), ..] if matches!(objects[*place], Object::Tensor(_)) => {
                Ok(Outcome::Same(value.clone()))
            }
            _ => Err("a parameter that is not a tensor".into()),
        },
        Global::StorageType(_) => Err("a call of a storage type".into()),
    }
}

/// The members of a tuple.
pub(super) fn tuple<'a>(objects: &'a [Object], value: &Value) -> Option<&'a [Value]> {
    match value {
        Value::Object(place) => match objects.get(*place) {
            Some(Object::Tuple(items)) => Some(items),
            _ => None,
        },
        _ => None,
    }
}

/// An empty dictionary, or one of a list of pairs.
fn ordered_dict(arguments: &[Value], objects: &[Object]) -> Result<Outcome, String> {
    let wrong = || "a dictionary of something other than pairs".to_string();
    let items = match arguments {
        [] => &[][..],
        [Value::Object(place)] => match &objects[*place] {
            Object::List(items) => items,
            _ => return Err(wrong()),
        },
        _ => return Err(wrong()),
    };
    let pair = |item: &Value| {
        let members = match item {
            Value::Object(place) => match &objects[*place] {
                Object::Tuple(members) | Object::List(members) => members.as_slice(),
                _ => &[],
            },
            _ => &[],
        };
        match members {
            [key, value] => Ok((key.clone(), value.clone())),
            _ => Err(wrong()),
        }
    };
    let pairs = items.iter().map(pair).collect::<Result<Vec<_>, _>>()?;
    Ok(Outcome::New(Object::Dict(pairs)))
}

/// Storage, offset, sizes and strides in elements; what follows (gradients and hooks) has no meaning here.
fn tensor(arguments: &[Value], objects: &[Object]) -> Result<Outcome, String> {
    let [Value::Object(place), offset, sizes, strides, ..] = arguments else {
        return Err("a tensor without storage, offset, sizes and strides".into());
    };
    let Object::Storage(storage) = &objects[*place] else {
        return Err("a tensor without a storage".into());
    };
    let numbers = |value: &Value| {
        let items = tuple(objects, value)?;
        items.iter().map(natural).collect::<Option<Vec<u64>>>()
    };
    let (Some(offset), Some(shape), Some(strides)) =
        (natural(offset), numbers(sizes), numbers(strides))
    else {
        return Err("a tensor whose offset, sizes or strides are not natural numbers".into());
    };
    if shape.len() != strides.len() {
        return Err(format!(
            "a tensor with {} sizes and {} strides",
            shape.len(),
            strides.len()
        ));
    }
    Ok(Outcome::New(Object::Tensor(Tensor {
        storage: storage.clone(),
        offset,
        shape,
        strides,
    })))
}

fn natural(value: &Value) -> Option<u64> {
    match value {
        Value::Int(n) => u64::try_from(*n).ok(),
        _ => None,
    }
}

/// A storage from its reference: ("storage", type, key, device, number of elements).
pub(super) fn storage(id: &[Value]) -> Option<Storage> {
    let [
        Value::Text(kind),
        Value::Global(Global::StorageType(dtype)),
        Value::Text(key),
        Value::Text(_),
        elements,
    ] = id
    else {
        return None;
    };
    if &**kind != "storage" {
        return None;
    }
    Some(Storage {
        key: key.clone(),
        dtype: *dtype,
        elements: natural(elements)?,
    })
}
