//! What was found, by API and backend.

use super::report::{CaseReport, Report, Verdict};

/// The matrix: domains, in them APIs, and for each backend the cases about it.
#[derive(Debug)]
pub(super) struct Matrix<'a> {
    pub(super) backends: Vec<&'a str>,
    pub(super) domains: Vec<Domain<'a>>,
}

/// The cases of one domain.
#[derive(Debug)]
pub(super) struct Domain<'a> {
    pub(super) name: String,
    /// Every case of the domain once, for each backend.
    pub(super) cells: Vec<Cell<'a>>,
    pub(super) rows: Vec<Row<'a>>,
}

/// The cases about one API. A case about two stands in two rows.
#[derive(Debug)]
pub(super) struct Row<'a> {
    /// The name scripts use; `None` for cases that are about none of the domain's APIs.
    pub(super) api: Option<String>,
    pub(super) cells: Vec<Cell<'a>>,
}

/// The cases of one backend about one API.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell<'a> {
    pub(super) cases: Vec<&'a CaseReport>,
}

/// How many cases have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) unsupported: usize,
    pub(super) ignored: usize,
    pub(super) known: usize,
}

/// A domain of the contract and its APIs, by the names scripts use.
type Declared = (String, Vec<String>);

/// The domains as `docs/apis.md`, derived from the contract, lists them.
pub(super) fn domains(apis: &str) -> Vec<Declared> {
    let mut domains: Vec<Declared> = Vec::new();
    for line in apis.lines() {
        if let Some(api) = line.strip_prefix("### wx.") {
            if let Some((_, apis)) = domains.last_mut() {
                apis.push(api.trim().to_owned());
            }
        } else if let Some(domain) = line.strip_prefix("## ") {
            domains.push((domain.trim().to_owned(), Vec::new()));
        }
    }
    domains
}

impl<'a> Matrix<'a> {
    /// Sorts the cases of these reports. When `is_whole`, APIs that no case is about have a row too.
    pub(super) fn new(declared: &[Declared], reports: &'a [Report], is_whole: bool) -> Self {
        let mut declared = declared.to_vec();
        for case in reports.iter().flat_map(|report| &report.cases) {
            if !declared.iter().any(|(domain, _)| domain == case.domain()) {
                declared.push((case.domain().to_owned(), Vec::new()));
            }
        }
        let cells = |wanted: &dyn Fn(&CaseReport) -> bool| -> Vec<Cell<'a>> {
            let of = |report: &'a Report| Cell { cases: report.cases.iter().filter(|case| wanted(case)).collect() };
            reports.iter().map(of).collect()
        };
        let mut domains = Vec::new();
        for (name, apis) in declared {
            let is_other = |case: &CaseReport| !case.apis.iter().any(|api| apis.contains(api));
            let mut rows = vec![Row { api: None, cells: cells(&|case| case.domain() == name && is_other(case)) }];
            rows.extend(apis.iter().map(|api| Row {
                api: Some(api.clone()),
                cells: cells(&|case| case.domain() == name && case.apis.contains(api)),
            }));
            rows.retain(|row| row.cells.iter().any(|cell| !cell.cases.is_empty()) || (is_whole && row.api.is_some()));
            if !rows.is_empty() {
                domains.push(Domain { cells: cells(&|case| case.domain() == name), name, rows });
            }
        }
        Self { backends: reports.iter().map(|report| report.backend.as_str()).collect(), domains }
    }
}

impl Row<'_> {
    /// What to call it.
    pub(super) fn label(&self) -> &str {
        self.api.as_deref().unwrap_or("in general")
    }
}

impl Cell<'_> {
    /// How its cases stand.
    pub(super) fn tally(&self) -> Tally {
        Tally::of(self.cases.iter().copied())
    }
}

