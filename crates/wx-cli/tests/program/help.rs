//! Help, completions and manual pages.

use std::process::Stdio;

use crate::wx;

#[test]
fn help_goes_to_standard_output_with_exit_codes_and_examples() {
    let run = wx(&["--help"]).run().exits(0).quiet();
    for command in
        ["run", "call", "apis", "open-data", "platform", "agent", "settings", "conformance", "doctor", "completions", "man"]
    {
        assert!(run.stdout.contains(command), "{command} is not in the help");
        let help = wx(&[command, "--help"]).run().exits(0).quiet().stdout;
        assert!(help.contains("Examples:") && help.contains(&format!("wx {command}")), "{help}");
    }
    assert!(run.stdout.contains("Exit codes:"));
}

#[test]
fn an_unknown_command_misused() {
    wx(&["cal"]).run().misused("similar subcommand exists: 'call'");
    wx(&[]).run().misused("Usage: wx <COMMAND>");
}

#[test]
fn every_shell_has_its_completions() {
    for (shell, sign) in
        [("bash", "complete -F"), ("zsh", "#compdef wx"), ("fish", "complete -c wx"), ("elvish", "edit:completion")]
    {
        let run = wx(&["completions", shell]).run().exits(0).quiet();
        assert!(run.stdout.contains(sign) && run.stdout.contains("open-data"), "{shell}");
    }
    wx(&["completions", "cmd"]).run().misused("invalid value 'cmd'");
}

#[test]
fn there_is_a_manual_page_for_the_program_and_for_each_command() {
    let whole = wx(&["man"]).run().exits(0).quiet().stdout;
    assert!(whole.contains(".TH wx 1") && whole.contains("wx\\-call(1)"), "{whole}");
    let page = wx(&["man", "open-data", "decrypt"]).run().exits(0).quiet().stdout;
    assert!(page.contains(".TH wx-open-data-decrypt 1") && page.contains("encrypted\\-data"), "{page}");
    wx(&["man", "cal"]).run().misused("`wx` has no command `cal`");
}

#[test]
fn all_manual_pages_are_written_into_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    wx(&["man", "--dir", folder.path().to_str().unwrap()]).run().exits(0).quiet();
    for page in ["wx.1", "wx-agent-pair.1", "wx-call.1", "wx-open-data-verify.1"] {
        assert!(folder.path().join(page).is_file(), "{page}");
    }
}

#[test]
fn a_closed_pipe_is_no_reason_for_a_word() {
    let mut wx = wx(&["apis"]);
    wx.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = wx.command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}
