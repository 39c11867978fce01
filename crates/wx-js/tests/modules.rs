//! `require` and ES modules, and the folder they cannot leave.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

mod common;

use std::fs;

use common::{block_on, builder, cx};
use wx_js::Fault;
use wx_mock::World;

/// Runs `app.js` in a folder of these files, beside a file it must not see.
fn run(files: &[(&str, &str)]) -> (Result<(), Fault>, Vec<String>) {
    run_main("app.js", files)
}

fn run_main(main: &str, files: &[(&str, &str)]) -> (Result<(), Fault>, Vec<String>) {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("secret.js"), "module.exports = 'secret'").unwrap();
    for (name, text) in files {
        let file = place.path().join("app").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let (builder, lines) = builder(&World::new(7), cx());
    let mut engine = builder.root(place.path().join("app")).build().unwrap();
    let result = block_on(engine.run_file(main));
    (result, lines.take())
}

fn says(files: &[(&str, &str)]) -> Vec<String> {
    let (result, lines) = run(files);
    assert_eq!(result, Ok(()), "{lines:?}");
    lines
}

#[test]
fn require_finds_files_folders_json_and_packages() {
    let said = says(&[
        (
            "app.js",
            "console.log(require('./a').name, require('./b'), require('./data.json').list, require('lib').x, module.id)",
        ),
        ("a.js", "exports.name = 'a' + require('./b/c.js')"),
        ("b/index.js", "module.exports = 'b'"),
        ("b/c.js", "module.exports = require('../data').list.length"),
        ("data.json", r#"{"list": [1, 2], "__proto__": 5}"#),
        ("miniprogram_npm/lib/index.js", "exports.x = require('./inner')"),
        ("miniprogram_npm/lib/inner.js", "module.exports = 'inner'"),
    ]);
    assert_eq!(said, ["a2 b [ 1, 2 ] inner app.js"]);
}

#[test]
fn a_module_runs_once_and_sees_what_a_circle_has_so_far() {
    let said = says(&[
        ("app.js", "console.log(require('./a').done, require('./a') === require('./a.js'))"),
        ("a.js", "console.log('a'); exports.early = 1; exports.done = require('./b').seen"),
        ("b.js", "exports.seen = Object.keys(require('./a')).join()"),
    ]);
    assert_eq!(said, ["a", "early true"]);
}

#[test]
fn modules_have_scopes_of_their_own() {
    let said = says(&[
        ("app.js", "const x = 1; var y = 2; require('./a'); console.log(x, y, typeof z, this === exports)"),
        ("a.js", "const x = 3; var y = 4; var z = 5"),
    ]);
    assert_eq!(said, ["1 2 undefined true"]);
}

#[test]
fn a_module_that_throws_is_tried_again() {
    let said = says(&[
        ("app.js", "for (const _ of [1, 2]) try { require('./a') } catch (error) { console.log(error.message) }"),
        ("a.js", "throw new Error('a')"),
    ]);
    assert_eq!(said, ["a", "a"]);
}

#[test]
fn es_modules_import_from_the_folder() {
    let files = [
        (
            "app.js",
            "import a, { b } from './lib/a.js';\nimport * as all from './lib';\nconsole.log(a, b, all.c, typeof require);\nconst late = await import('./lib/a');\nconsole.log(late.b)",
        ),
        ("lib/a.js", "export default 1; export const b = 2"),
        ("lib/index.js", "export { b as c } from './a.js'"),
    ];
    assert_eq!(says(&files), ["1 2 2 undefined", "2"]);
    let (result, said) = run_main("main.mjs", &[("main.mjs", "console.log(this)")]);
    assert_eq!((result, said), (Ok(()), vec!["undefined".to_owned()]));
}

#[test]
fn an_error_in_a_module_is_at_its_own_place() {
    for (files, place) in [
        (vec![("app.js", "require('./a')"), ("a.js", "\n  throw new Error('x')")], "a.js:2:13: Error: x"),
        (vec![("app.js", "require('./a')"), ("a.js", "throw new Error('x')")], "a.js:1:11: Error: x"),
        (vec![("app.js", "import './a.js'"), ("a.js", "throw new Error('x')")], "a.js:1:11: Error: x (in promise)"),
        (vec![("app.js", "import './a.js'"), ("a.js", "const = 1")], "a.js:1:7: SyntaxError: variable name expected"),
        (vec![("app.js", "await null; throw new Error('x')")], "app.js:1:23: Error: x (in promise)"),
    ] {
        let (result, _) = run(&files);
        let Err(Fault::Uncaught(uncaught)) = result else { panic!("{files:?}: {result:?}") };
        assert_eq!(uncaught.to_string(), place, "{files:?}");
    }
}

#[test]
fn a_module_that_waits_for_nothing_says_so() {
    let (result, _) = run(&[("app.js", "await new Promise(() => {})")]);
    assert_eq!(result, Err(Fault::Stuck("app.js".into())));
}

#[test]
fn no_name_leads_outside_the_folder() {
    for name in [
        "../secret.js",
        "../secret",
        "./../secret.js",
        "/etc/passwd",
        "//etc/passwd",
        "file:///etc/passwd",
        "..",
        "./x/../../secret",
    ] {
        let required = format!("try {{ console.log(require('{name}')) }} catch (error) {{ console.log('refused') }}");
        assert_eq!(says(&[("app.js", &required), ("x/y.js", "")]), ["refused"], "{name}");
        let imported = format!("import('{name}').then(console.log, () => console.log('refused'))");
        assert_eq!(says(&[("app.js", &imported), ("x/y.js", "")]), ["refused"], "{name}");
    }
}

#[cfg(unix)]
#[test]
fn no_link_leads_outside_the_folder() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("app")).unwrap();
    fs::write(place.path().join("secret.js"), "module.exports = 'secret'").unwrap();
    std::os::unix::fs::symlink(place.path().join("secret.js"), place.path().join("app/link.js")).unwrap();
    let (builder, lines) = builder(&World::new(7), cx());
    let mut engine = builder.root(place.path().join("app")).build().unwrap();
    let script = "try { console.log(require('./link')) } catch (error) { console.log(error.message) }";
    block_on(engine.run_source("app.js", script)).unwrap();
    assert_eq!(lines.take(), ["a link leads outside the folder"]);
    assert_eq!(
        block_on(engine.run_file("../secret.js")),
        Err(Fault::Unreadable("module './../secret.js' is outside the folder".into()))
    );
}