impl Tally {
    pub(super) fn of<'a>(cases: impl IntoIterator<Item = &'a CaseReport>) -> Self {
        let mut tally = Self::default();
        for case in cases {
            *match case.verdict {
                Verdict::Passed => &mut tally.passed,
                Verdict::Failed { .. } => &mut tally.failed,
                Verdict::Unsupported { .. } => &mut tally.unsupported,
                Verdict::Ignored { .. } => &mut tally.ignored,
                Verdict::KnownFailure { .. } => &mut tally.known,
            } += 1;
        }
        tally
    }

    pub(super) fn total(self) -> usize {
        self.passed + self.failed + self.unsupported + self.ignored + self.known
    }

    /// In a few words, such as `12/12 ok`.
    pub(super) fn words(self) -> String {
        if self.total() == 0 {
            return "no case".to_owned();
        }
        if self.failed > 0 {
            return format!("{} FAILED", self.failed);
        }
        if self.unsupported == self.total() {
            return "unsupported".to_owned();
        }
        let rest = [(self.unsupported, "unsupported"), (self.ignored, "ignored"), (self.known, "known failure")];
        let rest = rest.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}"));
        format!("{}/{} ok{}", self.passed, self.total(), rest.collect::<String>())
    }

    /// The verdict that matters most.
    pub(super) fn word(self) -> &'static str {
        let ranked = [
            (self.failed, "failed"),
            (self.known, "known"),
            (self.ignored, "ignored"),
            (self.passed, "passed"),
            (self.unsupported, "unsupported"),
        ];
        ranked.iter().find(|(count, _)| *count > 0).map_or("none", |(_, word)| word)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::report::fixture, *};

    const APIS: &str = "# APIs\n\n## hce\n\n### wx.startHCE\n\n### wx.onHCEMessage\n\n## login\n\n### wx.login\n\n### wx.checkSession\n\n## user\n\n### wx.getUserInfo\n";

    fn rows(is_whole: bool) -> Vec<String> {
        let reports = fixture();
        let matrix = Matrix::new(&domains(APIS), &reports, is_whole);
        let row = |domain: &str, row: &Row<'_>| {
            let cells: Vec<String> = row.cells.iter().map(|cell| cell.tally().words()).collect();
            format!("{domain} {}: {}", row.label(), cells.join(" | "))
        };
        matrix.domains.iter().flat_map(|domain| domain.rows.iter().map(|r| row(&domain.name, r)).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn cases_stand_with_the_apis_they_are_about() {
        assert_eq!(
            rows(false),
            [
                "hce startHCE: 0/1 ok, 1 ignored | no case",
                "hce onHCEMessage: 0/1 ok, 1 ignored | no case",
                "login login: 1 FAILED | unsupported",
                "login checkSession: 1 FAILED | no case",
                "signature in general: 0/1 ok, 1 known failure | no case",
            ]
        );
    }

    #[test]
    fn a_whole_run_also_shows_apis_without_a_case() {
        assert!(rows(true).contains(&"user getUserInfo: no case | no case".to_owned()));
    }

    #[test]
    fn a_case_about_two_apis_counts_once_in_its_domain() {
        let reports = fixture();
        let matrix = Matrix::new(&domains(APIS), &reports, false);
        let totals: Vec<(String, usize)> =
            matrix.domains.iter().map(|domain| (domain.name.clone(), domain.cells[0].tally().total())).collect();
        assert_eq!(totals, [("hce".to_owned(), 1), ("login".to_owned(), 3), ("signature".to_owned(), 1)]);
    }

    #[test]
    fn the_verdict_that_matters_most_speaks_for_a_cell() {
        let tally = Tally { passed: 10, ignored: 2, ..Tally::default() };
        assert_eq!((tally.words().as_str(), tally.word()), ("10/12 ok, 2 ignored", "ignored"));
        let tally = Tally { failed: 1, ..tally };
        assert_eq!((tally.words().as_str(), tally.word()), ("1 FAILED", "failed"));
    }
}
