//! A configuration read off the shapes of a checkpoint.

use crate::{ClassifierConfig, Error, Result, Variant, checkpoint::Checkpoint};

impl ClassifierConfig {
    /// Reads the configuration off a checkpoint's names and shapes.
    ///
    /// Heads and patch size leave no trace in the shapes and must be given. Image height and width do so only through their
    /// product: without `size` (`[height, width]`) the patch grid is taken to be square. The variant shows in the names, except that
    /// checkpoints without an output map may belong to CRATE-C, -N, -T and -Identity, and CRATE-Fix looks like CRATE: for these, it
    /// must be given. Step size, threshold, dropout, pooling, residual and scale are the defaults, to be changed afterwards.
    ///
    /// # Errors
    /// [`Error::Infer`] with what is missing, ambiguous or contradictory; those of [`validate`](Self::validate).
    pub fn infer(
        checkpoint: &Checkpoint,
        heads: usize,
        patch: usize,
        variant: Option<Variant>,
        size: Option<[usize; 2]>,
    ) -> Result<Self> {
        let shapes = Shapes(checkpoint);
        let [1, 1, dim] = shapes.get("cls_token")? else {
            return infer_error("cls_token must be [1, 1, d]");
        };
        let [1, tokens, _] = shapes.get("pos_embedding")? else {
            return infer_error("pos_embedding must be [1, N, d]");
        };
        let [classes, _] = shapes.get("mlp_head.1.weight")? else {
            return infer_error("mlp_head.1.weight must be [classes, d]");
        };
        if heads == 0 || patch == 0 {
            return infer_error("heads and patch must be positive");
        }
        let channels = shapes.channels(patch)?;
        let [height, width] = match size {
            Some(size) => size,
            None => square(tokens.saturating_sub(1), patch)?,
        };
        let vit = shapes.has("transformer.layers.0.0.fn.to_qkv.weight");
        let inner = shapes.inner(vit)?;
        if inner % heads != 0 {
            let reason = format!("{heads} heads do not divide the {inner} rows of the projection");
            return infer_error(&reason);
        }
        let image = [channels, height, width];
        let depth = shapes.depth()?;
        let variant = shapes.variant(vit, heads, inner == *dim, variant)?;
        let mut config = Self::new(variant, image, patch, *classes, *dim, depth, heads);
        config.head_dim = Some(inner / heads);
        if let ([hidden, width], true) = (shapes.mlp(vit)?, vit) {
            config.mlp_ratio = hidden / width;
        }
        config.validate()?;
        Ok(config)
    }
}

fn infer_error<T>(reason: &str) -> Result<T> {
    Err(Error::Infer {
        reason: reason.into(),
    })
}

fn square(patches: usize, patch: usize) -> Result<[usize; 2]> {
    let side = patches.isqrt();
    if side * side != patches || side == 0 {
        let reason = format!("{patches} patches are no square grid, and no image size is given");
        return infer_error(&reason);
    }
    Ok([side * patch; 2])
}

/// The checkpoint as a source of shapes.
struct Shapes<'a>(&'a Checkpoint);

impl<'a> Shapes<'a> {
    fn has(&self, name: &str) -> bool {
        self.0.tensors.contains_key(name)
    }

    fn get(&self, name: &str) -> Result<&'a [usize]> {
        match self.0.tensors.get(name) {
            Some(tensor) => Ok(&tensor.shape),
            None => infer_error(&format!("there is no tensor {name}")),
        }
    }

    fn channels(&self, patch: usize) -> Result<usize> {
        let shape = self.get("to_patch_embedding.1.weight")?;
        let area = patch.saturating_mul(patch);
        match *shape {
            [patch_dim] if patch_dim > 0 && patch_dim % area == 0 => Ok(patch_dim / area),
            _ => infer_error(&format!(
                "to_patch_embedding.1.weight has shape {shape:?}, but patches of {patch}x{patch} pixels have a multiple of {area} values"
            )),
        }
    }

    /// K·p.
    fn inner(&self, vit: bool) -> Result<usize> {
        let (name, parts) = if vit { ("to_qkv", 3) } else { ("qkv", 1) };
        let name = format!("transformer.layers.0.0.fn.{name}.weight");
        match *self.get(&name)? {
            [rows, _] if rows > 0 && rows % parts == 0 => Ok(rows / parts),
            _ => infer_error(&format!("{name} must be a matrix of projections")),
        }
    }

    /// `[hidden, d]` of ViT's network; `[0, 0]` for others.
    fn mlp(&self, vit: bool) -> Result<[usize; 2]> {
        if !vit {
            return Ok([0, 0]);
        }
        let name = "transformer.layers.0.1.fn.net.0.weight";
        match *self.get(name)? {
            [hidden, dim] if dim > 0 && hidden % dim == 0 => Ok([hidden, dim]),
            _ => infer_error(&format!("{name} must be [ratio·d, d]")),
        }
    }

    /// One more than the largest layer number. Each layer has at least one tensor, so that a stray number cannot ask for a huge model.
    fn depth(&self) -> Result<usize> {
        let tensors = &self.0.tensors;
        let layer = |name: &String| {
            let rest = name.strip_prefix("transformer.layers.")?;
            rest.split('.').next()?.parse::<usize>().ok()
        };
        let last = tensors.keys().filter_map(layer).max();
        match last {
            Some(last) if last >= tensors.len() => infer_error(&format!(
                "layer {last} in a file of {} tensors",
                tensors.len()
            )),
            _ => Ok(last.map_or(0, |last| last + 1)),
        }
    }

    fn variant(
        &self,
        vit: bool,
        heads: usize,
        square: bool,
        given: Option<Variant>,
    ) -> Result<Variant> {
        let mapped = self.has("transformer.layers.0.0.fn.to_out.0.weight");
        match given {
            Some(variant) => Ok(variant),
            None if vit => Ok(Variant::Vit),
            None if mapped || heads == 1 && square => Ok(Variant::Crate),
            None => infer_error(
                "without transformer.layers.0.0.fn.to_out.0.weight the variant may be crate-c, crate-n, crate-t or crate-identity; name it",
            ),
        }
    }
}
