//! Other programs, started so that a reader can start them again by hand.

use std::{env, path::Path, process::Command};

use crate::Result;

/// The cargo that runs us, so that every step uses one toolchain.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Prints the command, runs it to its end and fails unless it succeeds.
///
/// # Errors
///
/// A program that does not start, or that ends in a failure: the message names the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    println!("$ {line}");
    let status = command.status().map_err(|error| format!("`{line}` does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status})").into()) }
}

/// Whether a subcommand of cargo is installed.
pub(crate) fn has_subcommand(root: &Path, name: &str) -> bool {
    cargo(root).args([name, "--version"]).output().is_ok_and(|output| output.status.success())
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let settings = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), quoted(&value?.to_string_lossy()))));
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args()).map(|word| quoted(&word.to_string_lossy()));
    settings.chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_=./:,+@%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_printed_as_one_would_type_it() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["test", "two words", "it's", ""]).env("WX_SOAK_KILLS", "25");
        assert_eq!(line(&command), r"WX_SOAK_KILLS=25 cargo test 'two words' 'it'\''s' ''");
    }

    #[test]
    fn a_failing_command_is_named() {
        let outcome = run(Command::new("false").arg("--why"));
        assert!(outcome.is_err_and(|error| error.to_string().contains("`false --why` failed")));
    }

    #[test]
    fn a_missing_program_is_named() {
        let outcome = run(&mut Command::new("no-such-program"));
        assert!(outcome.is_err_and(|error| error.to_string().contains("`no-such-program` does not start")));
    }
}
