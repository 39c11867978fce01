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
         interface WxCallbacks<T> {\n  success?: (result: T & WxAnswer) => void\n  fail?: (error: WxAnswer) => void\n  complete?: (answer: WxAnswer) => void\n}\n\n",
    );
    let mut methods = String::new();
    for domain in &contract.domains {
        for api in &domain.apis {
            let optional = if api.params.iter().any(|param| param.required) { "" } else { "?" };
            let (options, result) = (format!("{}Options", api.variant), &api.result);
            interface(&mut text, &options, &format!("Parameters of `wx.{}`.", api.name), &api.params);
            interface(&mut text, result, &format!("What `wx.{}` answers.", api.name), &api.fields);
            comment(&mut methods, &api.docs);
            put(
                &mut methods,
                &format!("  {}(options{optional}: {options} & WxCallbacks<{result}>): Promise<{result} & WxAnswer>", api.name),
            );
        }
        for event in &domain.events {
            let (on, off) = (&event.on, &event.off);
            interface(&mut text, &event.payload, &format!("The event of `wx.{on}`."), &event.fields);
            let listener = format!("(event: {}) => void", event.payload);
            comment(&mut methods, &event.docs);
            put(&mut methods, &format!("  {on}(listener: {listener}): void"));
            put(&mut methods, &format!("  /** Takes one listener off, or all. */\n  {off}(listener?: {listener}): void"));
        }
    }
    put(&mut methods, "  /** Whether an API, a parameter of one or a field of its answer is there: `login.object.timeout`. */");
    put(&mut methods, "  canIUse(schema: string): boolean");
    text + "\ninterface Wx {\n" + &methods + "}\n\ndeclare const wx: Wx\n"
}

fn interface(text: &mut String, name: &str, about: &str, fields: &[Field]) {
    put(text, &format!("\n/** {about} */\ninterface {name} {{"));
    for field in fields {
        let optional = if field.required { "" } else { "?" };
        put(text, &format!("  /** {} */\n  {}{optional}: {}", field.about(), field.name, ts(&field.ty)));
    }
    put(text, "}");
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
