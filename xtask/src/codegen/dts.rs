//! The derived TypeScript declarations of the `wx` global.

use std::fmt::Write;

use super::contract::{Contract, Field, FieldType};

/// The text of `wx.d.ts`.
pub(crate) fn declarations(contract: &Contract) -> String {
    let mut text = String::from(
        "// Derived by `cargo xtask codegen` from the domain files of wx-api. Do not edit.\n\n\
         /** What every answer carries. */\n\
         interface WxAnswer {\n  /** `<api>:ok`, or `<api>:fail <reason>`. */\n  errMsg: string\n  /** Where its page documents one; 0 on success. */\n  errCode?: number\n}\n\n\
         /** The callbacks of every call: success then complete, or fail then complete. */\n\
         interface WxCallbacks<T> {\n  success?: (result: T & WxAnswer) => void\n  fail?: (error: WxAnswer) => void\n  complete?: (answer: WxAnswer) => void\n}\n\n\
         interface Wx {\n",
    );
    for domain in &contract.domains {
        for api in &domain.apis {
            let required = api.params.iter().any(|param| param.required);
            let result = object(&api.fields, 1);
            comment(&mut text, &api.docs);
            put(
                &mut text,
                &format!(
                    "  {}(options{}: {} & WxCallbacks<{result}>): Promise<{result} & WxAnswer>",
                    api.name,
                    if required { "" } else { "?" },
                    object(&api.params, 1),
                ),
            );
        }
        for event in &domain.events {
            let listener = format!("(event: {}) => void", object(&event.fields, 1));
            comment(&mut text, &event.docs);
            put(&mut text, &format!("  {}(listener: {listener}): void", event.on));
            put(&mut text, &format!("  /** Takes one listener off, or all. */\n  {}(listener?: {listener}): void", event.off));
        }
    }
    text + "}\n\ndeclare const wx: Wx\n"
}

fn object(fields: &[Field], depth: usize) -> String {
    if fields.is_empty() {
        return "{}".to_owned();
    }
    let indent = "  ".repeat(depth + 1);
    let mut text = String::from("{\n");
    for field in fields {
        let summary = field.docs.replace('\n', " ");
        let optional = if field.required { "" } else { "?" };
        put(&mut text, &format!("{indent}/** {summary} */\n{indent}{}{optional}: {}", field.name, ts(&field.ty)));
    }
    text + &"  ".repeat(depth) + "}"
}

fn ts(ty: &FieldType) -> String {
    match ty {
        FieldType::String => "string".to_owned(),
        FieldType::Number => "number".to_owned(),
        FieldType::Boolean => "boolean".to_owned(),
        FieldType::Buffer => "ArrayBuffer".to_owned(),
        FieldType::OneOf { texts, .. } => texts.iter().map(|text| format!("'{text}'")).collect::<Vec<_>>().join(" | "),
        FieldType::Array(element) => format!("Array<{}>", ts(element)),
        FieldType::Map(key, value) => format!("{{ [key in {}]?: {} }}", ts(key), ts(value)),
        FieldType::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, ty, required)| format!("{name}{}: {}", if *required { "" } else { "?" }, ts(ty)))
                .collect();
            format!("{{ {} }}", fields.join("; "))
        }
    }
}

/// The first line of the documentation as a comment; the rest is the specification, in `docs/apis.md`.
fn comment(text: &mut String, docs: &str) {
    put(text, &format!("  /** {} */", docs.lines().next().unwrap_or_default()));
}

fn put(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}
