//! Softmax cross-entropy.

use super::{
    Cpu, CpuTensor,
    parallel::{RowsMut, block_rows, for_blocks},
};
use crate::{CrossEntropy, Element, Result, Tensor, check, composed::loss::example};

impl<T: Element> Cpu<T> {
    pub(super) fn cross_entropy(
        &self,
        logits: &CpuTensor<T>,
        labels: &[u32],
        smoothing: f64,
    ) -> Result<CrossEntropy<CpuTensor<T>>> {
        let (batch, classes) = check::cross_entropy(logits.shape(), labels, smoothing)?;
        let mut gradient = self.empty(logits.shape());
        let (mut losses, mut correct) = (self.empty(&[batch]), self.empty(&[batch]));
        let logits = logits.as_slice();
        let weight = 1.0 / batch as f64;
        let parts = (
            RowsMut::new(gradient.as_mut_slice(), classes),
            RowsMut::new(losses.as_mut_slice(), 1),
            RowsMut::new(correct.as_mut_slice(), 1),
        );
        for_blocks(
            batch,
            block_rows(1 << 12, classes),
            parts,
            |range, (gradient, losses, correct)| {
                let mut row = vec![0.0; classes];
                for (i, index) in range.enumerate() {
                    let own = index * classes..(index + 1) * classes;
                    row.iter_mut()
                        .zip(&logits[own])
                        .for_each(|(z, &logit)| *z = logit.to_f64());
                    let example = example(&mut row, labels[index] as usize, smoothing, weight);
                    losses.data[i] = T::from_f64(example.loss);
                    correct.data[i] = if example.correct { T::one() } else { T::zero() };
                    let gradient = &mut gradient.data[i * classes..(i + 1) * classes];
                    gradient
                        .iter_mut()
                        .zip(&row)
                        .for_each(|(g, &z)| *g = T::from_f64(z));
                }
                Ok(())
            },
        )?;
        Ok(CrossEntropy {
            losses,
            correct,
            gradient,
        })
    }
}
