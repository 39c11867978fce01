//! Reports as the suite writes them. Declared here again on purpose: no crate of ours that is broken may break this program.

use serde::{Deserialize, Serialize};

use crate::Result;

/// How one case stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "verdict")]
pub(crate) enum Verdict {
    Passed,
    Failed {
        reason: String,
    },
    Unsupported {
        #[serde(rename = "unsupported")]
        apis: Vec<String>,
    },
    Ignored {
        reason: String,
    },
    KnownFailure {
        reason: String,
    },
}

/// One case under one profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CaseReport {
    /// `domain::sentence`.
    pub(crate) case: String,
    pub(crate) profile: String,
    /// By the names scripts use.
    pub(crate) apis: Vec<String>,
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
    pub(crate) micros: u64,
}

/// One run over one backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) backend: String,
    /// Why it could not be judged, or why its verdicts are not to be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) broken: Option<String>,
    pub(crate) cases: Vec<CaseReport>,
}

impl Verdict {
    /// Why, where there is more to say than the verdict.
    pub(crate) fn reason(&self) -> Option<String> {
        match self {
            Self::Passed => None,
            Self::Failed { reason } | Self::Ignored { reason } | Self::KnownFailure { reason } => Some(reason.clone()),
            Self::Unsupported { apis } => Some(format!("not supported: {}", apis.join(", "))),
        }
    }

    /// In a word.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed { .. } => "failed",
            Self::Unsupported { .. } => "unsupported",
            Self::Ignored { .. } => "ignored",
            Self::KnownFailure { .. } => "known",
        }
    }
}

impl CaseReport {
    /// What its name starts with.
    pub(crate) fn domain(&self) -> &str {
        self.case.split_once("::").map_or(&self.case, |(domain, _)| domain)
    }
}

impl Report {
    /// A backend that could not be judged.
    pub(crate) fn broken(backend: &str, why: &dyn std::fmt::Display) -> Self {
        Self { backend: backend.to_owned(), broken: Some(why.to_string()), cases: Vec::new() }
    }

    /// How many cases did not meet their expectation.
    pub(crate) fn failures(&self) -> usize {
        self.cases.iter().filter(|case| matches!(case.verdict, Verdict::Failed { .. })).count()
    }
}

/// A verdict that needs words, and the profiles it holds under.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Note<'a> {
    pub(crate) backend: &'a str,
    pub(crate) case: &'a str,
    pub(crate) profiles: Vec<&'a str>,
    pub(crate) reason: String,
}

/// What is to be said about every case with this verdict. Profiles with the same reason share a note.
pub(crate) fn notes<'a>(reports: &'a [Report], word: &str) -> Vec<Note<'a>> {
    let mut notes: Vec<Note<'a>> = Vec::new();
    for report in reports {
        for case in report.cases.iter().filter(|case| case.verdict.word() == word) {
            let reason = case.verdict.reason().unwrap_or_default();
            let same = |note: &&mut Note<'_>| note.backend == report.backend && note.case == case.case && note.reason == reason;
            match notes.iter_mut().find(same) {
                Some(note) => note.profiles.push(&case.profile),
                None => {
                    notes.push(Note { backend: &report.backend, case: &case.case, profiles: vec![&case.profile], reason });
                }
            }
        }
    }
    notes
}

/// All reports as one document.
///
/// # Errors
///
/// None that is known: a report is plain data.
pub(crate) fn to_json(reports: &[Report]) -> Result<String> {
    #[derive(Serialize)]
    struct Document<'a> {
        backends: &'a [Report],
    }
    Ok(serde_json::to_string_pretty(&Document { backends: reports })? + "\n")
}

/// Two small reports with one of every verdict, and texts that must be escaped.
#[cfg(test)]
pub(crate) fn fixture() -> Vec<Report> {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed
    #[derive(Deserialize)]
    struct Document {
        backends: Vec<Report>,
    }
    serde_json::from_str::<Document>(include_str!("fixture.json")).unwrap().backends
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    #[test]
    fn a_document_reads_back_as_it_was_written() {
        let json: serde_json::Value = serde_json::from_str(&to_json(&fixture()).unwrap()).unwrap();
        assert_eq!(json, serde_json::from_str::<serde_json::Value>(include_str!("fixture.json")).unwrap());
    }

    #[test]
    fn a_document_says_which_backend_could_not_be_judged() {
        let report = Report::broken("desktop", &"it does not build");
        let text = to_json(std::slice::from_ref(&report)).unwrap();
        assert!(text.contains(r#""broken": "it does not build""#), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["backends"][0]["cases"], serde_json::json!([]));
    }

    #[test]
    fn only_failures_count_as_failures() {
        let words: Vec<&str> = fixture().iter().flat_map(|report| &report.cases).map(|case| case.verdict.word()).collect();
        for word in ["passed", "failed", "unsupported", "ignored", "known"] {
            assert!(words.contains(&word), "the fixture has no case that is {word}");
        }
        assert_eq!(fixture().iter().map(Report::failures).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn profiles_with_one_reason_share_a_note() {
        let mut reports = fixture();
        let mut again = reports[0].cases[2].clone();
        again.profile = "android 1.9.94".to_owned();
        let mut otherwise = again.clone();
        otherwise.verdict = Verdict::Failed { reason: "another".to_owned() };
        reports[0].cases.extend([again, otherwise]);
        let profiles: Vec<Vec<&str>> = notes(&reports, "failed").into_iter().map(|note| note.profiles).collect();
        assert_eq!(profiles, [vec!["android 3.16.2", "android 1.9.94"], vec!["android 1.9.94"]]);
    }
}
