//! The quantities that the cost grows with.

use crate::bench::size::{PATCH, Size};

/// What is varied while the rest of a size stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    /// N, through the side of the images.
    Tokens,
    /// d
    Dim,
    /// L
    Depth,
    /// K
    Heads,
    /// Images a step.
    Batch,
}

impl Quantity {
    pub(super) const ALL: [Self; 5] = [
        Self::Tokens,
        Self::Dim,
        Self::Depth,
        Self::Heads,
        Self::Batch,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tokens => "N",
            Self::Dim => "d",
            Self::Depth => "L",
            Self::Heads => "K",
            Self::Batch => "batch",
        }
    }

    /// Name for an axis.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Tokens => "tokens per image N",
            Self::Dim => "dimension d",
            Self::Depth => "layers L",
            Self::Heads => "heads K",
            Self::Batch => "images per batch",
        }
    }

    /// Whether the operations have a term of degree two.
    pub(super) fn is_quadratic(self) -> bool {
        matches!(self, Self::Tokens | Self::Dim)
    }

    pub(super) fn value(self, size: &Size) -> usize {
        match self {
            Self::Tokens => size.tokens(),
            _ => *self.field(&mut size.clone()),
        }
    }

    fn field(self, size: &mut Size) -> &mut usize {
        match self {
            Self::Tokens => &mut size.image,
            Self::Dim => &mut size.dim,
            Self::Depth => &mut size.depth,
            Self::Heads => &mut size.heads,
            Self::Batch => &mut size.batch,
        }
    }

    /// What the field becomes, in eighths of what it is in the base.
    fn eighths(self) -> &'static [usize] {
        match self {
            Self::Tokens => &[2, 4, 6, 8, 12, 16],
            Self::Dim | Self::Depth | Self::Heads => &[2, 4, 8, 16, 32],
            Self::Batch => &[1, 2, 4, 8, 16, 32],
        }
    }

    /// What the field of a base must be a multiple of, so that all of its [`eighths`](Self::eighths) are sizes.
    fn divisor(self) -> usize {
        match self {
            Self::Tokens => 4 * PATCH,
            Self::Dim | Self::Depth | Self::Heads => 4,
            Self::Batch => 8,
        }
    }

    /// The sizes around a base, which is one of them.
    pub(super) fn sizes(self, base: &Size) -> Result<Vec<Size>, String> {
        let mut base = *base;
        let (was, divisor) = (*self.field(&mut base), self.divisor());
        if !was.is_multiple_of(divisor) {
            let name = match self {
                Self::Tokens => "the side of the images",
                _ => self.name(),
            };
            return Err(format!(
                "size {}: {name} is {was}, expected a multiple of {divisor} to vary it",
                base.name
            ));
        }
        let size = |eighths: &usize| {
            let mut size = base;
            *self.field(&mut size) = was * eighths / 8;
            size
        };
        Ok(self.eighths().iter().map(size).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::size::BASE;

    #[test]
    fn the_values_around_the_base_are_those_of_the_documentation() {
        let values = |quantity: Quantity| -> Vec<usize> {
            let sizes = quantity.sizes(&BASE).unwrap();
            assert_eq!(sizes.iter().filter(|size| **size == BASE).count(), 1);
            sizes.iter().map(|size| quantity.value(size)).collect()
        };
        assert_eq!(values(Quantity::Tokens), [5, 17, 37, 65, 145, 257]);
        assert_eq!(values(Quantity::Dim), [48, 96, 192, 384, 768]);
        assert_eq!(values(Quantity::Depth), [1, 2, 4, 8, 16]);
        assert_eq!(values(Quantity::Heads), [1, 2, 4, 8, 16]);
        assert_eq!(values(Quantity::Batch), [4, 8, 16, 32, 64, 128]);
    }

    #[test]
    fn every_size_is_a_model() {
        for base in ["base", "tiny", "B"] {
            let base: Size = base.parse().unwrap();
            for size in Quantity::ALL.iter().flat_map(|q| q.sizes(&base).unwrap()) {
                assert_eq!(size.dim % size.heads, 0, "{size}");
                assert_eq!(size.image % PATCH, 0, "{size}");
            }
        }
    }

    #[test]
    fn what_cannot_be_divided_is_no_base() {
        let size: Size = "A".parse().unwrap();
        let error = Quantity::Heads.sizes(&size).unwrap_err();
        assert_eq!(error, "size A: K is 6, expected a multiple of 4 to vary it");
    }
}
