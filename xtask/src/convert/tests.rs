//! Checkpoints that PyTorch wrote (`tests/fixtures/generate.py`), and others that nobody should trust.

use super::{
    ConvertArgs, ConvertError, NamedTensor,
    pickle::{Pickle, PickleError},
    read, run,
};
use safetensors::{Dtype, SafeTensors};
use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn tensors(name: &str) -> Vec<NamedTensor> {
    read(&fixture(name), None).unwrap().tensors
}

fn refused(path: &Path) -> String {
    read(path, None).unwrap_err().to_string()
}

fn f32s(tensor: &NamedTensor) -> Vec<f32> {
    assert_eq!(tensor.dtype, Dtype::F32);
    let words = tensor.data.chunks_exact(4);
    words
        .map(|w| f32::from_le_bytes([w[0], w[1], w[2], w[3]]))
        .collect()
}

/// 0, ½, 1, 1½, …
fn ramp(n: usize) -> Vec<f32> {
    (0..n).map(|i| i as f32 / 2.0).collect()
}

#[test]
fn every_type_of_number() {
    let bytes = |f: fn(usize) -> Vec<u8>| (0..6).flat_map(f).collect::<Vec<u8>>();
    let expected: [(&str, Dtype, Vec<u8>); 10] = [
        (
            "float64",
            Dtype::F64,
            bytes(|i| (i as f64 / 2.0).to_le_bytes().to_vec()),
        ),
        (
            "float32",
            Dtype::F32,
            bytes(|i| (i as f32 / 2.0).to_le_bytes().to_vec()),
        ),
        // 0, ½, 1, 1½, 2, 2½ in the upper byte of binary16: five exponent bits, then the fraction.
        (
            "float16",
            Dtype::F16,
            [0, 0x38, 0x3c, 0x3e, 0x40, 0x41]
                .iter()
                .flat_map(|&b| [0, b])
                .collect(),
        ),
        (
            "bfloat16",
            Dtype::BF16,
            bytes(|i| (i as f32 / 2.0).to_le_bytes()[2..].to_vec()),
        ),
        (
            "int64",
            Dtype::I64,
            bytes(|i| (i as i64).to_le_bytes().to_vec()),
        ),
        (
            "int32",
            Dtype::I32,
            bytes(|i| (i as i32).to_le_bytes().to_vec()),
        ),
        (
            "int16",
            Dtype::I16,
            bytes(|i| (i as i16).to_le_bytes().to_vec()),
        ),
        ("int8", Dtype::I8, bytes(|i| vec![i as u8])),
        ("uint8", Dtype::U8, bytes(|i| vec![i as u8])),
        ("bool", Dtype::BOOL, bytes(|i| vec![u8::from(i > 0)])),
    ];
    let found = tensors("dtypes.pth");
    assert_eq!(found.len(), expected.len());
    for (tensor, (name, dtype, data)) in found.iter().zip(expected) {
        assert_eq!((tensor.name.as_str(), tensor.dtype), (name, dtype));
        assert_eq!(
            (tensor.shape.as_slice(), &tensor.data),
            ([2, 3].as_slice(), &data),
            "{name}"
        );
    }
}

#[test]
fn views_of_one_storage() {
    let base = ramp(24); // [4, 6]
    let at = |indices: &[usize]| indices.iter().map(|&i| base[i]).collect::<Vec<f32>>();
    let transposed: Vec<usize> = (0..24).map(|i| i % 4 * 6 + i / 4).collect();
    let expected: [(&str, &[usize], Vec<f32>); 7] = [
        ("base", &[4, 6], base.clone()),
        ("transposed", &[6, 4], at(&transposed)),
        ("column", &[4], at(&[2, 8, 14, 20])),
        ("block", &[2, 3], at(&[8, 9, 10, 14, 15, 16])),
        ("steps", &[2, 2], at(&[0, 3, 12, 15])),
        ("scalar", &[], vec![2.5]),
        ("empty", &[0, 3], vec![]),
    ];
    for (tensor, (name, shape, values)) in tensors("views.pth").iter().zip(expected) {
        assert_eq!(
            (tensor.name.as_str(), tensor.shape.as_slice()),
            (name, shape)
        );
        assert_eq!(f32s(tensor), values, "{name}");
    }
}

const MODEL: [(&str, &[usize]); 4] = [
    ("0.weight", &[3]),
    ("0.bias", &[3]),
    ("1.weight", &[2, 3]),
    ("1.bias", &[2]),
];

