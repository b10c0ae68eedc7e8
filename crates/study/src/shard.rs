//! A share of the runs: `i/n`.

use crate::{Error, Result};
use std::{fmt, str::FromStr};

/// Shard `index` of `count`, counted from 1: of a list in stable order, every `count`-th item from the `index`-th on.
///
/// ```
/// use srr_study::Shard;
///
/// let shard: Shard = "2/3".parse()?;
/// assert_eq!((0..7).filter(|&item| shard.holds(item)).collect::<Vec<_>>(), [1, 4]);
/// # Ok::<(), srr_study::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

impl Shard {
    /// The one shard that holds everything.
    pub const WHOLE: Self = Self { index: 1, count: 1 };

    /// Whether item number `item` (from 0) belongs to this shard.
    #[must_use]
    pub fn holds(self, item: usize) -> bool {
        item % self.count == self.index - 1
    }

    /// Whether it holds everything.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.count == 1
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let problem = || Error::Shard {
            found: text.to_owned(),
        };
        let (index, count) = text.split_once('/').ok_or_else(problem)?;
        let number = |part: &str| part.parse::<usize>().map_err(|_| problem());
        let (index, count) = (number(index)?, number(count)?);
        if index == 0 || index > count {
            return Err(problem());
        }
        Ok(Self { index, count })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_a_partition() {
        for count in 1..5 {
            for item in 0..13 {
                let holders = (1..=count)
                    .filter(|index| {
                        format!("{index}/{count}")
                            .parse::<Shard>()
                            .unwrap()
                            .holds(item)
                    })
                    .count();
                assert_eq!(holders, 1, "{item} of {count} shards");
            }
        }
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in ["", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2"] {
            assert!(
                matches!(text.parse::<Shard>(), Err(Error::Shard { .. })),
                "{text}"
            );
        }
    }
}
