//! The derived page `docs/apis.md`: every API with its facts, parameters, results and behaviour.

use std::fmt::Write;

use super::contract::{Contract, Domain, Field, FieldType};

/// The text of `docs/apis.md`.
pub(crate) fn apis(contract: &Contract) -> String {
    let mut page = String::from(
        "<!-- Derived by `cargo xtask codegen` from the domain files of wx-api. Do not edit. -->\n\n\
         # Every API of the contract\n\n\
         Each line of behaviour names the conformance case that proves it. See [adding-an-api](adding-an-api.md).\n\n\
         | API | domain | since | scope | effect |\n|---|---|---|---|---|\n",
    );
    for domain in &contract.domains {
        for api in &domain.apis {
            line(
                &mut page,
                &format!(
                    "| [`wx.{name}`](#wx{anchor}) | {} | {} | {} | {} |",
                    domain.name,
                    version(api.since),
                    api.scope.as_deref().map_or("–".to_owned(), scope_name),
                    api.effect.to_lowercase(),
                    name = api.name,
                    anchor = api.name.to_lowercase(),
                ),
            );
        }
        for event in &domain.events {
            line(
                &mut page,
                &format!(
                    "| [`wx.{name}`](#wx{anchor}) | {} | {} | – | event |",
                    domain.name,
                    version(event.since),
                    name = event.on,
                    anchor = event.on.to_lowercase(),
                ),
            );
        }
    }
    line(&mut page, "\n| scope | covers |\n|---|---|");
    for (name, docs) in &contract.scopes {
        line(&mut page, &format!("| `{name}` | {} |", plain(docs)));
    }
    for domain in &contract.domains {
        heading(&mut page, domain);
        for api in &domain.apis {
            line(&mut page, &format!("\n### wx.{}\n\n{}", api.name, plain(&api.docs)));
            table(&mut page, "Parameters", &api.params);
            let mut fields = api.fields.clone();
            if api.err_code {
                fields.push(Field {
                    name: "errCode".to_owned(),
                    ty: FieldType::Number,
                    required: true,
                    since: None,
                    docs: "0 on success.".to_owned(),
                });
            }
            table(&mut page, "Result", &fields);
        }
        for event in &domain.events {
            line(&mut page, &format!("\n### wx.{}\n\nTaken off with `wx.{}`.\n\n{}", event.on, event.off, plain(&event.docs)));
            table(&mut page, "Event", &event.fields);
        }
    }
    for domain in &contract.server_domains {
        heading(&mut page, domain);
    }
    page
}

fn heading(page: &mut String, domain: &Domain) {
    line(page, &format!("\n## {}\n\n{}\n\n{}", domain.name, domain.summary, plain(&domain.docs)));
}

fn table(page: &mut String, title: &str, fields: &[Field]) {
    if fields.is_empty() {
        return;
    }
    line(page, &format!("\n{title}:\n\n| name | type | | |\n|---|---|---|---|"));
    for field in fields {
        let need = if field.required { "" } else { "optional" };
        line(page, &format!("| `{}` | {} | {need} | {} |", field.name, type_text(&field.ty), plain(&field.about())));
    }
}

fn type_text(ty: &FieldType) -> String {
    match ty {
        FieldType::String => "string".to_owned(),
        FieldType::Number => "number".to_owned(),
        FieldType::Boolean => "boolean".to_owned(),
        FieldType::Buffer => "ArrayBuffer".to_owned(),
        FieldType::OneOf { texts, .. } => texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", "),
        FieldType::Array(element) => format!("array of {}", type_text(element)),
        FieldType::Map(_, value) => format!("object of {}", type_text(value)),
        FieldType::Object(fields) => {
            format!("object: {}", fields.iter().map(|(name, ..)| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Documentation with its headings turned into bold text and its links to Rust items turned into plain names. Examples stay
/// behind: they are Rust, and the page is for whoever writes scripts, too.
fn plain(docs: &str) -> String {
    let (mut text, mut in_example) = (String::new(), false);
    for docs_line in docs.lines() {
        if docs_line.starts_with("```") {
            in_example = !in_example;
            continue;
        }
        if in_example || (docs_line.is_empty() && text.ends_with("\n\n")) {
            continue;
        }
        let docs_line = docs_line.strip_prefix("# ").map_or(docs_line.to_owned(), |title| format!("**{title}**"));
        line(&mut text, &docs_line);
    }
    unlink(text.trim_end())
}

/// ``[`X`](path)`` and ``[`X`]`` become `` `X` ``; other links stay.
fn unlink(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(start) = rest.find("[`") {
        out.push_str(&rest[..start]);
        let Some(end) = rest[start..].find("`]").map(|at| start + at + 2) else { break };
        out.push_str(&rest[start + 1..end - 1]);
        rest = &rest[end..];
        if rest.starts_with('(') {
            rest = rest.find(')').map_or(rest, |at| &rest[at + 1..]);
        }
    }
    out + rest
}

fn version((major, minor, patch): (u16, u16, u16)) -> String {
    format!("{major}.{minor}.{patch}")
}

/// `UserInfo` → `scope.userInfo`.
fn scope_name(variant: &str) -> String {
    let (first, rest) = variant.split_at(1);
    format!("`scope.{}{rest}`", first.to_lowercase())
}

fn line(page: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(page, "{text}");
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn examples_stay_behind_and_headings_become_bold() {
        let docs = "What it is.\n\n```\n# use hidden;\nshown();\n```\n\n# Behavior\n\n- a bullet with [`Link`](path)";
        assert_eq!(plain(docs), "What it is.\n\n**Behavior**\n\n- a bullet with `Link`");
    }
}
