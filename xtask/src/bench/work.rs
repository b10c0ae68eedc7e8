//! What the operators of a layer need at least, counted from the shapes alone.

use super::size::Size;

/// What one call of an operator needs at least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Work {
    /// Floating-point operations of the matrix products; 0 where there are none.
    pub(super) operations: f64,
    /// Every operand read once and every result written once, in f32. A sum that is added to is both. What a forward pass saves besides its
    /// output is not counted: it can be computed again.
    pub(super) bytes: f64,
    /// Calls by one layer in a training step.
    pub(super) calls: usize,
}

impl Work {
    fn new(operations: f64, numbers: f64) -> Self {
        Self {
            operations,
            bytes: numbers * size_of::<f32>() as f64,
            calls: 1,
        }
    }

    fn calls(self, calls: usize) -> Self {
        Self { calls, ..self }
    }

    /// Operations a byte.
    pub(super) fn intensity(&self) -> f64 {
        self.operations / self.bytes
    }
}

/// The work of every operator of a layer.
pub(super) struct LayerWork {
    pub(super) linear: Work,
    pub(super) linear_backward: Work,
    pub(super) mssa: Work,
    pub(super) mssa_backward: Work,
    pub(super) ista: Work,
    pub(super) ista_backward: Work,
    pub(super) layer_norm: Work,
    pub(super) layer_norm_backward: Work,
    pub(super) adam: Work,
}

impl LayerWork {
    pub(super) fn new(size: &Size) -> Self {
        let [n, d] = [size.tokens(), size.dim].map(|extent| extent as f64);
        let x = (size.batch * size.tokens() * size.dim) as f64; // numbers of all tokens
        let w = d * d;
        let map = 2.0 * x * d; // every token times a d × d matrix
        let attention = 2.0 * x * n; // every token with every other: V Vᵀ, or the weights times V
        Self {
            // y = x Wᵀ + b; the projection to the heads and the map back
            linear: Work::new(map, 2.0 * x + w + d).calls(2),
            // dx = dy W, dW += dyᵀ x, db += Σ dy
            linear_backward: Work::new(2.0 * map, 3.0 * x + 3.0 * w + 2.0 * d).calls(2),
            mssa: Work::new(2.0 * attention, 2.0 * x),
            mssa_backward: Work::new(4.0 * attention, 3.0 * x),
            // relu(x + β (x − x Dᵀ) D − β λ), two products
            ista: Work::new(2.0 * map, 2.0 * x + w),
            // x, dy and the output give dx, and dD is added to
            ista_backward: Work::new(4.0 * map, 4.0 * x + 3.0 * w),
            layer_norm: Work::new(0.0, 2.0 * x + 2.0 * d).calls(2),
            // the gain is read, the gradients of gain and bias are added to
            layer_norm_backward: Work::new(0.0, 3.0 * x + 5.0 * d).calls(2),
            // value, gradient and two moments are read, all but the gradient written; one dictionary and two maps
            adam: Work::new(0.0, 7.0 * w).calls(3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_and_bytes_are_those_counted_by_hand() {
        // 8 images of 17 tokens: 136 tokens of 32 numbers, 4352 numbers; a map has 1024, a bias 32.
        let size: Size = "tiny".parse().unwrap();
        let work = LayerWork::new(&size);
        let map = 136.0 * 32.0 * 32.0 * 2.0;
        let attention = 8.0 * 17.0 * 17.0 * 32.0 * 2.0;
        for (name, work, operations, numbers) in [
            ("linear", work.linear, map, 4352 + 1024 + 32 + 4352),
            (
                "linear backward",
                work.linear_backward,
                2.0 * map,
                2 * 4352 + 1024 + 2 * (1024 + 32) + 4352,
            ),
            ("mssa", work.mssa, 2.0 * attention, 4352 + 4352),
            (
                "mssa backward",
                work.mssa_backward,
                4.0 * attention,
                2 * 4352 + 4352,
            ),
            ("ista", work.ista, 2.0 * map, 4352 + 1024 + 4352),
            (
                "ista backward",
                work.ista_backward,
                4.0 * map,
                3 * 4352 + 1024 + 2 * 1024 + 4352,
            ),
            ("layer norm", work.layer_norm, 0.0, 4352 + 2 * 32 + 4352),
            (
                "layer norm backward",
                work.layer_norm_backward,
                0.0,
                2 * 4352 + 32 + 2 * (32 + 32) + 4352,
            ),
            ("adam", work.adam, 0.0, 4 * 1024 + 3 * 1024),
        ] {
            assert_eq!(work.operations, operations, "{name}");
            assert_eq!(work.bytes, 4.0 * f64::from(numbers), "{name}");
        }
    }

    #[test]
    fn the_operators_of_all_layers_are_the_products_of_a_step() {
        for size in ["A", "B", "C", "base", "tiny"] {
            let size: Size = size.parse().unwrap();
            let work = LayerWork::new(&size);
            let forward = [work.linear, work.mssa, work.ista];
            let backward = [work.linear_backward, work.mssa_backward, work.ista_backward];
            let total = |work: &[Work]| -> f64 {
                let one: f64 = work.iter().map(|w| w.calls as f64 * w.operations).sum();
                one * size.depth as f64
            };
            let patches = size.step_operations() - total(&forward) - total(&backward);
            assert_eq!(size.forward_operations() - total(&forward), patches / 2.0);
        }
    }
}
