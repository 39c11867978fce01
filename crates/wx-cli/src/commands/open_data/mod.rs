//! `wx open-data`.

mod cases;
mod lenient;
mod lines;
mod one;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::{failure::Failure, input::Text};

/// Opens and checks the open data of `wx.getUserInfo` and its like, and explains why they do not open.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wx open-data decrypt --help\n  \
    wx open-data verify --help\n\n\
    The session key is a secret, and other users of the machine can read the arguments of a program: give it as @FILE, as @- for \
    standard input, or in the environment variable WX_SESSION_KEY.")]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Decrypt(Decrypt),
    Verify(Verify),
}

/// Opens encrypted data and prints the JSON in it, or explains why it does not open.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes:\n  \
    0  it opened; with --jsonl: every line was a case, opened or not\n  \
    1  it did not open\n  \
    2  a part of the case is missing or cannot be read; with --jsonl: a line was no case\n\n\
    With --jsonl each line of standard input is one case, a JSON object with `id`, `appid`, `session_key`, `encrypted_data`, `iv` and, \
    unless an option gives them, `now`, `max_age_s` and `max_skew_s`. Each is answered by one line: {\"id\",\"ok\",\"code\",\"reason\"}, \
    and `plaintext_sha256` where it opened.\n\n\
    Examples:\n  \
    wx open-data decrypt --appid wx4f4bc4dec97d474b --session-key @key.txt --iv r7BXXKkLb8qrSNn05n0qiA== --encrypted-data @data.txt\n  \
    WX_SESSION_KEY=.. wx open-data decrypt --appid wx4f4bc4dec97d474b --iv .. --encrypted-data @- < data.txt\n  \
    jq -c '.decrypt[]' open-data.json | wx open-data decrypt --jsonl")]
struct Decrypt {
    #[command(flatten)]
    key: Key,
    /// The encrypted data in base64: the field `encryptedData`; or @FILE, or @-.
    #[arg(long, value_name = "TEXT", required_unless_present = "jsonl")]
    encrypted_data: Option<Text>,
    /// The field `iv`; or @FILE, or @-.
    #[arg(long, value_name = "TEXT", required_unless_present = "jsonl")]
    iv: Option<Text>,
    /// The mini-program that the data must belong to.
    #[arg(long, value_name = "ID", required_unless_present = "jsonl")]
    appid: Option<String>,
    #[command(flatten)]
    time: Time,
    /// Repairs what URLs, forms and mail do to base64 before it opens: `+` that became a space, percent-encoding, the URL-safe
    /// alphabet, missing `=`, line breaks.
    #[arg(long)]
    lenient: bool,
    /// Reads cases from standard input, one a line.
    #[arg(long, conflicts_with_all = ["session_key", "encrypted_data", "iv"])]
    jsonl: bool,
}

/// When the data must be from.
#[derive(Clone, Copy, Debug, Args)]
struct Time {
    /// The time, in seconds since 1970; now unless given.
    #[arg(long, value_name = "SECONDS")]
    now: Option<i64>,
    /// How old the data may be.
    #[arg(long, value_name = "SECONDS", default_value_t = 7200)]
    max_age: u64,
    /// How far ahead of the time its watermark may be.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    max_skew: u64,
}

/// Checks the signature of raw data.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes:\n  \
    0  the signature is right; with --jsonl: every line was a case, right or not\n  \
    1  it is not\n  \
    2  a part of the case is missing or cannot be read; with --jsonl: a line was no case\n\n\
    With --jsonl each line of standard input is one case, a JSON object with `id`, `raw_data`, `session_key` and `signature`. Each is \
    answered by one line: {\"id\",\"ok\",\"code\",\"reason\"}.\n\n\
    Examples:\n  \
    wx open-data verify --session-key @key.txt --raw-data @raw.json --signature 75e81ceda165f4ffa64f4068af58c64b8f54b88c\n  \
    jq -c '.signature[]' open-data.json | wx open-data verify --jsonl")]
struct Verify {
    #[command(flatten)]
    key: Key,
    /// The field `rawData`, byte for byte; or @FILE, or @-.
    #[arg(long, value_name = "TEXT", required_unless_present = "jsonl")]
    raw_data: Option<Text>,
    /// The field `signature`; or @FILE, or @-.
    #[arg(long, value_name = "TEXT", required_unless_present = "jsonl")]
    signature: Option<Text>,
    /// Reads cases from standard input, one a line.
    #[arg(long, conflicts_with_all = ["session_key", "raw_data", "signature"])]
    jsonl: bool,
}

/// The session key.
#[derive(Debug, Args)]
struct Key {
    /// The session key in base64 as @FILE, or @-. Other users can see an argument: do not write the key itself here, unless it is
    /// that of an example. Taken from the environment variable `WX_SESSION_KEY` unless given.
    #[arg(long, value_name = "TEXT")]
    session_key: Option<Text>,
}

/// Opens or checks.
pub(crate) fn run(options: Options) -> Result<ExitCode, Failure> {
    match options.what {
        What::Decrypt(options) if options.jsonl => {
            let Time { now, max_age, max_skew } = options.time;
            let defaults = cases::Defaults {
                appid: options.appid,
                now_s: now,
                max_age_s: max_age,
                max_skew_s: max_skew,
                lenient: options.lenient,
            };
            lines::answer(|line| cases::decrypt(line, &defaults))
        }
        What::Decrypt(options) => one::decrypt(&options),
        What::Verify(options) if options.jsonl => lines::answer(cases::verify),
        What::Verify(options) => one::verify(&options),
    }
}
