//! log(1 + x) against its first- and second-order expansions, and the share of it that each keeps (Hu, Zou, Xu 2024, Fig. 1b).
//!
//! The compressed rate is ½ Σ log(1 + x) over eigenvalues x of γ V_kᵀV_k. Attention follows from keeping two terms of the logarithm;
//! at the eigenvalues that occur, far from 0, neither expansion is near it.

/// log(1 + x) at one x, with its expansions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaylorPoint {
    /// Where, at least 0.
    pub x: f64,
    /// log(1 + x).
    pub exact: f64,
    /// The first-order expansion x.
    pub first_order: f64,
    /// The second-order expansion x − x²/2.
    pub second_order: f64,
}

impl TaylorPoint {
    /// The values at `x`.
    #[must_use]
    pub fn at(x: f64) -> Self {
        Self {
            x,
            exact: x.ln_1p(),
            first_order: x,
            second_order: x - x * x / 2.0,
        }
    }

    /// First order over exact; 1 at x = 0, its limit. Above 1: the expansion overshoots.
    #[must_use]
    pub fn first_order_share(&self) -> f64 {
        self.share(self.first_order)
    }

    /// Second order over exact; 1 at x = 0, its limit, and negative beyond x = 2.
    #[must_use]
    pub fn second_order_share(&self) -> f64 {
        self.share(self.second_order)
    }

    fn share(&self, expansion: f64) -> f64 {
        if self.x == 0.0 {
            1.0
        } else {
            expansion / self.exact
        }
    }
}

/// The values at `points` equidistant x from 0 to `end`, both included.
///
/// ```
/// let curve = srr_study::taylor::taylor_curve(2.0, 5);
/// assert_eq!(curve.len(), 5);
/// assert_eq!(curve[4].second_order, 0.0); // 2 − 2²/2: nothing is left of log 3
/// ```
#[must_use]
pub fn taylor_curve(end: f64, points: usize) -> Vec<TaylorPoint> {
    let last = points.saturating_sub(1).max(1) as f64;
    (0..points)
        .map(|i| TaylorPoint::at(end * i as f64 / last))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansions_enclose_the_logarithm() {
        let curve = taylor_curve(4.0, 401);
        assert_eq!((curve[0].x, curve[400].x), (0.0, 4.0));
        for point in &curve[1..] {
            assert!(
                point.second_order < point.exact && point.exact < point.first_order,
                "{point:?}"
            );
            assert!(
                point.second_order_share() < 1.0 && point.first_order_share() > 1.0,
                "{point:?}"
            );
        }
    }

    #[test]
    fn errors_have_the_orders_of_the_expansions() {
        // The remainders begin with −x²/2 and x³/3.
        let point = TaylorPoint::at(1e-3);
        assert!(((point.first_order - point.exact) / (1e-6 / 2.0) - 1.0).abs() < 1e-3);
        assert!(((point.exact - point.second_order) / (1e-9 / 3.0) - 1.0).abs() < 1e-2);
    }

    #[test]
    fn shares_at_known_points() {
        let zero = TaylorPoint::at(0.0);
        assert_eq!(
            (zero.first_order_share(), zero.second_order_share()),
            (1.0, 1.0)
        );
        let one = TaylorPoint::at(1.0);
        assert!((one.first_order_share() - 1.0 / 2.0_f64.ln()).abs() < 1e-15);
        assert!((one.second_order_share() - 0.5 / 2.0_f64.ln()).abs() < 1e-15);
        assert!(TaylorPoint::at(3.0).second_order_share() < 0.0);
        assert!(taylor_curve(1.0, 0).is_empty());
        assert_eq!(taylor_curve(1.0, 1), [zero]);
    }
}
