//! `wx run`.

mod world;

use std::{
    cell::RefCell,
    io::{Write as _, stderr, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
    rc::Rc,
};

use clap::Args;
use wx_api::Cx;
use wx_js::{Engine, Fault, Level};

use crate::{
    caller::CallerOptions,
    commands::{block_on, verdict},
    device::{Device, DeviceOptions},
    failure::Failure,
    terminal,
};

/// Runs a mini-program script until nothing is left to wait for.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes:\n  \
    0  the script ended and nothing in it went uncaught\n  \
    1  something was thrown and not caught: standard error has file, line and column\n  \
    2  the script cannot be read\n\n\
    The script finds `wx`, `console`, timers, `require` and `import` for the files of its folder, App, Page, and `args`, the list of its \
    arguments. console.log goes to standard output, console.warn and console.error go to standard error. On the mock it finds `world` \
    as well, with which it plays the user, the finger, the card reader, the developer's server and time: see docs/wx.md.\n\n\
    Examples:\n  \
    wx run app.js\n  \
    wx run --world world.toml order.js 42\n  \
    wx run --backend desktop --grant scope.userInfo sign-in.js\n  \
    wx run --backend tcp://192.168.1.7:7411 sign-in.js")]
pub(crate) struct Options {
    #[command(flatten)]
    device: DeviceOptions,
    #[command(flatten)]
    caller: CallerOptions,
    /// The script. A file that ends in .mjs, or has import or export, is a module.
    script: PathBuf,
    /// What the script finds in `args`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs the script.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let (folder, name) = place(&options.script)?;
    block_on(async {
        let device = options.device.open().await?;
        let outcome = play(&device, options.caller.cx(&device), &folder, &name, &options.args).await;
        device.close().await?;
        outcome
    })
}

/// The folder of a script, and its name there.
fn place(script: &Path) -> Result<(PathBuf, String), Failure> {
    let unreadable = |why: &dyn std::fmt::Display| Failure::misuse(format!("{} cannot be read: {why}", script.display()));
    if !script.metadata().map_err(|error| unreadable(&error))?.is_file() {
        return Err(unreadable(&"it is no file"));
    }
    let name = script.file_name().and_then(|name| name.to_str()).ok_or_else(|| unreadable(&"its name is no text"))?;
    let folder = script.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((folder.to_owned(), name.to_owned()))
}

async fn play(device: &Device, cx: Cx, folder: &Path, name: &str, args: &[String]) -> Result<ExitCode, Failure> {
    let told = Rc::new(RefCell::new(Told::default()));
    let sink = told.clone();
    let app = cx.app().clone();
    let mut builder = Engine::builder(device.wx.clone(), cx)
        .clock(device.clock.clone())
        .root(folder)
        .console(move |level, line| write(level, line, &sink))
        .value("args", args.to_vec());
    builder = match &device.world {
        Some(world) => world::install(builder, world, &app),
        // A card waits for its reader as long as it takes. In the mock's world the script itself is the reader.
        None => builder.while_listening(),
    };
    let mut engine = builder.build().map_err(Failure::failed)?;
    let ended = if let Some(ended) = device.run(engine.run_file(name)).await {
        ended
    } else {
        let ended = engine.give_up();
        if ended.is_ok() {
            terminal::say("wx: the script ended with calls that nobody answers, such as a prompt that is ignored");
        }
        ended
    };
    match ended {
        Ok(()) => Ok(verdict(true)),
        Err(Fault::Uncaught(uncaught)) => {
            let text = uncaught.to_string();
            if !told.borrow().has(&text) {
                terminal::say(&text);
            }
            Ok(verdict(false))
        }
        Err(Fault::Unreadable(why)) => Err(Failure::misuse(why)),
        Err(fault) if told.borrow().has(&fault.to_string()) => Ok(verdict(false)),
        Err(fault) => Err(Failure::failed(fault)),
    }
}

/// The errors that the console has told and a run may end with: the first that nobody caught, and whatever came last.
#[derive(Default)]
struct Told {
    first_uncaught: Option<String>,
    last: String,
}

impl Told {
    fn has(&self, text: &str) -> bool {
        self.first_uncaught.as_deref() == Some(text) || self.last == text
    }
}

/// What the engine writes before an error that nobody caught.
const UNCAUGHT: &str = "Uncaught ";

/// Writes a line of the console. Errors that nobody caught are written as compilers write theirs, the place first; `told`
/// keeps what the run may end with.
fn write(level: Level, line: &str, told: &RefCell<Told>) {
    let written = match level {
        Level::Debug | Level::Info => writeln!(stdout(), "{line}"),
        Level::Warn => writeln!(stderr(), "{line}"),
        Level::Error => {
            let uncaught = line.strip_prefix(UNCAUGHT);
            let (line, is_uncaught) = (uncaught.unwrap_or(line), uncaught.is_some());
            let mut told = told.borrow_mut();
            if is_uncaught {
                told.first_uncaught.get_or_insert_with(|| line.to_owned());
            }
            line.clone_into(&mut told.last);
            writeln!(stderr(), "{line}")
        }
    };
    if let Err(error) = written
        && level <= Level::Info
    {
        // Nobody reads on, or nothing more can be kept. A script that prints for ever must not run for ever.
        std::process::exit(Failure::output(&error).tell().into());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    #[test]
    fn a_script_has_a_folder_and_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.js");
        std::fs::write(&path, "").unwrap();
        assert_eq!(place(&path).unwrap(), (folder.path().to_owned(), "app.js".to_owned()));
        for wrong in [folder.path(), &folder.path().join("none.js")] {
            assert!(matches!(place(wrong), Err(Failure::Misuse(_))), "{}", wrong.display());
        }
    }
}
