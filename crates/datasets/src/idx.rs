//! IDX files, the format of MNIST and of the many sets made in its image.

use crate::{Dataset, Error, ImageSet, ImageSetParts, ImageShape, Result, input::Input};
use std::path::{Path, PathBuf};

const IMAGES: u32 = 0x0000_0803; // unsigned bytes, three dimensions
const LABELS: u32 = 0x0000_0801; // unsigned bytes, one dimension
const MNIST: &str = "MNIST, Y. LeCun, C. Cortes and C. J. C. Burges (1998), licensed CC BY-SA 3.0";
const FASHION: &str = "Fashion-MNIST, H. Xiao, K. Rasul and R. Vollgraf (2017), licensed MIT";

/// Reads MNIST from `{train,t10k}-{images-idx3,labels-idx1}-ubyte` in `dir`: gray digits of 28×28.
///
/// # Errors
/// As [`idx`].
pub fn mnist(dir: &Path) -> Result<Dataset> {
    let digits: [String; 10] = std::array::from_fn(|c| c.to_string());
    idx(dir, "mnist", &digits.each_ref().map(String::as_str), MNIST)
}

/// Reads Fashion-MNIST from `{train,t10k}-{images-idx3,labels-idx1}-ubyte` in `dir`: gray pictures of clothes, 28×28.
///
/// # Errors
/// As [`idx`].
pub fn fashion_mnist(dir: &Path) -> Result<Dataset> {
    const CLASSES: [&str; 10] = [
        "T-shirt/top",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ];
    idx(dir, "fashion-mnist", &CLASSES, FASHION)
}

/// Reads any set of gray images laid out like MNIST, its four files plain or gzip-compressed (`.gz`).
///
/// `class_names` says how many classes there are; `source` is kept as a note.
///
/// # Errors
/// [`Error::Missing`], [`Error::Read`] and [`Error::Gzip`] for files that are not there, cannot be read or are damaged;
/// [`Error::Magic`], [`Error::Header`], [`Error::Size`], [`Error::Label`] and [`Error::Counts`] for files that hold something else
/// than they should. No more memory is taken than a file really holds, whatever its header promises.
pub fn idx(dir: &Path, name: &str, class_names: &[&str], source: &str) -> Result<Dataset> {
    let part = |prefix: &str, part: &str| {
        let images_path = find(dir, name, &format!("{prefix}-images-idx3-ubyte"))?;
        let labels_path = find(dir, name, &format!("{prefix}-labels-idx1-ubyte"))?;
        let (shape, images) = read_images(&images_path)?;
        let labels = read_labels(&labels_path, class_names.len() as u32)?;
        if images.len() != labels.len() * shape.len() {
            return Err(Error::Counts {
                images: images.len() / shape.len(),
                labels: labels.len(),
                images_path,
                labels_path,
            });
        }
        let set = ImageSet::new(ImageSetParts {
            images,
            labels,
            shape,
            class_names: class_names.iter().map(ToString::to_string).collect(),
            scale: 255,
            name: format!("{name}/{part}"),
            source: source.into(),
        })?;
        Ok((set, images_path))
    };
    let (train, _) = part("train", "train")?;
    let (test, test_path) = part("t10k", "test")?;
    if train.shape() != test.shape() {
        return Err(Error::Header {
            path: test_path,
            field: "size of the images",
            expected: format!("{}, as in the training set", train.shape()),
            found: test.shape().to_string(),
        });
    }
    Ok(Dataset { train, test })
}

/// The file, under its official name or the one with a dot, plain or compressed.
fn find(dir: &Path, set: &str, name: &str) -> Result<PathBuf> {
    let dotted = name.replace("-idx", ".idx");
    let candidates = [
        name.into(),
        format!("{name}.gz"),
        format!("{dotted}.gz"),
        dotted,
    ];
    let found = candidates
        .iter()
        .map(|c| dir.join(c))
        .find(|path| path.exists());
    found.ok_or_else(|| crate::catalog::missing(set, dir.join(name)))
}

/// The next four bytes, a number with its highest byte first.
fn read_u32(input: &mut Input, expected: &str) -> Result<u32> {
    let bytes = input.take(4, expected)?;
    Ok(bytes.iter().fold(0, |n, &b| n << 8 | u32::from(b)))
}

fn read_magic(input: &mut Input, expected: u32, kind: &'static str) -> Result<()> {
    let found = read_u32(input, "a header")?;
    if found == expected {
        return Ok(());
    }
    Err(Error::Magic {
        path: input.path().into(),
        kind,
        expected,
        found,
    })
}

/// A dimension from the header; not zero.
fn read_size(input: &mut Input, field: &'static str) -> Result<u64> {
    match read_u32(input, "a header")? {
        0 => Err(Error::Header {
            path: input.path().into(),
            field,
            expected: "positive".into(),
            found: "0".into(),
        }),
        size => Ok(size.into()),
    }
}

