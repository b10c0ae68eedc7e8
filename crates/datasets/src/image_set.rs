//! Images with labels, in memory.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Channels, height and width of every image of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageShape {
    /// Color channels: 1 (gray) or 3 (red, green, blue), or any other positive number.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

impl ImageShape {
    /// A shape from its three sizes.
    pub const fn new(channels: usize, height: usize, width: usize) -> Self {
        Self {
            channels,
            height,
            width,
        }
    }

    /// Values in one image, C·H·W.
    pub const fn len(self) -> usize {
        self.channels * self.height * self.width
    }

    /// True when a size is zero.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Pixels in one channel, H·W.
    pub const fn pixels(self) -> usize {
        self.height * self.width
    }

    /// The three sizes in the order of memory.
    pub const fn to_array(self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// The sizes are positive and their product fits.
    pub(crate) fn checked_len(self) -> Result<usize> {
        self.channels
            .checked_mul(self.height)
            .and_then(|n| n.checked_mul(self.width))
            .filter(|&n| n > 0)
            .ok_or_else(|| Error::invalid("image shape", "positive and of a size that fits", self))
    }
}

impl std::fmt::Display for ImageShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}×{}×{}", self.channels, self.height, self.width)
    }
}

/// What an [`ImageSet`] is made of; [`ImageSet::new`] checks it.
#[derive(Clone, Debug)]
pub struct ImageSetParts {
    /// Pixel values [n, C, H, W], one byte each, 0 to `scale`.
    pub images: Vec<u8>,
    /// The class of each image `[n]`, 0 to `classes - 1`.
    pub labels: Vec<u32>,
    /// Shape of one image.
    pub shape: ImageShape,
    /// One name per class; their number is the number of classes.
    pub class_names: Vec<String>,
    /// The largest value a pixel can take (255, or 16 for optdigits). Pixels are divided by it.
    pub scale: u8,
    /// Short name, as in `optdigits/train`.
    pub name: String,
    /// Where the data come from, under which licence.
    pub source: String,
}

/// Images with labels, in memory, checked.
///
/// Pixels stay bytes, as in the files; a [`Loader`](crate::Loader) turns them into floating-point numbers, batch by batch.
#[derive(Clone, Debug)]
pub struct ImageSet {
    parts: ImageSetParts,
}

impl ImageSet {
    /// Checks the parts against each other.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there are no classes, the shape has a zero, the number of bytes is not n·C·H·W, a label is not a
    /// class, or a pixel exceeds the scale.
    pub fn new(parts: ImageSetParts) -> Result<Self> {
        let per_image = parts.shape.checked_len()?;
        let n = parts.labels.len();
        if n.checked_mul(per_image) != Some(parts.images.len()) {
            return Err(Error::invalid(
                "length of images",
                format!("{n} labels times {} = {per_image} bytes", parts.shape),
                parts.images.len(),
            ));
        }
        let classes = parts.class_names.len();
        if classes == 0 || u32::try_from(classes).is_err() {
            return Err(Error::invalid("number of classes", "at least 1", classes));
        }
        if parts.scale == 0 {
            return Err(Error::invalid("scale", "positive", 0));
        }
        if let Some(label) = parts.labels.iter().find(|&&l| l as usize >= classes) {
            return Err(Error::invalid("label", format!("below {classes}"), label));
        }
        if let Some(pixel) = parts.images.iter().find(|&&p| p > parts.scale) {
            return Err(Error::invalid(
                "pixel",
                format!("at most {}", parts.scale),
                pixel,
            ));
        }
        Ok(Self { parts })
    }

    /// Number of images, n.
    pub fn len(&self) -> usize {
        self.parts.labels.len()
    }

    /// True when there are no images.
    pub fn is_empty(&self) -> bool {
        self.parts.labels.is_empty()
    }

    /// All pixels [n, C, H, W], 0 to [`scale`](Self::scale).
    pub fn images(&self) -> &[u8] {
        &self.parts.images
    }

