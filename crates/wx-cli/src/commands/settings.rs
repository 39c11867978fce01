//! `wx settings`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use wx_api::{AppId, Scope, UserId};
use wx_host::{ConsentStore as _, Decided, FileStore, StoreError};

use crate::{commands::block_on, failure::Failure, output, settings, terminal};

/// What users decided about mini-programs in earlier runs.
#[derive(Debug, Args)]
#[command(
    after_help = "Decisions are kept in $XDG_STATE_HOME/wx, else in ~/.local/state/wx. The mock keeps none: its world begins anew \
    each time.\n\nExamples:\n  \
    wx settings list\n  \
    wx settings forget --app-id wx4f4bc4dec97d474b --scope scope.record"
)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Lists the decisions that are kept.
    #[command(after_help = "Examples:\n  wx settings list\n  wx settings list --app-id wx4f4bc4dec97d474b --json")]
    List {
        #[command(flatten)]
        whose: Whose,
        /// As one array of JSON objects.
        #[arg(long)]
        json: bool,
    },
    /// Forgets decisions: the user is asked again.
    #[command(after_help = "Examples:\n  \
        wx settings forget --app-id wx4f4bc4dec97d474b\n  \
        wx settings forget --scope scope.record\n  \
        wx settings forget --all")]
    Forget {
        #[command(flatten)]
        whose: Whose,
        /// Everything that was ever decided.
        #[arg(long, conflicts_with_all = ["app_id", "user", "scope"], required_unless_present_any = ["app_id", "user", "scope"])]
        all: bool,
    },
}

/// Which decisions.
#[derive(Debug, Args)]
struct Whose {
    /// Only about this mini-program.
    #[arg(long, value_name = "ID")]
    app_id: Option<String>,
    /// Only by this user.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only about this scope.
    #[arg(long, value_name = "SCOPE")]
    scope: Option<Scope>,
}

#[derive(Debug, Serialize)]
struct Row {
    app_id: String,
    user: String,
    scope: Scope,
    granted: bool,
}

/// Lists or forgets.
pub(crate) fn run(options: Options) -> Result<ExitCode, Failure> {
    let store = settings::open()?;
    match options.what {
        What::List { whose, json } => list(&block_on(kept(&store))?, &whose, json)?,
        What::Forget { whose, .. } => {
            let count = block_on(forget(&store, &whose))?;
            let word = if count == 1 { "decision" } else { "decisions" };
            terminal::say(&format!("{count} {word} forgotten"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn kept(store: &FileStore) -> Result<Vec<Decided>, Failure> {
    store.everything().await.map_err(|error| failed(&error))
}

fn list(everything: &[Decided], whose: &Whose, json: bool) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for Decided { app, user, decisions } in everything {
        rows.extend(decisions.iter().filter(|(scope, _)| whose.covers(app, user, **scope)).map(|(scope, granted)| Row {
            app_id: app.to_string(),
            user: user.to_string(),
            scope: *scope,
            granted: *granted,
        }));
    }
    if json {
        return output::json(&rows);
    }
    let decision = |granted| if granted { "granted" } else { "denied" }.to_owned();
    let table: Vec<Vec<String>> =
        rows.into_iter().map(|row| vec![row.app_id, row.user, row.scope.to_string(), decision(row.granted)]).collect();
    output::table(&table)
}

/// Forgets what is meant, and answers how much it was.
async fn forget(store: &FileStore, whose: &Whose) -> Result<usize, Failure> {
    let mut count = 0;
    for Decided { app, user, decisions } in kept(store).await? {
        let mut left = decisions.clone();
        left.retain(|scope, _| !whose.covers(&app, &user, *scope));
        if left.len() < decisions.len() {
            store.save(&app, &user, &left).await.map_err(|error| failed(&error))?;
            count += decisions.len() - left.len();
        }
    }
    Ok(count)
}

impl Whose {
    fn covers(&self, app: &AppId, user: &UserId, scope: Scope) -> bool {
        self.app_id.as_deref().is_none_or(|only| only == app.as_str())
            && self.user.as_deref().is_none_or(|only| only == user.as_str())
            && self.scope.is_none_or(|only| only == scope)
    }
}

fn failed(error: &StoreError) -> Failure {
    Failure::failed(settings::with_source(error))
}
