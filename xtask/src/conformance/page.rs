//! The report as one HTML page that needs nothing else.

use std::fmt::Write as _;

use super::{
    matrix::{Cell, Domain, Matrix, Row, Tally},
    report::{self, CaseReport, Note, Report, Verdict},
    terminal,
};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page. Without a script every case is visible; with it, each cell opens its own.
pub(super) fn render(matrix: &Matrix<'_>, reports: &[Report]) -> String {
    let tally = Tally::of(reports.iter().flat_map(|report| &report.cases));
    let broken = reports.iter().filter(|report| report.broken.is_some()).count();
    let headline = match (broken, tally.failed) {
        (0, 0) => format!("All {} verdicts are as they should be", tally.total()),
        (0, 1) => format!("1 of {} verdicts is not as it should be", tally.total()),
        (0, count) => format!("{count} of {} verdicts are not as they should be", tally.total()),
        (1, _) => "1 backend could not be judged".to_owned(),
        (count, _) => format!("{count} backends could not be judged"),
    };
    let mark = if broken + tally.failed == 0 { "passed" } else { "failed" };
    let heads: String = matrix.backends.iter().map(|name| format!("<th scope=\"col\">{}</th>", escape(name))).collect();
    let bodies: String = matrix.domains.iter().enumerate().map(|(index, domain)| domain_body(index, domain, matrix)).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Conformance: {headline}</title>\n\
         <style>\n{STYLE}</style>\n<script>document.documentElement.classList.add(\"js\")</script>\n</head>\n<body>\n\
         <header>\n<p class=\"kicker\">wx · conformance</p>\n<h1 class=\"{mark}\">{headline}</h1>\n\
         <p>{summary}</p>\n<div class=\"backends\">\n{bars}</div>\n</header>\n<main>\n{notes}\
         <form role=\"search\" id=\"controls\">\n\
         <label for=\"filter\">Filter</label>\n\
         <input type=\"search\" id=\"filter\" placeholder=\"API, case, profile or reason\" autocomplete=\"off\">\n\
         <fieldset><legend>Show</legend>{choices}</fieldset>\n<output id=\"count\" for=\"filter\"></output>\n</form>\n\
         <table>\n<caption>What each backend does, by API. Open a cell to see its cases.</caption>\n\
         <thead><tr><th scope=\"col\">API</th>{heads}</tr></thead>\n{bodies}</table>\n</main>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        summary = terminal::summary(tally),
        bars = reports.iter().map(bar).collect::<String>(),
        notes = notes(reports),
        choices = choices(tally),
    )
}

/// One backend in a line: how much of it has which verdict.
fn bar(report: &Report) -> String {
    let tally = Tally::of(&report.cases);
    let parts: String = verdicts(tally)
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("<i class=\"{word}\" style=\"flex-grow:{count}\" title=\"{count} {}\"></i>", label(word)))
        .collect();
    let name = escape(&report.backend);
    format!(
        "<div><strong>{name}</strong> <span>{}</span><div class=\"bar\" aria-hidden=\"true\">{parts}</div></div>\n",
        if report.broken.is_some() { "could not be judged".to_owned() } else { tally.words() }
    )
}

/// What needs words before the table: what is broken and what failed open, the rest closed.
fn notes(reports: &[Report]) -> String {
    let broken = |report: &Report| {
        let why = escape(report.broken.as_ref()?);
        let name = escape(&report.backend);
        Some(format!(
            "<details class=\"note failed\" open><summary>{name} could not be judged</summary>\n\
             <ul>\n<li><p class=\"reason\">{why}</p></li>\n</ul></details>\n"
        ))
    };
    let mut text: String = reports.iter().filter_map(broken).collect();
    for (title, word, open) in [("Failed", "failed", " open"), ("Known failures", "known", ""), ("Ignored", "ignored", "")] {
        let notes = report::notes(reports, word);
        let items: Vec<String> = notes.iter().map(note).collect();
        if !items.is_empty() {
            let count: usize = notes.iter().map(|note| note.profiles.len()).sum();
            let items = items.concat();
            let _ = write!(
                text, // writing to a String cannot fail
                "<details class=\"note {word}\"{open}><summary>{title} <b>{count}</b></summary>\n<ul>\n{items}</ul></details>\n"
            );
        }
    }
    text
}

fn note(note: &Note<'_>) -> String {
    format!(
        "<li><code>{}</code> <span class=\"where\">{} · {}</span><p class=\"reason\">{}</p></li>\n",
        name(note.case),
        escape(note.backend),
        escape(&note.profiles.join(", ")),
        escape(&note.reason)
    )
}

