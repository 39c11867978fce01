//! How the console shows a value: as the usual consoles do, on one line.

use rquickjs::{Coerced, Function, Object, Symbol, Type, Value, promise::PromiseState};

use crate::arguments::{buffer, length};

/// How many levels of objects are opened.
const DEEPEST: usize = 3;

/// How many elements or fields of one object are shown.
const MOST: usize = 100;

/// About where a text ends that would grow without end.
const LONGEST: usize = 16 << 10;

/// Values as the console shows them, on a line that ends about here: a string as it is, anything else opened up.
pub(crate) fn line(values: &[Value<'_>], longest: usize) -> String {
    let mut line = String::new();
    for (i, value) in values.iter().enumerate() {
        if line.len() > longest {
            line.push('…');
            break;
        }
        if i > 0 {
            line.push(' ');
        }
        line.push_str(&if value.is_string() { whole(value) } else { inspect(value) });
    }
    line
}

/// A value as the console shows it inside another.
pub(crate) fn inspect(value: &Value<'_>) -> String {
    let mut inspector = Inspector { out: String::new(), open: Vec::new() };
    inspector.value(value);
    inspector.out
}

struct Inspector<'js> {
    out: String,
    /// The objects around this place, for those that contain themselves.
    open: Vec<Value<'js>>,
}

impl<'js> Inspector<'js> {
    fn put(&mut self, text: impl AsRef<str>) {
        self.out.push_str(text.as_ref());
    }

    fn value(&mut self, value: &Value<'js>) {
        match value.type_of() {
            Type::String => self.put(quoted(&text(value))),
            Type::Symbol => {
                let description = value.as_symbol().and_then(|symbol| Symbol::description(symbol).ok());
                let description = description.filter(Value::is_string).map_or_else(String::new, |name| text(&name));
                self.put(format!("Symbol({description})"));
            }
            Type::BigInt => self.put(format!("{}n", text(value))),
            Type::Function | Type::Constructor => self.function(value),
            Type::Array | Type::Object | Type::Exception | Type::Promise => self.object(value),
            Type::Proxy => self.put("[Proxy]"),
            _ => self.put(text(value)),
        }
    }

    fn function(&mut self, value: &Value<'js>) {
        let name = value.as_object().and_then(|function| caught(function, function.get::<_, Value<'js>>("name")));
        match name.filter(Value::is_string).map(|name| text(&name)).filter(|name| !name.is_empty()) {
            Some(name) => self.put(format!("[Function: {name}]")),
            None => self.put("[Function (anonymous)]"),
        }
    }

    fn object(&mut self, value: &Value<'js>) {
        let Some(object) = value.as_object() else { return };
        if self.open.contains(value) {
            return self.put("[Circular]");
        }
        if value.is_error() {
            return self.error(object);
        }
        if let Some(buffer) = buffer(value) {
            return self.put(format!("ArrayBuffer({})", buffer.len()));
        }
        let class = class(object);
        if self.open.len() >= DEEPEST {
            let class = if value.is_array() { "Array" } else { class.as_deref().unwrap_or("Object") };
            return self.put(format!("[{class}]"));
        }
        self.open.push(value.clone());
        if value.is_array() || class.as_deref().is_some_and(is_typed_array) {
            if let Some(class) = class.filter(|class| class != "Array") {
                self.put(format!("{class}({}) ", length(value).unwrap_or(0)));
            }
            self.elements(object, length(value).unwrap_or(0));
        } else {
            match class.as_deref() {
                Some("Object") => {}
                Some("Date") => self.put(format!("{} ", text(value))),
                Some(class) => self.put(format!("{class} ")),
                None => self.put("[Object: null prototype] "),
            }
            match value.as_promise().map(rquickjs::Promise::state) {
                Some(PromiseState::Pending) => self.put("{ <pending> }"),
                Some(PromiseState::Rejected) => self.put("{ <rejected> }"),
                Some(PromiseState::Resolved) => self.put("{ <fulfilled> }"),
                None => self.fields(object),
            }
        }
        self.open.pop();
    }

    fn error(&mut self, error: &Object<'js>) {
        let part = |name| caught(error, error.get::<_, Coerced<String>>(name)).map_or_else(String::new, |text| text.0);
        let (name, message, stack) = (part("name"), part("message"), part("stack"));
        self.put(if name.is_empty() { "Error" } else { &name });
        for (before, text) in [(": ", message.as_str()), ("\n", stack.trim_end())] {
            if !text.is_empty() {
                self.put(before);
                self.put(text);
            }
        }
    }

    fn elements(&mut self, array: &Object<'js>, length: usize) {
        let shown = length.min(MOST);
        self.list("[", "]", shown, length - shown, |this, i| {
            let index = u32::try_from(i).unwrap_or(u32::MAX);
            match caught(array, array.get::<_, Value<'js>>(index)) {
                Some(element) => this.value(&element),
                None => this.put("<unreadable>"),
            }
        });
    }

    fn fields(&mut self, object: &Object<'js>) {
        let names: rquickjs::Result<Vec<String>> = object.keys().take(MOST + 1).collect();
        let Some(names) = caught(object, names) else { return self.put("{ <unreadable> }") };
        let shown = names.len().min(MOST);
        self.list("{", "}", shown, names.len() - shown, |this, i| {
            let name = names[i].as_str();
            let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
            this.put(if plain { name.to_owned() } else { quoted(name) });
            this.put(": ");
            match caught(object, object.get::<_, Value<'js>>(name)) {
                Some(field) => this.value(&field),
                None => this.put("<unreadable>"),
            }
        });
    }

    fn list(&mut self, open: &str, close: &str, shown: usize, hidden: usize, mut item: impl FnMut(&mut Self, usize)) {
        self.put(open);
        for i in 0..shown {
            self.put(if i > 0 { ", " } else { " " });
            if self.out.len() > LONGEST {
                self.out.push('…');
                break;
            }
            item(self, i);
        }
        if hidden > 0 {
            self.put(", …");
        }
        if shown > 0 {
            self.out.push(' ');
        }
        self.put(close);
    }
}

/// The name of an object's constructor.
fn class(object: &Object<'_>) -> Option<String> {
    object.get_prototype()?;
    let constructor = caught(object, object.get::<_, Value<'_>>("constructor"))?;
    let constructor = Function::from_value(constructor).ok()?;
    let name = caught(object, constructor.get::<_, Value<'_>>("name"))?;
    Some(text(&name)).filter(|name| name.len() < 64)
}

fn is_typed_array(class: &str) -> bool {
    class.ends_with("Array") && class != "Array"
}

/// What came of asking, with nothing left thrown.
fn caught<T>(object: &Object<'_>, result: rquickjs::Result<T>) -> Option<T> {
    result.map_err(|_| object.ctx().catch()).ok()
}

/// A primitive, or what an object says of itself, as much of it as is worth showing.
fn text(value: &Value<'_>) -> String {
    shortened(whole(value))
}

/// The beginning of a text that would go on and on.
pub(crate) fn shortened(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn whole(value: &Value<'_>) -> String {
    let text = match value.as_string() {
        Some(string) => string.to_string(),
        None => value.get::<Coerced<String>>().map(|text| text.0),
    };
    text.unwrap_or_else(|_| {
        value.ctx().catch();
        "<unreadable>".to_owned()
    })
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\n', "\\n");
    if escaped.contains('\'') && !escaped.contains('"') {
        format!("\"{escaped}\"")
    } else {
        format!("'{}'", escaped.replace('\'', "\\'"))
    }
}
