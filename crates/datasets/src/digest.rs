//! The digest of a set: two sets with the same digest hold the same images with the same labels.

use crate::ImageSet;
use sha2::{Digest, Sha256};

impl ImageSet {
    /// SHA-256, in 64 hexadecimal digits, of the number of images, their shape, the number of classes, the scale, all pixels and
    /// all labels. Names and source do not count.
    ///
    /// ```
    /// let digits = srr_datasets::optdigits()?;
    /// assert_eq!(digits.test.digest().len(), 64);
    /// assert_ne!(digits.test.digest(), digits.train.digest());
    /// # Ok::<(), srr_datasets::Error>(())
    /// ```
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"srr image set 1\n");
        let shape = self.shape();
        for size in [
            self.len(),
            shape.channels,
            shape.height,
            shape.width,
            self.classes(),
            usize::from(self.scale()),
        ] {
            hash.update((size as u64).to_le_bytes());
        }
        hash.update(self.images());
        for label in self.labels() {
            hash.update(label.to_le_bytes());
        }
        hexadecimal(hash)
    }
}

/// The finished hash in hexadecimal digits.
pub(crate) fn hexadecimal(hash: Sha256) -> String {
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{ImageSet, ImageSetParts, ImageShape, optdigits};

    #[test]
    fn the_embedded_digits_never_change() {
        let digits = optdigits().unwrap();
        assert_eq!(
            digits.train.digest(),
            "42111d38d7756fd5e37558ff38f0b21a99fd88b65c3e243f00d8dfbb885d4370"
        );
        assert_eq!(
            digits.test.digest(),
            "2f8a01c0f19543c17c2b508eb278595fa475bf20197008b46b4cde26d1a6715f"
        );
    }

    #[test]
    fn anything_but_names_changes_the_digest() {
        let parts = || ImageSetParts {
            images: vec![1, 2, 3, 4],
            labels: vec![0, 1],
            shape: ImageShape::new(1, 1, 2),
            class_names: vec!["a".into(), "b".into()],
            scale: 16,
            name: "n".into(),
            source: "s".into(),
        };
        let digest = |change: fn(&mut ImageSetParts)| {
            let mut parts = parts();
            change(&mut parts);
            ImageSet::new(parts).unwrap().digest()
        };
        let original = digest(|_| ());
        assert_eq!(original, digest(|p| p.name.push('x')));
        let changes: [fn(&mut ImageSetParts); 5] = [
            |p| p.images[3] = 5,
            |p| p.labels[0] = 1,
            |p| p.shape = ImageShape::new(1, 2, 1),
            |p| p.class_names.push("c".into()),
            |p| p.scale = 17,
        ];
        for change in changes {
            assert_ne!(original, digest(change));
        }
    }
}