/// The verdicts to choose from: those there are.
fn choices(tally: Tally) -> String {
    let all = [("all", tally.total())].into_iter().chain(verdicts(tally).filter(|(_, count)| *count > 0));
    all.map(|(word, count)| {
        let checked = if word == "all" { " checked" } else { "" };
        format!(
            "<label><input type=\"radio\" name=\"verdict\" value=\"{word}\"{checked}><span>{} <b>{count}</b></span></label>",
            label(word)
        )
    })
    .collect()
}

fn domain_body(index: usize, domain: &Domain<'_>, matrix: &Matrix<'_>) -> String {
    let cells: String = domain.cells.iter().map(|cell| format!("<td>{}</td>", badge(cell.tally()))).collect();
    let rows: String =
        domain.rows.iter().enumerate().map(|(row, found)| row_pair(&format!("{index}-{row}"), found, domain, matrix)).collect();
    format!("<tbody>\n<tr class=\"domain\"><th scope=\"rowgroup\">{}</th>{cells}</tr>\n{rows}</tbody>\n", escape(&domain.name))
}

/// The row of an API and, below it, a row for each cell that opens.
fn row_pair(id: &str, row: &Row<'_>, domain: &Domain<'_>, matrix: &Matrix<'_>) -> String {
    let columns = matrix.backends.len() + 1;
    let title = match &row.api {
        Some(api) => format!("<code>wx.{}</code>", name(api)),
        None => format!("{} in general", escape(&domain.name)),
    };
    let (mut cells, mut panels) = (String::new(), String::new());
    for (column, (cell, backend)) in row.cells.iter().zip(&matrix.backends).enumerate() {
        if cell.cases.is_empty() {
            let _ = write!(cells, "<td>{}</td>", badge(cell.tally())); // writing to a String cannot fail
            continue;
        }
        let panel = format!("cases-{id}-{column}");
        let _ = write!(
            cells,
            "<td><button type=\"button\" aria-expanded=\"false\" aria-controls=\"{panel}\">{}</button></td>",
            badge(cell.tally())
        );
        let _ = write!(
            panels,
            "<tr class=\"panel\" id=\"{panel}\"><td colspan=\"{columns}\"><h3>{title} <span>on {}</span></h3>\n<ul>\n{}</ul></td></tr>\n",
            escape(backend),
            cases(cell, row.label())
        );
    }
    format!("<tr class=\"api\"><th scope=\"row\">{title}</th>{cells}</tr>\n{panels}")
}

/// The cases of a cell: one line per case, its profiles beside one another.
fn cases(cell: &Cell<'_>, api: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for case in &cell.cases {
        if !names.contains(&case.case.as_str()) {
            names.push(&case.case);
        }
    }
    names
        .into_iter()
        .map(|wanted| {
            let runs: Vec<&CaseReport> = cell.cases.iter().copied().filter(|case| case.case == wanted).collect();
            let mut found = format!("{api} {wanted}");
            let (mut badges, mut reasons) = (String::new(), String::new());
            for run in &runs {
                let word = run.verdict.word();
                let why = run.verdict.reason().unwrap_or_default();
                let _ = write!(found, " {} {} {why}", run.profile, label(word));
                let _ = write!(
                    badges,
                    "<span class=\"run {word}\"><span class=\"mark\">{}</span> {} <small>{}</small></span>",
                    label(word),
                    escape(&run.profile),
                    time(run.micros)
                );
                let text = reason(run);
                if !reasons.contains(&text) {
                    reasons += &text;
                }
            }
            let words: Vec<&str> = runs.iter().map(|run| run.verdict.word()).collect();
            format!(
                "<li class=\"case\" data-verdicts=\"{}\" data-text=\"{}\"><code>{}</code><div>{badges}</div>{reasons}</li>\n",
                words.join(" "),
                escape(&found.to_lowercase()),
                name(wanted)
            )
        })
        .collect()
}

fn reason(case: &CaseReport) -> String {
    // An unsupported case gives the same reason as all others around it: its verdict says enough.
    match (&case.verdict, case.verdict.reason()) {
        (Verdict::Unsupported { .. }, _) | (_, None) => String::new(),
        (_, Some(reason)) => format!("<p class=\"reason\">{}</p>", escape(&reason)),
    }
}

fn badge(tally: Tally) -> String {
    format!("<span class=\"badge {}\">{}</span>", tally.word(), tally.words().replace(" ok", "&nbsp;ok"))
}

