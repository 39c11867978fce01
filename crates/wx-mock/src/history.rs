//! What was shown so far, in bounded memory.

use std::collections::VecDeque;

/// The most that a history keeps: far more than a script looks at, and little enough for a world that lives for weeks.
pub(crate) const KEPT: usize = 4096;

/// The last [`KEPT`] things that happened, and how many there were in all.
#[derive(Debug)]
pub(crate) struct History<T> {
    kept: VecDeque<T>,
    total: usize,
}

impl<T> History<T> {
    /// Adds the latest, and answers its number, counted from 0.
    pub(crate) fn push(&mut self, latest: T) -> usize {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(latest);
        self.total += 1;
        self.total - 1
    }

    /// How many there were since the beginning, forgotten ones included.
    pub(crate) fn total(&self) -> usize {
        self.total
    }
}

impl<T: Clone> History<T> {
    /// What is kept, the oldest first.
    pub(crate) fn to_vec(&self) -> Vec<T> {
        self.kept.iter().cloned().collect()
    }
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self { kept: VecDeque::new(), total: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_history_forgets_its_beginning_and_counts_it() {
        let mut history = History::default();
        for number in 0..KEPT + 2 {
            assert_eq!(history.push(number), number);
        }
        let kept = history.to_vec();
        assert_eq!((kept.len(), kept.first(), kept.last()), (KEPT, Some(&2), Some(&(KEPT + 1))));
        assert_eq!(history.total(), KEPT + 2);
    }
}
