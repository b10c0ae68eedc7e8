//! Correction for testing many measures at once.

/// Holm's step-down correction of p-values (Holm 1979): the k-th smallest of n is multiplied by n − k + 1, kept from falling,
/// and capped at 1. Missing p-values stay missing and do not count.
///
/// ```
/// use srr_measures::statistics::holm;
///
/// let corrected = holm(&[Some(0.01), None, Some(0.04), Some(0.03)]);
/// assert_eq!(corrected, [Some(0.03), None, Some(0.06), Some(0.06)]);
/// ```
pub fn holm(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut known: Vec<(usize, f64)> = p_values
        .iter()
        .enumerate()
        .filter_map(|(i, p)| p.map(|p| (i, p)))
        .collect();
    known.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut corrected = vec![None; p_values.len()];
    let mut floor: f64 = 0.0;
    for (position, &(i, p)) in known.iter().enumerate() {
        floor = floor.max((p * (known.len() - position) as f64).min(1.0));
        corrected[i] = Some(floor);
    }
    corrected
}
