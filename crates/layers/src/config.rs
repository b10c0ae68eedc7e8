//! The configuration of a classifier and the sizes that follow from it.

use crate::{Error, ParameterCount, Result, Variant, network::Network};
use serde::{Deserialize, Serialize};

/// A classifier's configuration.
///
/// ```
/// use srr_layers::{ClassifierConfig, Variant};
/// let tiny = ClassifierConfig::new(Variant::Crate, [3, 224, 224], 16, 1000, 384, 12, 6);
/// assert_eq!(tiny.count()?.trainable, 6_090_856);
/// # Ok::<(), srr_layers::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierConfig {
    /// The kind of block.
    pub variant: Variant,
    /// Channels, height and width of an image.
    pub image: [usize; 3],
    /// Side of a square patch, in pixels; divides height and width.
    pub patch: usize,
    /// Number of classes.
    pub classes: usize,
    /// Token dimension d.
    pub dim: usize,
    /// Number of blocks L.
    pub depth: usize,
    /// Number of heads, that is of subspaces, K.
    pub heads: usize,
    /// Dimension of a head p; d / K when absent.
    #[serde(default)]
    pub head_dim: Option<usize>,
    /// Step size β of ISTA.
    #[serde(default = "tenth")]
    pub step_size: f64,
    /// Threshold λ of ISTA.
    #[serde(default = "tenth")]
    pub threshold: f64,
    /// Probability with which an element is dropped in training, in [0, 1).
    #[serde(default)]
    pub dropout: f64,
    /// What the head reads.
    #[serde(default)]
    pub pool: Pool,
    /// What the attention branch is added to.
    #[serde(default)]
    pub residual: Residual,
    /// The factor of the scores before the softmax.
    #[serde(default)]
    pub scale: Scale,
    /// Width of ViT's MLP in units of d.
    #[serde(default = "four")]
    pub mlp_ratio: usize,
}

fn tenth() -> f64 {
    0.1
}

fn four() -> usize {
    4
}

/// What the classification head reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// The class token of the last layer.
    #[default]
    ClassToken,
    /// The mean of all tokens of the last layer, the class token included.
    Mean,
}

/// What the attention branch of a block is added to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Residual {
    /// The block's input Z, as in the official code.
    #[default]
    Input,
    /// LN(Z), as in the pseudo-code of Yu et al. 2024 on segmentation.
    Normalized,
}

/// The factor of the scores before the softmax.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// p^(−1/2), as in the official code.
    #[default]
    InverseSqrtHeadDim,
    /// 1, as the papers print it.
    None,
}

/// The sizes of a classifier, which only a valid [`ClassifierConfig`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Rows and columns of the patch grid.
    pub grid: [usize; 2],
    /// Number of tokens with the class token, N.
    pub tokens: usize,
    /// Values in a patch, patch²·channels.
    pub patch_dim: usize,
    /// Dimension of a head, p.
    pub head_dim: usize,
    /// Width of all heads together, K·p.
    pub inner: usize,
}

impl ClassifierConfig {
    /// A configuration with the defaults: p = d / K, β = λ = 0.1, no dropout, the class token, the official residual and
    /// scale, MLP ratio 4.
    pub fn new(
        variant: Variant,
        image: [usize; 3],
        patch: usize,
        classes: usize,
        dim: usize,
        depth: usize,
        heads: usize,
    ) -> Self {
        Self {
            variant,
            image,
            patch,
            classes,
            dim,
            depth,
            heads,
            head_dim: None,
            step_size: tenth(),
            threshold: tenth(),
            dropout: 0.0,
            pool: Pool::default(),
            residual: Residual::default(),
            scale: Scale::default(),
            mlp_ratio: four(),
        }
    }

    /// Checks every field and works out the sizes.
    ///
    /// # Errors
    /// [`Error::Config`] with the field that has an impossible value; [`Error::NotSquare`] for CRATE-T and CRATE-Identity with
    /// K·p ≠ d.
    pub fn validate(&self) -> Result<Geometry> {
        let [channels, height, width] = self.image;
        for (field, value) in [
            ("image", channels),
            ("image", height),
            ("image", width),
            ("patch", self.patch),
            ("classes", self.classes),
            ("dim", self.dim),
            ("depth", self.depth),
            ("heads", self.heads),
            ("mlp_ratio", self.mlp_ratio),
        ] {
            size(field, value)?;
        }
        require(
            "patch",
            &self.patch,
            height % self.patch == 0 && width % self.patch == 0,
            "must divide the image's height and width",
        )?;
        self.validate_numbers()?;
        let head_dim = self.head_dim()?;
        let grid = [height / self.patch, width / self.patch];
        Ok(Geometry {
            grid,
            tokens: grid[0] * grid[1] + 1,
            patch_dim: self.patch * self.patch * channels,
            head_dim,
            inner: self.heads * head_dim,
        })
    }

    fn validate_numbers(&self) -> Result<()> {
        let (beta, lambda, dropout) = (self.step_size, self.threshold, self.dropout);
        require(
            "step_size",
            &beta,
            beta.is_finite() && beta > 0.0,
            "must be positive",
        )?;
        require(
            "threshold",
            &lambda,
            lambda.is_finite() && lambda >= 0.0,
            "must not be negative",
        )?;
        require(
            "dropout",
            &dropout,
            (0.0..1.0).contains(&dropout),
            "must be in [0, 1)",
        )
    }

    fn head_dim(&self) -> Result<usize> {
        let head_dim = match self.head_dim {
            Some(head_dim) => head_dim,
            None => {
                require(
                    "heads",
                    &self.heads,
                    self.dim.is_multiple_of(self.heads),
                    "must divide dim where head_dim is not given",
                )?;
                self.dim / self.heads
            }
        };
        size("head_dim", head_dim)?;
        if self.variant.needs_square() && self.heads * head_dim != self.dim {
            return Err(Error::NotSquare {
                variant: self.variant,
                heads: self.heads,
                head_dim,
                dim: self.dim,
            });
        }
        Ok(head_dim)
    }

    /// The number of parameters, worked out from their shapes; no weight is allocated.
    ///
    /// # Errors
    /// Those of [`validate`](Self::validate).
    pub fn count(&self) -> Result<ParameterCount> {
        Ok(Network::new(self)?.layout.count())
    }
}

/// Keeps products of a few sizes far from overflow.
fn size(field: &'static str, value: usize) -> Result<()> {
    let holds = (1..=1 << 20).contains(&value);
    require(field, &value, holds, "must be in 1..=1048576")
}

fn require(
    field: &'static str,
    value: &dyn std::fmt::Debug,
    holds: bool,
    requirement: &'static str,
) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Config {
        field,
        value: format!("{value:?}"),
        requirement,
    })
}