fn verdicts(tally: Tally) -> impl Iterator<Item = (&'static str, usize)> {
    [
        ("failed", tally.failed),
        ("known", tally.known),
        ("ignored", tally.ignored),
        ("passed", tally.passed),
        ("unsupported", tally.unsupported),
    ]
    .into_iter()
}

fn label(word: &str) -> &str {
    if word == "known" { "known failure" } else { word }
}

fn time(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

/// A long name that may break between its words.
fn name(text: &str) -> String {
    let mut name = String::new();
    let mut after_small = false;
    for letter in text.chars() {
        if after_small && letter.is_uppercase() {
            name += "<wbr>";
        }
        name += &escape(&letter.to_string());
        if letter == '_' || letter == ':' {
            name += "<wbr>";
        }
        after_small = letter.is_lowercase();
    }
    name.replace(":<wbr>:", "::")
}

/// Text as it may stand in HTML, between tags and in attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{
        super::{matrix::domains, report::fixture},
        *,
    };

    fn page() -> String {
        let reports = fixture();
        let declared = domains("## login\n### wx.login\n### wx.checkSession\n## user\n### wx.getUserInfo\n");
        render(&Matrix::new(&declared, &reports, true), &reports)
    }

    /// Every tag that opens is closed, in the right order.
    fn unbalanced(html: &str) -> Option<String> {
        let mut open: Vec<String> = Vec::new();
        let html = html.replace(STYLE, "").replace(SCRIPT, "");
        for tag in html.split('<').skip(1).map(|part| part.split('>').next().unwrap_or_default()) {
            let name = tag.split([' ', '\n']).next().unwrap_or_default();
            match name.strip_prefix('/') {
                Some(name) => match open.pop() {
                    Some(last) if last == name => {}
                    last => return Some(format!("</{name}> after <{last:?}>")),
                },
                None if ["!DOCTYPE", "meta", "input", "wbr"].contains(&name) => {}
                None => open.push(name.to_owned()),
            }
        }
        open.pop()
    }

    #[test]
    fn the_page_is_well_formed() {
        assert_eq!(unbalanced(&page()), None);
    }

    #[test]
    fn texts_from_reports_are_escaped() {
        let page = page();
        assert!(page.contains("expected &quot;ok&quot;, got &lt;script&gt;alert(&#39;1 &amp; 2&#39;)&lt;/script&gt;"));
        assert!(page.contains("desk&lt;top&gt;"));
        assert!(!page.contains("<script>alert") && !page.contains("desk<top>"));
    }

    #[test]
    fn the_page_needs_nothing_else() {
        let page = page();
        for part in ["http:", "https:", "src=", "href=", "@import", "url("] {
            assert!(!page.contains(part), "{part} is in the page");
        }
    }

    #[test]
    fn every_cell_opens_its_cases() {
        let page = page().replace(SCRIPT, "");
        let controls: Vec<&str> = page.split("aria-controls=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(controls.len() >= 4, "{controls:?}");
        for id in controls {
            assert_eq!(page.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
        }
    }

    #[test]
    fn a_case_shows_verdict_profile_time_and_reason() {
        let page = page();
        let run = "<span class=\"run failed\"><span class=\"mark\">failed</span> android 3.16.2 <small>1.2 s</small></span>";
        assert!(page.contains(run));
        assert!(page.contains("<p class=\"reason\">this world has no reader</p>"));
        assert!(page.contains("data-verdicts=\"passed passed\""), "both profiles of a case stand in one line");
        assert!(page.contains("<h1 class=\"failed\">1 of 6 verdicts is not as it should be</h1>"));
    }

    #[test]
    fn an_api_without_a_case_says_so() {
        assert!(
            page().contains("<code>wx.get<wbr>User<wbr>Info</code></th><td><span class=\"badge none\">no case</span></td>")
        );
    }

    #[test]
    fn a_backend_that_could_not_be_judged_is_not_passed_over() {
        let mut reports = fixture();
        reports.push(Report::broken("desktop", &"error: expected `;`, found <eof>"));
        let page = render(&Matrix::new(&[], &reports, false), &reports);
        assert!(page.contains("<h1 class=\"failed\">1 backend could not be judged</h1>"));
        assert!(page.contains("desktop could not be judged") && page.contains("expected `;`, found &lt;eof&gt;"));
        assert_eq!(unbalanced(&page), None);
    }

    #[test]
    fn times_are_short() {
        assert_eq!([0, 999, 1_000, 81_250, 1_204_000].map(time), ["0 µs", "999 µs", "1.0 ms", "81.2 ms", "1.2 s"]);
    }
}
