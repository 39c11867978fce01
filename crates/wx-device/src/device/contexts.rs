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
    /// The number of this context; with news if the agent does not know it yet. There may be `most` at a time, and those that are
    /// `used` stay; none, if all are.
    pub(super) fn number(&mut self, cx: &Cx, most: usize, used: impl Fn(u64) -> bool) -> Option<(u64, Option<News>)> {
        // Nearly always the one that was used last.
        if let Some(place) = self.known.iter().rposition(|(_, known)| is_same(known, cx)) {
            let number = self.known[place].0;
            if place + 1 != self.known.len()
                && let Some(used) = self.known.remove(place)
            {
                self.known.push_back(used);
            }
            return Some((number, None));
        }
        let forgotten = if self.known.len() >= most {
            let unused = self.known.iter().position(|(number, _)| !used(*number))?;
            self.known.remove(unused).map(|(number, _)| number)
        } else {
            None
        };
        self.next += 1;
        self.known.push_back((self.next, cx.clone()));
        Some((self.next, Some(News { forgotten })))
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
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use wx_api::Profile;

    use super::*;

    #[test]
    fn a_context_keeps_its_number_and_any_difference_makes_another() {
        let mut contexts = Contexts::default();
        let cx = Cx::new("wx4f4bc4dec97d474b");
        let mut number = |cx: &Cx| contexts.number(cx, 9, |_| false).unwrap();
        let (first, news) = number(&cx);
        assert_eq!(news, Some(News { forgotten: None }));
        assert_eq!(number(&cx.clone().with_deadline(wx_api::Timestamp::from_millis(1))), (first, None));
        let others = [
            cx.clone().with_user("li"),
            cx.clone().with_profile(Profile::seed()),
            cx.relaunch(),
            Cx::new("wx00000000000000a2"),
        ];
        let mut numbers: Vec<u64> = others.iter().map(|cx| number(cx).0).collect();
        numbers.push(first);
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 5);
    }

    #[test]
    fn the_one_unused_for_longest_makes_way() {
        let mut contexts = Contexts::default();
        let cx: Vec<Cx> = ["a", "b", "c"].into_iter().map(Cx::new).collect();
        let mut number = |cx: &Cx, used: &[u64]| contexts.number(cx, 2, |number| used.contains(&number));
        let (a, _) = number(&cx[0], &[]).unwrap();
        let (b, _) = number(&cx[1], &[]).unwrap();
        assert_eq!(number(&cx[0], &[]), Some((a, None)));
        assert_eq!(number(&cx[2], &[a, b]), None, "both are used");
        let (c, news) = number(&cx[2], &[]).unwrap();
        assert_eq!(news, Some(News { forgotten: Some(b) }));
        assert_eq!(number(&cx[1], &[a]).unwrap().1, Some(News { forgotten: Some(c) }), "though it was used last");
        assert_eq!(number(&cx[0], &[]), Some((a, None)));
    }
}
