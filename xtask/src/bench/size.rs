//! The sizes at which models are timed, and the operations that they take.

use srr_layers::{ClassifierConfig, Variant};

/// A model and a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) name: &'static str,
    /// Side of the square images in pixels.
    pub(super) image: usize,
    pub(super) dim: usize,
    pub(super) depth: usize,
    pub(super) heads: usize,
    pub(super) batch: usize,
}

/// Side of a patch in pixels, channels, and classes.
pub(super) const PATCH: usize = 4;
const CHANNELS: usize = 3;
pub(super) const CLASSES: usize = 10;

/// The base of the cost curves: cheap enough to be varied.
pub(super) const BASE: Size = Size {
    name: "base",
    image: 32,
    dim: 192,
    depth: 4,
    heads: 4,
    batch: 32,
};
/// The three sizes of the benchmark.
pub(super) const BENCHMARK: [Size; 3] = [
    Size {
        name: "A",
        image: 32,
        dim: 384,
        depth: 12,
        heads: 6,
        batch: 64,
    },
    Size {
        name: "B",
        image: 32,
        dim: 96,
        depth: 4,
        heads: 4,
        batch: 128,
    },
    Size {
        name: "C",
        image: 32,
        dim: 192,
        depth: 6,
        heads: 6,
        batch: 128,
    },
];
/// A size for trying the commands.
const TINY: Size = Size {
    name: "tiny",
    image: 16,
    dim: 32,
    depth: 4,
    heads: 4,
    batch: 8,
};

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let mut all = BENCHMARK.into_iter().chain([BASE, TINY]);
        all.find(|size| size.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| format!("expected A, B, C, base or tiny, found {name}"))
    }
}

impl Size {
    pub(super) fn config(&self) -> ClassifierConfig {
        ClassifierConfig::new(
            Variant::Crate,
            [CHANNELS, self.image, self.image],
            PATCH,
            CLASSES,
            self.dim,
            self.depth,
            self.heads,
        )
    }

    /// N, the class token included.
    pub(super) fn tokens(&self) -> usize {
        (self.image / PATCH).pow(2) + 1
    }

    pub(super) fn head_dim(&self) -> usize {
        self.dim / self.heads
    }

    /// Floating-point operations of the matrix products that a forward pass needs: 4 d² multiply-adds a token and layer for the maps, 2 N d
    /// for the attention, and the embedding of the patches.
    pub(super) fn forward_operations(&self) -> f64 {
        let layer = 4 * self.dim.pow(2) + 2 * self.tokens() * self.dim;
        self.operations(layer, 1)
    }

    /// The same of a training step: 12 d² for the maps and 6 N d for the attention, nothing computed twice.
    pub(super) fn step_operations(&self) -> f64 {
        let layer = 12 * self.dim.pow(2) + 6 * self.tokens() * self.dim;
        // The patches themselves need no gradient.
        self.operations(layer, 2)
    }

    fn operations(&self, per_token_and_layer: usize, embeddings: usize) -> f64 {
        let embedding = embeddings * CHANNELS * PATCH.pow(2) * self.dim;
        let per_image =
            self.tokens() * per_token_and_layer * self.depth + (self.tokens() - 1) * embedding;
        2.0 * (self.batch * per_image) as f64
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: d {}, L {}, K {}, {} tokens, batch {}",
            self.name,
            self.dim,
            self.depth,
            self.heads,
            self.tokens(),
            self.batch
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_those_counted_by_hand() {
        let size: Size = "a".parse().unwrap();
        assert_eq!((size.tokens(), size.head_dim()), (65, 64));
        // 64 images of 65 tokens through 12 layers.
        let rows = 64.0 * 65.0;
        let maps = 2.0 * rows * 12.0 * 4.0 * 384.0 * 384.0;
        let attention = 2.0 * rows * 12.0 * 2.0 * 65.0 * 384.0;
        let patches = 2.0 * 64.0 * 64.0 * 48.0 * 384.0;
        assert_eq!(size.forward_operations(), maps + attention + patches);
        assert_eq!(
            size.step_operations(),
            3.0 * (maps + attention) + 2.0 * patches
        );
        assert!("D".parse::<Size>().is_err());
    }
}
