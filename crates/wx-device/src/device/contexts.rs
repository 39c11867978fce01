use std::collections::VecDeque;

use wx_api::Cx;

/// Who calls, by the numbers that the agent was told. As many as the agent takes: the one that was unused for longest makes way.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    /// The one used last comes last.
    known: VecDeque<(u64, Cx)>,
    next: u64,
}

/// What the agent must be told before a number is used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct News {
    /// A number that is free again.
    pub(super) forgotten: Option<u64>,
}

impl Contexts {
    /// The number of this context; with news if the agent does not know it yet. There may be `most` at a time.
    pub(super) fn number(&mut self, cx: &Cx, most: usize) -> (u64, Option<News>) {
        // Nearly always the one that was used last.
        if let Some(place) = self.known.iter().rposition(|(_, known)| is_same(known, cx)) {
            let number = self.known[place].0;
            if place + 1 != self.known.len()
                && let Some(used) = self.known.remove(place)
            {
                self.known.push_back(used);
            }
            return (number, None);
        }
        let forgotten = if self.known.len() >= most.max(1) { self.known.pop_front().map(|(number, _)| number) } else { None };
        self.next += 1;
        self.known.push_back((self.next, cx.clone()));
        (self.next, Some(News { forgotten }))
    }

    /// All of them, for an agent that may know none.
    pub(super) fn all(&self) -> impl Iterator<Item = (u64, &Cx)> {
        self.known.iter().map(|(number, cx)| (*number, cx))
    }
}

/// Whether two say the same of who calls. Until when is said with each call.
fn is_same(one: &Cx, other: &Cx) -> bool {
    one.launch() == other.launch() && one.app() == other.app() && one.user() == other.user() && one.profile() == other.profile()
}

#[cfg(test)]
mod tests {
    use wx_api::Profile;

    use super::*;

    #[test]
    fn a_context_keeps_its_number_and_any_difference_makes_another() {
        let mut contexts = Contexts::default();
        let cx = Cx::new("wx4f4bc4dec97d474b");
        let (first, news) = contexts.number(&cx, 9);
        assert_eq!(news, Some(News { forgotten: None }));
        assert_eq!(contexts.number(&cx.clone().with_deadline(wx_api::Timestamp::from_millis(1)), 9), (first, None));
        let others = [cx.clone().with_user("li"), cx.clone().with_profile(Profile::seed()), cx.relaunch(), Cx::new("wx00000000000000a2")];
        let mut numbers: Vec<u64> = others.iter().map(|cx| contexts.number(cx, 9).0).collect();
        numbers.push(first);
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 5);
    }

    #[test]
    fn the_one_unused_for_longest_makes_way() {
        let mut contexts = Contexts::default();
        let cx: Vec<Cx> = ["a", "b", "c"].into_iter().map(Cx::new).collect();
        let (a, _) = contexts.number(&cx[0], 2);
        let (b, _) = contexts.number(&cx[1], 2);
        assert_eq!(contexts.number(&cx[0], 2), (a, None));
        let (_, news) = contexts.number(&cx[2], 2);
        assert_eq!(news, Some(News { forgotten: Some(b) }));
        assert_eq!(contexts.number(&cx[0], 2), (a, None));
    }
}