fn read_images(path: &Path) -> Result<(ImageShape, Vec<u8>)> {
    let mut input = Input::open(path)?;
    read_magic(&mut input, IMAGES, "images")?;
    let n = read_size(&mut input, "number of images")?;
    let height = read_size(&mut input, "height of an image")?;
    let width = read_size(&mut input, "width of an image")?;
    // Three numbers of 32 bits: the product may take up 96.
    let bytes = u128::from(n) * u128::from(height) * u128::from(width);
    let expected = format!("{} bytes ({n} images of {height}×{width})", bytes + 16);
    let images = input.take(u64::try_from(bytes).unwrap_or(u64::MAX), &expected)?;
    input.end(&expected)?;
    Ok((ImageShape::new(1, height as usize, width as usize), images))
}

fn read_labels(path: &Path, classes: u32) -> Result<Vec<u32>> {
    let mut input = Input::open(path)?;
    read_magic(&mut input, LABELS, "labels")?;
    let n = read_size(&mut input, "number of labels")?;
    let expected = format!("{} bytes ({n} labels)", n + 8);
    let labels = input.take(n, &expected)?;
    input.end(&expected)?;
    if let Some(index) = labels.iter().position(|&l| u32::from(l) >= classes) {
        return Err(Error::Label {
            path: path.into(),
            index,
            classes,
            found: labels[index].into(),
        });
    }
    Ok(labels.into_iter().map(u32::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::{fs, io::Write};

    fn images(n: u32, height: u32, width: u32) -> Vec<u8> {
        let mut bytes: Vec<u8> = [IMAGES, n, height, width]
            .iter()
            .flat_map(|v| v.to_be_bytes())
            .collect();
        bytes.extend((0..n * height * width).map(|v| v as u8));
        bytes
    }

    fn labels(values: &[u8]) -> Vec<u8> {
        let mut bytes: Vec<u8> = [LABELS, values.len() as u32]
            .iter()
            .flat_map(|v| v.to_be_bytes())
            .collect();
        bytes.extend(values);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Three training and two test images of 2×5.
    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in [
            ("train-images-idx3-ubyte", images(3, 2, 5)),
            ("train-labels-idx1-ubyte", labels(&[3, 9, 0])),
            ("t10k-images-idx3-ubyte", images(2, 2, 5)),
            ("t10k-labels-idx1-ubyte", labels(&[1, 2])),
        ] {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        dir
    }

    /// Replaces one training file of a good folder, plain and compressed, and reads it.
    fn refused(name: &str, bytes: &[u8]) -> [Error; 2] {
        let plain = folder();
        fs::write(plain.path().join(name), bytes).unwrap();
        let compressed = folder();
        fs::remove_file(compressed.path().join(name)).unwrap();
        fs::write(compressed.path().join(format!("{name}.gz")), gzip(bytes)).unwrap();
        [plain, compressed].map(|dir| mnist(dir.path()).unwrap_err())
    }

    const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
    const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";

    #[test]
    fn plain_compressed_and_dotted_files_are_the_same() {
        let dir = folder();
        let plain = mnist(dir.path()).unwrap();
        assert_eq!(plain.train.labels(), [3, 9, 0]);
        assert_eq!(plain.train.shape(), ImageShape::new(1, 2, 5));
        assert_eq!(
            plain.train.image(1).unwrap(),
            [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]
        );
        for name in [TRAIN_IMAGES, TRAIN_LABELS] {
            let bytes = fs::read(dir.path().join(name)).unwrap();
            fs::remove_file(dir.path().join(name)).unwrap();
            let dotted = name.replace("-idx", ".idx");
            fs::write(dir.path().join(format!("{dotted}.gz")), gzip(&bytes)).unwrap();
        }
        let compressed = fashion_mnist(dir.path()).unwrap();
        assert_eq!(compressed.train.digest(), plain.train.digest());
        assert_eq!(compressed.train.class_names()[9], "ankle boot");
    }

    #[test]
    fn truncated_and_over_long_files() {
        let good = images(3, 2, 5);
        for error in refused(TRAIN_IMAGES, &good[..45]) {
            assert!(
                matches!(
                    error,
                    Error::Size {
                        found: 45,
                        more: false,
                        ..
                    }
                ),
                "{error}"
            );
            assert!(
                error
                    .to_string()
                    .contains("expected 46 bytes (3 images of 2×5)"),
                "{error}"
            );
        }
        let mut long = good.clone();
        long.extend([0, 0]);
        let [plain, compressed] = refused(TRAIN_IMAGES, &long);
        assert!(
            matches!(
                plain,
                Error::Size {
                    found: 48,
                    more: false,
                    ..
                }
            ),
            "{plain}"
        );
        assert!(
            matches!(
                compressed,
                Error::Size {
                    found: 47,
                    more: true,
                    ..
                }
            ),
            "{compressed}"
        );
        for error in refused(TRAIN_IMAGES, &good[..11]) {
            assert!(matches!(error, Error::Size { found: 11, .. }), "{error}");
        }
        for error in refused(TRAIN_LABELS, &labels(&[1, 2, 3])[..10]) {
            assert!(matches!(error, Error::Size { found: 10, .. }), "{error}");
        }
        for error in refused(TRAIN_LABELS, &[]) {
            assert!(matches!(error, Error::Size { found: 0, .. }), "{error}");
        }
    }

    #[test]
    fn a_header_cannot_take_memory_that_the_file_does_not_have() {
        for size in [[u32::MAX; 3], [1 << 20, 1 << 20, 1 << 20], [1 << 30, 1, 1]] {
            let mut bytes = images(3, 2, 5);
            for (i, s) in size.iter().enumerate() {
                bytes[4 + 4 * i..8 + 4 * i].copy_from_slice(&s.to_be_bytes());
            }
            for error in refused(TRAIN_IMAGES, &bytes) {
                assert!(matches!(error, Error::Size { found: 46, .. }), "{error}");
            }
        }
        for error in refused(TRAIN_LABELS, &[0, 0, 8, 1, 255, 255, 255, 255, 1]) {
            assert!(matches!(error, Error::Size { found: 9, .. }), "{error}");
        }
    }

    #[test]
    fn wrong_magic_and_impossible_sizes() {
        for error in refused(TRAIN_IMAGES, &labels(&[1, 2, 3])) {
            assert!(
                matches!(
                    error,
                    Error::Magic {
                        expected: IMAGES,
                        found: LABELS,
                        ..
                    }
                ),
                "{error}"
            );
            assert!(
                error
                    .to_string()
                    .contains("0x00000803 (images), found 0x00000801"),
                "{error}"
            );
        }
        for error in refused(TRAIN_LABELS, &images(3, 2, 5)) {
            assert!(
                matches!(
                    error,
                    Error::Magic {
                        expected: LABELS,
                        found: IMAGES,
                        ..
                    }
                ),
                "{error}"
            );
        }
        for error in refused(TRAIN_IMAGES, &images(3, 0, 5)) {
            assert!(
                matches!(
                    error,
                    Error::Header {
                        field: "height of an image",
                        ..
                    }
                ),
                "{error}"
            );
        }
        for error in refused(TRAIN_LABELS, &labels(&[])) {
            assert!(
                matches!(
                    error,
                    Error::Header {
                        field: "number of labels",
                        ..
                    }
                ),
                "{error}"
            );
        }
        for error in refused("t10k-images-idx3-ubyte", &images(2, 2, 4)) {
            assert!(
                matches!(
                    error,
                    Error::Header {
                        field: "size of the images",
                        ..
                    }
                ),
                "{error}"
            );
        }
    }

    #[test]
    fn labels_out_of_range_or_of_another_number() {
        for error in refused(TRAIN_LABELS, &labels(&[1, 10, 3])) {
            assert!(
                matches!(
                    error,
                    Error::Label {
                        index: 1,
                        classes: 10,
                        found: 10,
                        ..
                    }
                ),
                "{error}"
            );
        }
        for error in refused(TRAIN_LABELS, &labels(&[1, 2])) {
            assert!(
                matches!(
                    error,
                    Error::Counts {
                        images: 3,
                        labels: 2,
                        ..
                    }
                ),
                "{error}"
            );
        }
    }

    #[test]
    fn garbage_in_place_of_gzip() {
        let good = gzip(&images(3, 2, 5));
        let mut flipped = good.clone();
        let middle = good.len() - 5; // in the checksum at the end
        flipped[middle] ^= 1;
        for bytes in [
            b"not a gzip stream at all".as_slice(),
            &good[..good.len() - 9],
            &flipped,
            &[],
        ] {
            let dir = folder();
            fs::remove_file(dir.path().join(TRAIN_IMAGES)).unwrap();
            fs::write(dir.path().join("train-images-idx3-ubyte.gz"), bytes).unwrap();
            let error = mnist(dir.path()).unwrap_err();
            let empty = bytes.is_empty() && matches!(error, Error::Size { found: 0, .. });
            assert!(empty || matches!(error, Error::Gzip { .. }), "{error}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let dir = folder();
        let path = dir.path().join(TRAIN_LABELS);
        fs::remove_file(&path).unwrap();
        let error = mnist(dir.path()).unwrap_err();
        assert!(matches!(&error, Error::Missing { path: p, .. } if *p == path));
        let own = idx(dir.path(), "my-set", &["a"], "mine").unwrap_err();
        assert!(own.to_string().ends_with("put it there"), "{own}");
    }
}
