//! `wx apis`.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use wx_api::{Api, ApiSet, Profile};

use crate::{
    caller::PhoneOptions,
    commands::block_on,
    device::BackendOptions,
    failure::Failure,
    output,
    terminal::{Tone, paint},
};

/// Lists every API: its domain, its first base library, its scope, and whether it is supported here.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wx apis\n  \
    wx apis --sdk 1.9.94\n  \
    wx apis --backend tcp://192.168.1.7:7411\n  \
    wx apis --json | jq -r '.[] | select(.supported) | .name'")]
pub(crate) struct Options {
    #[command(flatten)]
    backend: BackendOptions,
    #[command(flatten)]
    phone: PhoneOptions,
    /// As one array of JSON objects.
    #[arg(long)]
    json: bool,
}

/// One API or event.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    kind: &'static str,
    domain: &'static str,
    since: String,
    scope: Option<&'static str>,
    supported: bool,
    reason: Option<String>,
}

/// Prints the list.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let profile = options.phone.profile();
    let supported = block_on(options.backend.supported())? & profile.apis();
    let backend = options.backend.backend.to_string();
    let rows: Vec<Row> = Api::ALL.iter().map(|&api| row(api, supported, &profile, &backend)).collect();
    if options.json {
        output::json(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = vec![["API", "DOMAIN", "SINCE", "SCOPE", "HERE"].map(str::to_owned).to_vec()];
    table.extend(rows.into_iter().map(|row| {
        let here = match row.reason {
            None => paint("yes", Tone::Good),
            Some(reason) => paint(&format!("no: {reason}"), Tone::Bad),
        };
        vec![row.name.to_owned(), row.domain.to_owned(), row.since, row.scope.unwrap_or("-").to_owned(), here]
    }));
    output::table(&table)?;
    Ok(ExitCode::SUCCESS)
}

fn row(api: Api, supported: ApiSet, profile: &Profile, backend: &str) -> Row {
    let reason = if supported.contains(api) {
        None
    } else if api.since() > profile.sdk() {
        Some(format!("newer than base library {}", profile.sdk()))
    } else {
        Some(format!("not done by the backend {backend}"))
    };
    Row {
        name: api.name(),
        kind: if api.event_facts().is_some() { "event" } else { "call" },
        domain: api.domain(),
        since: api.since().to_string(),
        scope: api.facts().and_then(|facts| facts.scope).map(wx_api::Scope::name),
        supported: reason.is_none(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_supported_says_why() {
        let old = Profile::default().with_sdk(wx_api::Version(1, 0, 0));
        let why = |supported: ApiSet, profile: &Profile| row(Api::Authorize, supported, profile, "mock").reason;
        assert_eq!(why(ApiSet::ALL, &Profile::default()), None);
        assert_eq!(why(ApiSet::NONE, &old).as_deref(), Some("newer than base library 1.0.0"));
        assert_eq!(why(ApiSet::NONE, &Profile::default()).as_deref(), Some("not done by the backend mock"));
    }
}