fn assert_model(tensors: &[NamedTensor], prefix: &str) {
    assert_eq!(tensors.len(), MODEL.len());
    for (tensor, (name, shape)) in tensors.iter().zip(MODEL) {
        assert_eq!(tensor.name, format!("{prefix}{name}"));
        assert_eq!(tensor.shape, shape);
        assert_eq!(f32s(tensor), ramp(shape.iter().product()));
    }
}

#[test]
fn a_state_dictionary_alone_or_among_other_things() {
    assert_model(&tensors("state-dict.pth"), "");
    assert_model(&tensors("parameters.pth"), "");
    for name in ["training.pth", "training-protocol4.pth"] {
        let checkpoint = read(&fixture(name), None).unwrap();
        assert_model(&checkpoint.tensors, "module.");
        let notes = [
            "epoch (an integer)",
            "arch (text)",
            "best_acc1 (a tensor)",
            "optimizer (a dictionary)",
            "big (a large integer)",
        ];
        assert_eq!(checkpoint.skipped, notes);
    }
}

#[test]
fn another_entry_on_demand() {
    let checkpoint = read(&fixture("training.pth"), Some("state_dict")).unwrap();
    assert_model(&checkpoint.tensors, "module.");
    let error = read(&fixture("training.pth"), Some("teacher"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(r#"no dictionary "teacher" among "#) && !error.contains("epoch"),
        "{error}"
    );
    let error = read(&fixture("training.pth"), Some("optimizer"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("found only"), "{error}");
}

#[test]
fn what_is_not_plain_tensors_is_refused_by_name() {
    let error = refused(&fixture("command.pth"));
    assert!(
        error.contains("posix.system is not a plain tensor"),
        "{error}"
    );
    let error = refused(&fixture("whole-model.pth"));
    assert!(
        error.contains("torch.nn.modules.container.Sequential is not a plain tensor"),
        "{error}"
    );
    let error = refused(&fixture("expanded.pth"));
    assert!(
        error.contains("tensor w: 1000 elements overlap in a storage of 1"),
        "{error}"
    );
    let error = refused(&fixture("no-dictionary.pth"));
    assert!(
        error.contains("expected a dictionary of tensors, found a list"),
        "{error}"
    );
}

#[test]
fn other_files_are_told_apart() {
    let error = refused(&fixture("legacy.pth"));
    assert!(error.contains("format of PyTorch before 1.6"), "{error}");
    let error = refused(&fixture("generate.py"));
    assert!(error.contains("expected a PyTorch checkpoint"), "{error}");
    assert!(matches!(
        read(&fixture("absent.pth"), None),
        Err(ConvertError::File { .. })
    ));
    let dir = tempfile::tempdir().unwrap();
    let whole = fs::read(fixture("state-dict.pth")).unwrap();
    for length in [0, 3, 4, 30, whole.len() / 2, whole.len() - 1] {
        let path = dir.path().join("short.pth");
        fs::write(&path, &whole[..length]).unwrap();
        assert!(read(&path, None).is_err(), "{length} bytes");
    }
}

/// A copy of a fixture with its members changed; `None` leaves one out.
fn changed(
    name: &str,
    options: SimpleFileOptions,
    change: impl Fn(&str, Vec<u8>) -> Option<Vec<u8>>,
) -> (tempfile::TempDir, PathBuf) {
    let mut from = ZipArchive::new(File::open(fixture(name)).unwrap()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("changed.pth");
    let mut to = ZipWriter::new(File::create(&path).unwrap());
    for i in 0..from.len() {
        let mut member = from.by_index(i).unwrap();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        let name = member.name().unwrap().into_owned();
        let (_, short) = name.split_once('/').unwrap();
        if let Some(bytes) = change(short, bytes) {
            to.start_file(&name, options).unwrap();
            to.write_all(&bytes).unwrap();
        }
    }
    to.finish().unwrap();
    (dir, path)
}

fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored)
}

#[test]
fn numbers_of_a_big_endian_machine() {
    let (_dir, path) = changed("dtypes.pth", stored(), |name, mut bytes| {
        let width = bytes.len() / 6;
        if name.starts_with("data/") {
            bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        Some(if name == "version" {
            b"3\n".to_vec()
        } else {
            bytes
        })
    });
    // Without the note of the byte order, the numbers come out wrong.
    assert_ne!(
        read(&path, None).unwrap().tensors[1].data,
        tensors("dtypes.pth")[1].data
    );
    let mut zip =
        ZipWriter::new_append(File::options().read(true).write(true).open(&path).unwrap()).unwrap();
    zip.start_file("dtypes/byteorder", stored()).unwrap();
    zip.write_all(b"big").unwrap();
    zip.finish().unwrap();
    for (found, expected) in read(&path, None)
        .unwrap()
        .tensors
        .iter()
        .zip(tensors("dtypes.pth"))
    {
        assert_eq!(found.data, expected.data, "{}", found.name);
    }
}

#[test]
fn storages_that_are_not_as_described() {
    let error = |change: fn(&str, Vec<u8>) -> Option<Vec<u8>>| {
        let (_dir, path) = changed("state-dict.pth", stored(), change);
        refused(&path)
    };
    let missing = error(|name, bytes| (name != "data/2").then_some(bytes));
    assert!(missing.contains("data/2"), "{missing}");
    let short = error(|name, bytes| {
        Some(if name == "data/2" {
            bytes[..23].to_vec()
        } else {
            bytes
        })
    });
    assert!(
        short.contains("expected 24 bytes in data/2, found 23"),
        "{short}"
    );
    let long = error(|name, mut bytes| {
        if name == "data/2" {
            bytes.push(0);
        }
        Some(bytes)
    });
    assert!(
        long.contains("expected 24 bytes in data/2, found 25 or more"),
        "{long}"
    );
    let no_pickle = error(|name, bytes| (name != "data.pkl").then_some(bytes));
    assert!(no_pickle.contains("one data.pkl"), "{no_pickle}");
    let compressed =
        SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    let (_dir, path) = changed("state-dict.pth", compressed, |_, bytes| Some(bytes));
    let compressed = refused(&path);
    assert!(
        compressed.contains("data.pkl is compressed"),
        "{compressed}"
    );
}

/// Replaces bytes of the pickle of a fixture.
fn with_pickle(name: &str, from: &[u8], to: &[u8]) -> String {
    let (_dir, path) = changed(name, stored(), |member, bytes| {
        if member != "data.pkl" {
            return Some(bytes);
        }
        let at = bytes
            .windows(from.len())
            .position(|w| w == from)
            .expect("the bytes are there");
        Some([&bytes[..at], to, &bytes[at + from.len()..]].concat())
    });
    refused(&path)
}

#[test]
fn tensors_that_reach_beyond_their_storage() {
    // Two rows of three, then strides 3 and 1: K means a number of one byte, \x86 a pair.
    let shape = b"K\x02K\x03\x86";
    let strides = b"K\x03K\x01\x86";
    let outside = "do not lie within a storage of 6";
    let error = with_pickle("state-dict.pth", shape, b"K\x02K\x04\x86");
    assert!(
        error.contains("tensor 1.weight") && error.contains(outside),
        "{error}"
    );
    let error = with_pickle("state-dict.pth", strides, b"K\x04K\x01\x86");
    assert!(error.contains(outside), "{error}");
    let error = with_pickle(
        "state-dict.pth",
        strides,
        b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x01\x86",
    );
    assert!(error.contains(outside), "{error}");
    let error = with_pickle(
        "state-dict.pth",
        shape,
        b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x03\x86",
    );
    assert!(error.contains("do not fit in memory"), "{error}");
    let error = with_pickle("state-dict.pth", shape, b"\x8a\x01\xffK\x03\x86");
    assert!(error.contains("not natural numbers"), "{error}");
    let error = with_pickle("state-dict.pth", shape, b"K\x06\x85");
    assert!(error.contains("1 sizes and 2 strides"), "{error}");
}

fn pickle_of(name: &str) -> Vec<u8> {
    let mut zip = ZipArchive::new(File::open(fixture(name)).unwrap()).unwrap();
    let mut names = zip.file_names().map(|name| name.unwrap().into_owned());
    let pickle = names.find(|name| name.ends_with("data.pkl")).unwrap();
    drop(names);
    let mut bytes = Vec::new();
    zip.by_name(&pickle)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

#[test]
fn a_pickle_cut_off_anywhere_is_an_error() {
    for name in ["training.pth", "training-protocol4.pth"] {
        let bytes = pickle_of(name);
        assert!(Pickle::parse(&bytes).is_ok());
        for length in 0..bytes.len() {
            assert!(
                Pickle::parse(&bytes[..length]).is_err(),
                "{length} bytes of {name}"
            );
        }
    }
}

#[test]
fn a_pickle_with_any_byte_changed_is_read_or_refused() {
    let bytes = pickle_of("state-dict.pth");
    let mut refusals = 0;
    for at in 0..bytes.len() {
        for by in [1, 0x10, 0x80, 0xFF] {
            let mut changed = bytes.clone();
            changed[at] ^= by;
            refusals += u32::from(Pickle::parse(&changed).is_err());
        }
    }
    assert!(refusals > 500, "{refusals}");
}

#[test]
fn malformed_pickles() {
    let parse = |bytes: &[u8]| Pickle::parse(bytes).unwrap_err();
    let malformed = |bytes: &[u8]| match parse(bytes) {
        PickleError::Malformed { problem, .. } => problem,
        other => panic!("{other}"),
    };
    assert_eq!(parse(b""), PickleError::Truncated { at: 0 });
    assert_eq!(
        parse(b"\x80\x02i"),
        PickleError::Opcode {
            at: 2,
            opcode: b'i'
        }
    );
    // Text that claims more bytes than there are, up to all that can be claimed.
    assert_eq!(
        parse(b"X\xff\xff\xff\xffabc"),
        PickleError::Truncated { at: 5 }
    );
    assert_eq!(
        parse(b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc"),
        PickleError::Truncated { at: 9 }
    );
    assert_eq!(parse(b"cbuiltins"), PickleError::Truncated { at: 9 });
    let refused = PickleError::Global {
        at: 0,
        name: "builtins.eval".into(),
    };
    assert_eq!(parse(b"cbuiltins\neval\n."), refused);
    let by_stack = PickleError::Global {
        at: 12,
        name: "os.system".into(),
    };
    assert_eq!(parse(b"\x8c\x02os\x8c\x06system\x93."), by_stack);
    assert!(malformed(b".").contains("nothing left"));
    assert!(malformed(b"K\x01(0").contains("nothing left"));
    assert!(malformed(b"t").contains("did not begin"));
    assert!(malformed(b"h\x05").contains("no value 5"));
    assert!(malformed(b"q\x05").contains("nothing to remember"));
    assert!(malformed(b"}(K\x01u").contains("a key without a value"));
    assert!(malformed(b"]K\x01K\x02s").contains("no such container"));
    assert!(malformed(b"K\x01)R").contains("no function"));
    assert!(malformed(b"ccollections\nOrderedDict\nK\x01R").contains("tuple of arguments"));
    assert!(malformed(b"ccollections\nOrderedDict\nK\x01\x85R").contains("other than pairs"));
    assert!(malformed(b"ctorch._utils\n_rebuild_tensor_v2\n)R").contains("without storage"));
    assert!(malformed(b"ctorch\nFloatStorage\n)R").contains("storage type"));
    assert!(malformed(b")}b").contains("no dictionary"));
    assert!(malformed(b")Q").contains("not to a storage"));
    assert!(malformed(b"X\x01\x00\x00\x00\xff.").contains("UTF-8"));
}

#[test]
fn nesting_of_any_depth_costs_no_stack() {
    let mut bytes = vec![b')'];
    bytes.extend(vec![0x85; 300_000]);
    bytes.push(b'.');
    let pickle = Pickle::parse(&bytes).unwrap();
    assert_eq!(pickle.kind(pickle.root()), "a tuple");
}

#[test]
fn the_file_written_is_whole_and_alone() {
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("out.safetensors");
    fs::write(&output, "something older").unwrap();
    let args = |input: &str, output: &Path| ConvertArgs {
        input: fixture(input),
        output: output.into(),
        entry: None,
    };
    run(args("training.pth", &output)).unwrap();
    let bytes = fs::read(&output).unwrap();
    let written = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(written.len(), 4);
    let weight = written.tensor("module.1.weight").unwrap();
    assert_eq!(
        (weight.shape(), weight.dtype()),
        ([2, 3].as_slice(), Dtype::F32)
    );
    let values: Vec<u8> = ramp(6).iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(weight.data(), values);

    assert!(run(args("command.pth", &output)).is_err());
    assert_eq!(fs::read(&output).unwrap(), bytes, "left as it was");
    let error = run(args("training.pth", &dir.path().join("no/folder"))).unwrap_err();
    assert!(error.to_string().contains("no/folder"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}
