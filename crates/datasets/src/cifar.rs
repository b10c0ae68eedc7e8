//! CIFAR-10 and CIFAR-100 in their binary layout.

use crate::{Dataset, Error, ImageSet, ImageSetParts, ImageShape, Result, input::Input};
use std::path::Path;

const SHAPE: ImageShape = ImageShape::new(3, 32, 32);
const SOURCE: &str =
    "A. Krizhevsky, \"Learning Multiple Layers of Features from Tiny Images\" (2009)";

/// Where a set lies and how its records begin.
struct Layout {
    name: &'static str,
    class_names: &'static [&'static str],
    /// How many values the label bytes of a record may take; the last is the class of the image.
    labels: &'static [u32],
    train: &'static [&'static str],
    test: &'static [&'static str],
    train_records: usize,
    test_records: usize,
}

const CIFAR10: Layout = Layout {
    name: "cifar10",
    class_names: &CIFAR10_CLASSES,
    labels: &[10],
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: &["test_batch.bin"],
    train_records: 10_000,
    test_records: 10_000,
};

const CIFAR100: Layout = Layout {
    name: "cifar100",
    class_names: &CIFAR100_CLASSES,
    labels: &[20, 100],
    train: &["train.bin"],
    test: &["test.bin"],
    train_records: 50_000,
    test_records: 10_000,
};

/// Reads CIFAR-10 from `data_batch_{1..5}.bin` and `test_batch.bin` in `dir`: 50,000 and 10,000 color images of 32×32, ten classes.
///
/// # Errors
/// [`Error::Missing`] and [`Error::Read`] for files that are not there or cannot be read; [`Error::Size`] for a file that does not
/// hold exactly 10,000 records of 3,073 bytes; [`Error::Label`] for a label above 9.
pub fn cifar10(dir: &Path) -> Result<Dataset> {
    read(dir, &CIFAR10)
}

/// Reads CIFAR-100 from `train.bin` and `test.bin` in `dir`: 50,000 and 10,000 color images of 32×32. The classes are the hundred
/// fine ones; the twenty coarse labels are checked and left out.
///
/// # Errors
/// As [`cifar10`], with records of 3,074 bytes and fine labels up to 99.
pub fn cifar100(dir: &Path) -> Result<Dataset> {
    read(dir, &CIFAR100)
}

fn read(dir: &Path, layout: &Layout) -> Result<Dataset> {
    let part = |files: &[&str], records, part: &str| {
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        for file in files {
            let path = dir.join(file);
            if !path.exists() {
                return Err(crate::catalog::missing(layout.name, path));
            }
            read_records(&path, layout.labels, records, &mut images, &mut labels)?;
        }
        ImageSet::new(ImageSetParts {
            images,
            labels,
            shape: SHAPE,
            class_names: layout.class_names.iter().map(ToString::to_string).collect(),
            scale: 255,
            name: format!("{}/{part}", layout.name),
            source: SOURCE.into(),
        })
    };
    Ok(Dataset {
        train: part(layout.train, layout.train_records, "train")?,
        test: part(layout.test, layout.test_records, "test")?,
    })
}

/// Appends the images and classes of one file.
fn read_records(
    path: &Path,
    label_ranges: &[u32],
    records: usize,
    images: &mut Vec<u8>,
    labels: &mut Vec<u32>,
) -> Result<()> {
    let record = label_ranges.len() + SHAPE.len();
    let bytes = records * record;
    let expected = format!("{bytes} bytes ({records} records of {record})");
    let mut input = Input::open(path)?;
    let bytes = input.take(bytes as u64, &expected)?;
    input.end(&expected)?;
    for (index, record) in bytes.chunks_exact(record).enumerate() {
        let (label_bytes, pixels) = record.split_at(label_ranges.len());
        let mut class = 0;
        for (&label, &classes) in label_bytes.iter().zip(label_ranges) {
            class = u32::from(label);
            if class >= classes {
                return Err(Error::Label {
                    path: path.into(),
                    index,
                    classes,
                    found: class,
                });
            }
        }
        labels.push(class);
        images.extend_from_slice(pixels);
    }
    Ok(())
}

const CIFAR10_CLASSES: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

