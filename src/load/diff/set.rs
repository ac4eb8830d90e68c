//! Some rows of a scope, one bit each: ten million rows are 1.25 MB.

/// Row numbers from 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowSet {
    words: Vec<u64>,
}

impl RowSet {
    /// Adds a row.
    pub fn insert(&mut self, row: u64) {
        let (word, bit) = place(row);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= bit;
    }

    /// Removes the rows of another set.
    pub fn remove_all(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= !other;
        }
    }

    /// Whether the row is among them.
    #[must_use]
    pub fn contains(&self, row: u64) -> bool {
        let (word, bit) = place(row);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }
}

fn place(row: u64) -> (usize, u64) {
    // A scope's rows are in a file on this machine: their number fits.
    (usize::try_from(row / 64).unwrap_or(usize::MAX - 1), 1 << (row % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_it_or_not() {
        let mut set = RowSet::default();
        assert!(set.is_empty() && !set.contains(1));
        for row in [1, 63, 64, 1_000] {
            set.insert(row);
        }
        assert_eq!(set.len(), 4);
        assert!(set.contains(64) && !set.contains(65) && !set.contains(100_000));
        let mut other = RowSet::default();
        other.insert(64);
        set.remove_all(&other);
        assert!(!set.contains(64) && set.contains(63) && set.contains(1_000));
    }
}