    /// Pixels [C, H, W] of image `i`, or `None` past the end.
    pub fn image(&self, i: usize) -> Option<&[u8]> {
        let per_image = self.parts.shape.len();
        let start = i.checked_mul(per_image)?;
        self.parts.images.get(start..start.checked_add(per_image)?)
    }

    /// The class of each image `[n]`.
    pub fn labels(&self) -> &[u32] {
        &self.parts.labels
    }

    /// Shape of one image.
    pub fn shape(&self) -> ImageShape {
        self.parts.shape
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.parts.class_names.len()
    }

    /// One name per class.
    pub fn class_names(&self) -> &[String] {
        &self.parts.class_names
    }

    /// The largest value a pixel can take.
    pub fn scale(&self) -> u8 {
        self.parts.scale
    }

    /// Short name, as in `optdigits/train`.
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// Where the data come from, under which licence.
    pub fn source(&self) -> &str {
        &self.parts.source
    }

    /// Number of images of each class `[classes]`.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes()];
        for &label in self.labels() {
            counts[label as usize] += 1;
        }
        counts
    }

    /// The images with these indices, in this order; an index may come twice.
    ///
    /// # Errors
    /// [`Error::Invalid`] when an index is not below the number of images.
    pub fn subset(&self, indices: &[usize]) -> Result<Self> {
        let mut images = Vec::with_capacity(indices.len() * self.shape().len());
        let mut labels = Vec::with_capacity(indices.len());
        for &i in indices {
            let image = self
                .image(i)
                .ok_or_else(|| Error::invalid("index", format!("below {}", self.len()), i))?;
            images.extend_from_slice(image);
            labels.push(self.labels()[i]);
        }
        let parts = &self.parts;
        Ok(Self {
            parts: ImageSetParts {
                images,
                labels,
                shape: parts.shape,
                class_names: parts.class_names.clone(),
                scale: parts.scale,
                name: parts.name.clone(),
                source: parts.source.clone(),
            },
        })
    }
}

/// A training set and a test set of the same kind of images.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What models are fitted to.
    pub train: ImageSet,
    /// What they are judged on.
    pub test: ImageSet,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> ImageSetParts {
        ImageSetParts {
            images: vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
            labels: vec![0, 2, 1],
            shape: ImageShape::new(1, 2, 2),
            class_names: ["a", "b", "c"].map(String::from).to_vec(),
            scale: 16,
            name: "toy".into(),
            source: "made up".into(),
        }
    }

    fn refused(change: impl FnOnce(&mut ImageSetParts)) -> String {
        let mut parts = parts();
        change(&mut parts);
        ImageSet::new(parts).unwrap_err().to_string()
    }

    #[test]
    fn subsets_keep_images_with_their_labels() {
        let set = ImageSet::new(parts()).unwrap();
        let part = set.subset(&[2, 0, 2]).unwrap();
        assert_eq!(part.images(), [8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
        assert_eq!(part.labels(), [1, 0, 1]);
        assert_eq!(part.class_counts(), [1, 2, 0]);
        assert!(set.subset(&[3]).is_err());
        assert_eq!(set.image(3), None);
        assert_eq!(set.image(usize::MAX), None);
    }

    #[test]
    fn parts_are_checked_against_each_other() {
        assert!(refused(|p| p.images.truncate(11)).contains("found 11"));
        assert!(refused(|p| p.labels[1] = 3).contains("below 3, found 3"));
        assert!(refused(|p| p.images[5] = 17).contains("at most 16, found 17"));
        assert!(refused(|p| p.class_names.clear()).contains("number of classes"));
        assert!(refused(|p| p.shape.width = 0).contains("image shape"));
        assert!(refused(|p| p.shape.width = usize::MAX).contains("image shape"));
        assert!(refused(|p| p.scale = 0).contains("scale"));
    }
}
