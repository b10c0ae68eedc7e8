//! How a classifier is put together.

use crate::{Block, ClassifierConfig, Geometry, Head, Layout, PatchEmbedding, Result, TokenFrame};

/// The layers of a classifier, which hold the indices of their parameters, and the list of these.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) geometry: Geometry,
    pub(crate) layout: Layout,
    pub(crate) frame: TokenFrame,
    pub(crate) embedding: PatchEmbedding,
    pub(crate) blocks: Vec<Block>,
    pub(crate) head: Head,
}

impl Network {
    /// Puts the layers together in the order of the official state.
    pub(crate) fn new(config: &ClassifierConfig) -> Result<Self> {
        let geometry = config.validate()?;
        let mut layout = Layout::new();
        let frame = TokenFrame::new(&mut layout, geometry.tokens, config.dim);
        let embedding = PatchEmbedding::new(
            &mut layout,
            "to_patch_embedding",
            config.patch,
            geometry.patch_dim,
            config.dim,
        );
        let block = |layer| {
            let name = format!("transformer.layers.{layer}");
            Block::new(&mut layout, &name, config, &geometry, layer)
        };
        let blocks = (0..config.depth).map(block).collect();
        let head = Head::new(
            &mut layout,
            "mlp_head",
            config.dim,
            config.classes,
            config.pool,
        );
        Ok(Self {
            geometry,
            layout,
            frame,
            embedding,
            blocks,
            head,
        })
    }
}