#[test]
fn without_a_folder_there_is_nothing_to_load() {
    let (builder, _) = builder(&World::new(7), cx());
    let mut engine = builder.build().unwrap();
    assert!(matches!(block_on(engine.run_file("app.js")), Err(Fault::Unreadable(_))));
    assert!(matches!(block_on(engine.run_source("app.js", "require('./a')")), Err(Fault::Uncaught(_))));
    let (builder, _) = common::builder(&World::new(7), cx());
    assert!(matches!(builder.root("/nowhere/at/all").build(), Err(Fault::Unreadable(_))));
}

#[test]
fn a_first_line_for_a_shell_and_a_byte_order_mark_are_fine() {
    assert_eq!(
        says(&[("app.js", "#!/usr/bin/env wx run\nconsole.log(require('./a'))"), ("a.js", "\u{feff}module.exports = 1")]),
        ["1"]
    );
}

#[test]
fn each_kind_of_module_loads_the_other() {
    let module = "export default 1; export const two = 2; export function three() { return two + 1 }";
    let script = "exports.two = 2; exports.three = () => 3; exports['not-a-name'] = 4; exports.class = 5; exports.default = 6";
    let compiled = "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = 1; exports.two = 2";
    for (main, file, text, said) in [
        (
            "const it = require('./a'); console.log(it.default, it.two, it.three(), require('./a') === it)",
            "a.js",
            module,
            "1 2 3 true",
        ),
        ("const it = require('./a.mjs'); import('./a.mjs').then(same => console.log(same === it))", "a.mjs", module, "true"),
        (
            "import it, { two, three } from './a.js'; console.log(it.two, two, three(), it['not-a-name'])",
            "a.js",
            script,
            "2 2 3 4",
        ),
        ("import * as it from './a.js'; console.log(it.class, it.default.default)", "a.js", script, "5 6"),
        ("import it, { two } from './a.js'; console.log(it, two)", "a.js", compiled, "1 2"),
        ("import it from './a.js'; console.log(it)", "a.js", "module.exports = null", "null"),
        ("import it from './a.cjs'; console.log(typeof it)", "a.cjs", "console.log('run')", "run, object"),
    ] {
        assert_eq!(says(&[("app.js", main), (file, text)]).join(", "), said, "{main}");
    }
}

#[test]
fn what_a_required_module_throws_is_thrown_where_it_is_required() {
    let main = "try { require('./a') } catch (error) { console.log(error.message) }";
    for (text, message) in [
        ("export const a = 1; throw new Error('no')", "no"),
        ("export const a = await 1", "'a.js' awaits at its top level: import it instead"),
        ("import { b } from './none.js'", "cannot find module './none.js' from 'a.js'"),
    ] {
        assert_eq!(says(&[("app.js", main), ("a.js", text)]), [message]);
    }
}

#[test]
fn a_package_is_found_by_its_name_by_either_kind() {
    let package = [
        ("node_modules/p/package.json", r#"{"main": "dist/p.js"}"#),
        ("node_modules/p/dist/p.js", "exports.name = 'p'; exports.from = require('q').name"),
        ("node_modules/q/index.js", "export const name = 'q'"),
    ];
    for main in [
        "const { name, from } = require('p'); console.log(name, from)",
        "import { name, from } from 'p'; console.log(name, from)",
    ] {
        assert_eq!(says(&[&package[..], &[("pages/app.js", ""), ("app.js", main)]].concat()), ["p q"]);
    }
}

#[test]
fn what_a_browser_has_is_declared_and_undefined() {
    let bundle = "(function (root, make) { module.exports = make(root) })(window, root => typeof root)";
    assert_eq!(says(&[("app.js", "console.log(require('./a'), typeof document)"), ("a.js", bundle)]), ["undefined undefined"]);
}
