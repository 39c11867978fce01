//! A set that remembers the order in which its members came. A script decides how many there are, so each step takes about the same
//! time however many.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

/// Members, each with something to it.
pub(crate) struct Ordered<K, V> {
    places: HashMap<K, u64>,
    members: BTreeMap<u64, (K, V)>,
    next: u64,
}

impl<K, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Self { places: HashMap::new(), members: BTreeMap::new(), next: 0 }
    }
}

impl<K: Clone + Eq + Hash, V> Ordered<K, V> {
    /// Adds a member at the end. One that is there already stays where it is.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.places.contains_key(&key) {
            return;
        }
        self.places.insert(key.clone(), self.next);
        self.members.insert(self.next, (key, value));
        self.next += 1;
    }

    pub(crate) fn remove(&mut self, key: &K) {
        if let Some(place) = self.places.remove(key) {
            self.members.remove(&place);
        }
    }

    /// Takes what the first member has to it.
    pub(crate) fn pop_first(&mut self) -> Option<V> {
        let (_, (key, value)) = self.members.pop_first()?;
        self.places.remove(&key);
        Some(value)
    }

    /// The members, in the order in which they came.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.members.values().map(|(key, _)| key)
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn clear(&mut self) {
        self.places.clear();
        self.members.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static COMPARED: Cell<u32> = const { Cell::new(0) };
    }

    /// Equal as numbers are; each comparison is counted.
    #[derive(Clone, Copy, Eq)]
    struct Counted(u32);

    impl Hash for Counted {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            COMPARED.set(COMPARED.get() + 1);
            self.0 == other.0
        }
    }

    #[test]
    fn a_member_is_not_compared_with_all_others() {
        let mut set = Ordered::default();
        (0..1000).for_each(|i| set.insert(Counted(i), ()));
        (0..1000).for_each(|i| set.insert(Counted(i), ()));
        (0..1000).rev().for_each(|i| set.remove(&Counted(i)));
        assert_eq!(set.len(), 0);
        assert!(COMPARED.get() < 10_000, "{} comparisons", COMPARED.get());
    }

    #[test]
    fn members_keep_the_order_in_which_they_came() {
        let mut set = Ordered::default();
        for (key, value) in [('c', 1), ('a', 2), ('b', 3), ('a', 4)] {
            set.insert(key, value);
        }
        assert_eq!(set.keys().collect::<String>(), "cab");
        set.remove(&'a');
        set.remove(&'a');
        set.insert('a', 5);
        assert_eq!(set.keys().collect::<String>(), "cba");
        assert_eq!((set.pop_first(), set.len()), (Some(1), 2));
        set.insert('c', 6);
        assert_eq!(set.keys().collect::<String>(), "bac");
        set.clear();
        assert_eq!((set.pop_first(), set.len()), (None, 0));
    }
}
