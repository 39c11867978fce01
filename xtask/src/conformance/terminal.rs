//! The report on the terminal.

use std::fmt::Write as _;

use super::{
    matrix::{Cell, Matrix, Tally},
    report::{self, Report},
};

/// The matrix, then what needs words: failures, known failures, what was ignored. A summary is the last line.
pub(super) fn render(matrix: &Matrix<'_>, reports: &[Report], is_colored: bool) -> String {
    let mut text = String::new();
    let labels = matrix.domains.iter().flat_map(|domain| domain.rows.iter().map(|row| row.label().len() + 2));
    let first = labels.chain(matrix.domains.iter().map(|domain| domain.name.len())).max().unwrap_or(0);
    let cells = matrix.domains.iter().flat_map(|domain| domain.rows.iter().map(|row| &row.cells).chain([&domain.cells]));
    let widths: Vec<usize> = (0..matrix.backends.len())
        .map(|column| cells.clone().map(|cells| cells[column].tally().words().len()).max().unwrap_or(0))
        .zip(&matrix.backends)
        .map(|(width, name)| width.max(name.chars().count()))
        .collect();

    let mut line = |label: &str, cells: Vec<(String, &str)>| {
        let mut line = format!("{label:first$}");
        for ((words, word), width) in cells.into_iter().zip(&widths) {
            let padded = format!("{words:width$}");
            let _ = write!(line, "  {}", paint(&padded, word, is_colored)); // writing to a String cannot fail
        }
        text += line.trim_end();
        text.push('\n');
    };
    let words = |cells: &[Cell<'_>]| -> Vec<(String, &str)> {
        cells.iter().map(|cell| (cell.tally().words(), cell.tally().word())).collect()
    };
    line("", matrix.backends.iter().map(|name| ((*name).to_owned(), "head")).collect());
    for domain in &matrix.domains {
        line(&domain.name, words(&domain.cells));
        for row in &domain.rows {
            line(&format!("  {}", row.label()), words(&row.cells));
        }
    }

    for (title, word) in [("Failed", "failed"), ("Known failures", "known"), ("Ignored", "ignored")] {
        let found: Vec<String> = report::notes(reports, word)
            .iter()
            .map(|note| {
                let reason = note.reason.replace('\n', "\n      ");
                format!("  {} {} [{}]\n      {reason}", note.backend, note.case, note.profiles.join(", "))
            })
            .collect();
        if !found.is_empty() {
            let _ = writeln!(text, "\n{}\n{}", paint(title, word, is_colored), found.join("\n"));
        }
    }
    let tally = Tally::of(reports.iter().flat_map(|report| &report.cases));
    let _ = writeln!(text, "\n{}", paint(&summary(tally), tally.word(), is_colored));
    text
}

/// Everything in one line.
pub(super) fn summary(tally: Tally) -> String {
    format!(
        "{} judged: {} passed, {} failed, {} unsupported, {} ignored, {} known to fail",
        tally.total(),
        tally.passed,
        tally.failed,
        tally.unsupported,
        tally.ignored,
        tally.known
    )
}

fn paint(text: &str, word: &str, is_colored: bool) -> String {
    let color = match word {
        "passed" => "32",
        "failed" => "1;31",
        "ignored" | "known" => "33",
        "head" => "1",
        _ => "2",
    };
    if is_colored { format!("\x1b[{color}m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{super::report::fixture, *};

    fn rendered(is_colored: bool) -> String {
        let reports = fixture();
        render(&Matrix::new(&[], &reports, false), &reports, is_colored)
    }

    #[test]
    fn columns_line_up() {
        let text = rendered(false);
        let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
        assert_eq!(
            lines,
            [
                "              mock                     desk<top>",
                "login         1 FAILED                 unsupported",
                "  in general  1 FAILED                 unsupported",
                "signature     0/1 ok, 1 known failure  no case",
                "  in general  0/1 ok, 1 known failure  no case",
                "hce           0/1 ok, 1 ignored        no case",
                "  in general  0/1 ok, 1 ignored        no case",
            ]
        );
    }

    #[test]
    fn whatever_needs_words_gets_them() {
        let text = rendered(false);
        for part in [
            "Failed\n  mock login::check_session_ok_after_login [android 3.16.2]\n      expected \"ok\"",
            "Known failures\n  mock signature::is_lower_case_hex [android 3.16.2]\n      upper case until the next release\n",
            "Ignored\n  mock hce::reader_leaves [android 3.16.2]\n      this world has no reader\n",
        ] {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
        assert!(text.ends_with("\n6 judged: 2 passed, 1 failed, 1 unsupported, 1 ignored, 1 known to fail\n"));
    }

    #[test]
    fn colors_are_for_terminals_only() {
        assert!(!rendered(false).contains('\x1b'));
        assert!(rendered(true).contains("\x1b[1;31m1 FAILED"));
    }
}
