//! What a run says: a verdict for every case under every profile.

use serde::{Deserialize, Serialize};

/// How one case stands with one backend under one profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "verdict")]
pub enum Verdict {
    /// It behaves as the contract says.
    Passed,
    /// It does not.
    Failed {
        /// What was wrong.
        reason: String,
    },
    /// The backend says it does not do these APIs, and calling them says so too.
    Unsupported {
        /// Their names.
        #[serde(rename = "unsupported")] // flattened into a case, which has `apis` of its own
        apis: Vec<String>,
    },
    /// It could not be judged.
    Ignored {
        /// What was missing.
        reason: String,
    },
    /// It failed as the harness said it would, for the reason it gave.
    KnownFailure {
        /// The reason on record.
        reason: String,
    },
}

impl Verdict {
    /// Whether this verdict is as it should be.
    pub fn is_good(&self) -> bool {
        !matches!(self, Self::Failed { .. })
    }
}

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CaseReport {
    /// `domain::sentence`.
    pub case: String,
    /// The profile it ran under, such as `android 3.16.2`.
    pub profile: String,
    /// The APIs it is about, by the names scripts use.
    pub apis: Vec<String>,
    /// How it stands.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How long it took.
    pub micros: u64,
}

/// Everything one run of the suite over one backend found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The backend.
    pub backend: String,
    /// Its cases, in the order of the suite.
    pub cases: Vec<CaseReport>,
}
