//! The embedded data set: handwritten digits of 8×8 pixels.

use crate::{Dataset, Error, ImageSet, ImageSetParts, ImageShape, Result, input::Input};
use std::path::Path;

const SOURCE: &str = "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak (1998), UCI Machine Learning Repository, \
                      doi:10.24432/C50P49, licensed CC BY 4.0";
const TRAIN: &[u8] = include_bytes!("../data/optdigits-train.csv.gz");
const TEST: &[u8] = include_bytes!("../data/optdigits-test.csv.gz");
const SHAPE: ImageShape = ImageShape::new(1, 8, 8);
const SCALE: u8 = 16;
const CLASSES: u32 = 10;

/// The digits, from inside the library: 3,823 training images and 1,797 test images by other writers, 8×8, gray, ten classes.
///
/// Each pixel counts the ink pixels (0 to 16) in a 4×4 block of a 32×32 bitmap. Source: UCI "Optical Recognition of Handwritten
/// Digits" by E. Alpaydin and C. Kaynak, CC BY 4.0.
///
/// # Errors
/// As any reader; none in practice, since the data are embedded and tested.
pub fn optdigits() -> Result<Dataset> {
    let read = |bytes: &'static [u8], part: &str| {
        let path = format!("optdigits-{part}.csv.gz");
        let mut input = Input::gzip(Path::new(&path), bytes, bytes.len() as u64);
        let bytes = input.rest(1 << 24, "a table of digits")?;
        parse(&bytes, Path::new(&path), &format!("optdigits/{part}"))
    };
    Ok(Dataset {
        train: read(TRAIN, "train")?,
        test: read(TEST, "test")?,
    })
}

/// One image a line: 64 pixels row by row, then the label, separated by commas.
fn parse(bytes: &[u8], path: &Path, name: &str) -> Result<ImageSet> {
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    let lines = bytes
        .strip_suffix(b"\n")
        .unwrap_or(bytes)
        .split(|&b| b == b'\n');
    for (index, line) in lines.enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let wrong = |found: String| Error::Line {
            path: path.into(),
            line: index + 1,
            expected: format!("{} pixels and a label", SHAPE.len()),
            found,
        };
        let text = str::from_utf8(line).map_err(|_| wrong("bytes that are not text".into()))?;
        let numbers = text
            .split(',')
            .map(|field| {
                field
                    .trim()
                    .parse()
                    .map_err(|_| wrong(format!("{field:?}")))
            })
            .collect::<Result<Vec<u32>>>()?;
        let Some((&label, pixels)) = numbers.split_last().filter(|(_, p)| p.len() == SHAPE.len())
        else {
            return Err(wrong(format!("{} numbers", numbers.len())));
        };
        push(&mut images, pixels, index, path)?;
        if label >= CLASSES {
            return Err(Error::Label {
                path: path.into(),
                index,
                classes: CLASSES,
                found: label,
            });
        }
        labels.push(label);
    }
    ImageSet::new(ImageSetParts {
        images,
        labels,
        shape: SHAPE,
        class_names: (0..CLASSES).map(|c| c.to_string()).collect(),
        scale: SCALE,
        name: name.into(),
        source: SOURCE.into(),
    })
}

fn push(images: &mut Vec<u8>, pixels: &[u32], index: usize, path: &Path) -> Result<()> {
    for (pixel, &found) in pixels.iter().enumerate() {
        match u8::try_from(found) {
            Ok(value) if value <= SCALE => images.push(value),
            _ => {
                return Err(Error::Pixel {
                    path: path.into(),
                    index,
                    pixel,
                    limit: SCALE.into(),
                    found,
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(pixel: &str, label: &str) -> String {
        let mut fields = vec!["0"; 64];
        fields[63] = pixel;
        format!("{},{label}\n", fields.join(","))
    }

    fn error(text: &str) -> Error {
        parse(text.as_bytes(), Path::new("digits.csv"), "x").unwrap_err()
    }

    #[test]
    fn the_embedded_digits_are_all_there() {
        let digits = optdigits().unwrap();
        // Class counts from the description that comes with the data.
        assert_eq!(
            digits.train.class_counts(),
            [376, 389, 380, 389, 387, 376, 377, 387, 380, 382]
        );
        assert_eq!(
            digits.test.class_counts(),
            [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
        );
        assert_eq!(digits.train.images()[..8], [0, 1, 6, 15, 12, 1, 0, 0]);
        assert_eq!(digits.train.images().iter().max(), Some(&16));
        assert_eq!(digits.train.source(), SOURCE);
    }

    #[test]
    fn lines_are_checked() {
        let good = line("16", "9");
        let set = parse(good.as_bytes(), Path::new("d"), "x").unwrap();
        assert_eq!((set.len(), set.images()[63], set.labels()[0]), (1, 16, 9));
        assert!(matches!(
            error(&format!("{good}{}", line("17", "1"))),
            Error::Pixel {
                index: 1,
                pixel: 63,
                limit: 16,
                found: 17,
                ..
            }
        ));
        assert!(matches!(
            error(&line("0", "10")),
            Error::Label {
                index: 0,
                classes: 10,
                found: 10,
                ..
            }
        ));
        assert!(matches!(
            error(&line("x", "1")),
            Error::Line { line: 1, .. }
        ));
        assert!(matches!(error("1,2,3\n"), Error::Line { line: 1, .. }));
        assert!(matches!(
            error(&format!("{good}\n{good}")),
            Error::Line { line: 2, .. }
        ));
        let shown = error("1,2,3\n").to_string();
        assert_eq!(
            shown,
            "digits.csv, line 1: expected 64 pixels and a label, found 3 numbers"
        );
    }

    #[test]
    fn a_damaged_stream_is_an_error() {
        let mut input = Input::gzip(Path::new("d.gz"), &TRAIN[..5000], 5000);
        assert!(matches!(
            input.rest(1 << 24, "a table"),
            Err(Error::Gzip { .. })
        ));
    }
}