#[rustfmt::skip]
const CIFAR100_CLASSES: [&str; 100] = [
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
    "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
    "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
    "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
    "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
    "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Three records a file instead of ten thousand.
    fn small(layout: &Layout) -> Layout {
        Layout {
            train_records: 3,
            test_records: 2,
            ..*layout
        }
    }

    /// Records whose pixels and labels tell where they are.
    fn records(n: usize, labels: &[u8]) -> Vec<u8> {
        let record = |i: usize| {
            let label = labels.iter().map(move |&l| l + i as u8);
            label.chain((0..SHAPE.len()).map(move |p| ((p + 7 * i) % 251) as u8))
        };
        (0..n).flat_map(record).collect()
    }

    fn folder(layout: &Layout, labels: &[u8]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in layout.train {
            fs::write(dir.path().join(file), records(3, labels)).unwrap();
        }
        for file in layout.test {
            fs::write(dir.path().join(file), records(2, labels)).unwrap();
        }
        dir
    }

    #[test]
    fn both_layouts_are_read() {
        let layout = small(&CIFAR10);
        let data = read(folder(&layout, &[7]).path(), &layout).unwrap();
        assert_eq!(data.train.labels(), [7, 8, 9].repeat(5));
        assert_eq!(data.test.labels(), [7, 8]);
        assert_eq!(data.train.image(4).unwrap()[..3], [7, 8, 9]);
        assert_eq!(data.train.class_names()[7], "horse");

        let layout = small(&CIFAR100);
        let data = read(folder(&layout, &[17, 97]).path(), &layout).unwrap();
        assert_eq!(data.train.labels(), [97, 98, 99]); // the fine labels
        assert_eq!(data.test.image(1).unwrap()[..3], [7, 8, 9]);
        assert_eq!(data.test.classes(), 100);
    }

    /// Changes the last file of a good folder and reads it.
    fn refused(layout: &Layout, labels: &[u8], change: impl Fn(&mut Vec<u8>)) -> Error {
        let layout = small(layout);
        let dir = folder(&layout, labels);
        let path = dir.path().join(layout.test[0]);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
        read(dir.path(), &layout).unwrap_err()
    }

    #[test]
    fn truncated_and_over_long_files() {
        for (layout, labels) in [(&CIFAR10, &[1_u8][..]), (&CIFAR100, &[1, 2])] {
            let size = 2 * (SHAPE.len() + labels.len()) as u64;
            let short = refused(layout, labels, |b| b.truncate(b.len() - 1));
            assert!(matches!(short, Error::Size { found, more: false, .. } if found == size - 1));
            let long = refused(layout, labels, |b| b.push(0));
            assert!(
                matches!(long, Error::Size { found, .. } if found == size + 1),
                "{long}"
            );
            let empty = refused(layout, labels, Vec::clear);
            assert!(matches!(empty, Error::Size { found: 0, .. }));
            let text = short.to_string();
            assert!(
                text.contains(layout.test[0]) && text.contains(&format!("expected {size} bytes")),
                "{text}"
            );
        }
    }

    #[test]
    fn labels_out_of_range() {
        let error = refused(&CIFAR10, &[1], |b| b[3073] = 10);
        assert!(matches!(
            error,
            Error::Label {
                index: 1,
                classes: 10,
                found: 10,
                ..
            }
        ));
        let coarse = refused(&CIFAR100, &[1, 1], |b| b[0] = 20);
        assert!(matches!(
            coarse,
            Error::Label {
                index: 0,
                classes: 20,
                found: 20,
                ..
            }
        ));
        let fine = refused(&CIFAR100, &[1, 1], |b| b[1] = 100);
        assert!(matches!(
            fine,
            Error::Label {
                index: 0,
                classes: 100,
                found: 100,
                ..
            }
        ));
    }

    #[test]
    fn a_missing_file_and_a_folder_in_its_place() {
        let layout = small(&CIFAR10);
        let dir = folder(&layout, &[1]);
        let path = dir.path().join("data_batch_3.bin");
        fs::remove_file(&path).unwrap();
        let error = read(dir.path(), &layout).unwrap_err();
        assert!(matches!(&error, Error::Missing { path: p, .. } if *p == path));
        assert!(
            error.to_string().contains("cargo xtask data fetch cifar10"),
            "{error}"
        );
        fs::create_dir(&path).unwrap();
        assert!(matches!(read(dir.path(), &layout), Err(Error::Read { .. })));
    }

    #[test]
    fn the_official_sizes_are_asked_for() {
        let dir = folder(&small(&CIFAR10), &[1]);
        let error = cifar10(dir.path()).unwrap_err();
        assert!(
            error.to_string().contains("expected 30730000 bytes"),
            "{error}"
        );
        let dir = folder(&small(&CIFAR100), &[1, 1]);
        let error = cifar100(dir.path()).unwrap_err();
        assert!(
            error.to_string().contains("expected 153700000 bytes"),
            "{error}"
        );
    }
}
