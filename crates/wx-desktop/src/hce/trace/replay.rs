use std::fmt;

use wx_rules::{
    aid::parse_aid_list,
    hce::{Dropped, Respond, RespondError, Router, Step},
};

use super::{Entry, Hex, Outcome, Routed, What};

/// An entry of a trace that the rules decide otherwise now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which entry, counted from 0.
    pub index: usize,
    /// What the trace says.
    pub then: Box<What>,
    /// What the rules say now.
    pub now: Box<What>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {}: then `{}`, now `{}`", self.index, self.then, self.now)
    }
}

impl std::error::Error for Difference {}

pub(super) fn replay(entries: &[Entry]) -> Result<(), Difference> {
    let mut router = Router::default();
    for (index, Entry { what: then, .. }) in entries.iter().enumerate() {
        let now = decide(&mut router, then);
        if now != *then {
            return Err(Difference { index, then: Box::new(then.clone()), now: Box::new(now) });
        }
    }
    Ok(())
}

/// The same event with the decision of this router.
fn decide(router: &mut Router<String>, then: &What) -> What {
    match then.clone() {
        What::Started { app, aids, .. } => {
            let taken = parse_aid_list(&aids).is_ok_and(|aids| router.register(app.clone(), aids).is_ok());
            What::Started { app, aids, taken }
        }
        What::Stopped { app, .. } => {
            let answer = router.unregister(&app).map(|answer| Hex(answer.to_vec()));
            What::Stopped { app, answer }
        }
        What::Inserted => What::Inserted,
        What::Command { data, .. } => {
            let routed = match router.command(&data.0) {
                Step::Answer(answer) => Routed::Answer(Hex(answer.to_vec())),
                Step::Deliver { to, deselected } => Routed::To { app: to, deselected },
                Step::Wait => Routed::Wait,
            };
            What::Command { data, routed }
        }
        What::Response { app, data, after, .. } => {
            let outcome = outcome(router.respond(&app, &data.0));
            What::Response { app, data, outcome, after }
        }
        What::Lost { why, .. } => What::Lost { why, told: router.field_lost() },
    }
}

pub(in crate::hce) fn outcome(decided: Result<Respond, RespondError>) -> Outcome {
    match decided {
        Ok(Respond::Send) => Outcome::Sent,
        Ok(Respond::Dropped(Dropped::NotSelected)) => Outcome::NotSelected,
        Ok(Respond::Dropped(Dropped::NothingOutstanding)) => Outcome::NothingOutstanding,
        Err(RespondError::Illegal(_)) => Outcome::Illegal,
        Err(RespondError::NotStarted) => Outcome::NotStarted,
    }
}
