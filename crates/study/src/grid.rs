//! The cartesian product of axes, in a stable order.

/// All combinations of one value per axis; the last axis runs fastest.
///
/// The order depends on the axes alone, so that the i-th setting of a study is the same in every process.
///
/// ```
/// use srr_study::grid::Grid;
///
/// let grid = Grid::new([2, 3]);
/// assert_eq!(grid.len(), 6);
/// assert_eq!(grid.settings().collect::<Vec<_>>()[4], [1, 1]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    lengths: Vec<usize>,
}

impl Grid {
    /// A grid with these numbers of values per axis.
    pub fn new(lengths: impl IntoIterator<Item = usize>) -> Self {
        Self {
            lengths: lengths.into_iter().collect(),
        }
    }

    /// Number of settings; 1 without axes, 0 when an axis is empty.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lengths.iter().product()
    }

    /// Whether there is no setting at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The settings in order, each as one index per axis.
    pub fn settings(&self) -> impl Iterator<Item = Vec<usize>> + '_ {
        (0..self.len()).map(|setting| self.setting(setting))
    }

    fn setting(&self, mut rest: usize) -> Vec<usize> {
        let mut indices = vec![0; self.lengths.len()];
        for (index, length) in indices.iter_mut().zip(&self.lengths).rev() {
            *index = rest % length;
            rest /= length;
        }
        indices
    }
}

#[cfg(test)]
mod tests {
    use super::Grid;

    #[test]
    fn every_combination_stands_once_in_lexicographic_order() {
        let settings: Vec<_> = Grid::new([2, 1, 3]).settings().collect();
        let expected = [
            [0, 0, 0],
            [0, 0, 1],
            [0, 0, 2],
            [1, 0, 0],
            [1, 0, 1],
            [1, 0, 2],
        ];
        assert_eq!(settings, expected);
    }

    #[test]
    fn no_axes_give_one_setting_and_an_empty_axis_none() {
        assert_eq!(
            Grid::new([]).settings().collect::<Vec<_>>(),
            [Vec::<usize>::new()]
        );
        assert!(Grid::new([2, 0]).is_empty());
        assert_eq!(Grid::new([2, 0]).settings().count(), 0);
    }
}
