//! `wx platform app`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use wx_platform::{
    client::HostClient,
    wire::host::{App, PAGE},
};

use super::remote::Remote;
use crate::{commands::block_on, failure::Failure, output, terminal};

/// The apps of a server that runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wx platform app add wx4f4bc4dec97d474b > secret.txt\n  \
    wx platform app allow wx4f4bc4dec97d474b 203.0.113.7 10.0.0.0/8\n  \
    wx platform app list")]
pub(super) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Makes an app and prints its secret, which the server does not show again.
    #[command(after_help = "Examples:\n  wx platform app add wx4f4bc4dec97d474b --account acme > secret.txt")]
    Add {
        #[command(flatten)]
        one: One,
        /// The open-platform account it is bound to: its users have a unionid then.
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// Where its server may call from; anywhere unless given. May be repeated.
        #[arg(long, value_name = "ADDRESS")]
        allow: Vec<String>,
    },
    /// Lists the apps.
    #[command(after_help = "Examples:\n  wx platform app list\n  wx platform app list --json | jq -r '.[].app'")]
    List {
        #[command(flatten)]
        remote: Remote,
        /// As one array of JSON objects.
        #[arg(long)]
        json: bool,
    },
    /// Makes a new secret and prints it. The old one ends, and so do the app's access tokens.
    #[command(after_help = "Examples:\n  wx platform app secret wx4f4bc4dec97d474b > secret.txt")]
    Secret {
        #[command(flatten)]
        one: One,
    },
    /// Binds an app to an open-platform account.
    #[command(after_help = "Examples:\n  wx platform app bind wx4f4bc4dec97d474b acme")]
    Bind {
        #[command(flatten)]
        one: One,
        /// The account.
        account: String,
    },
    /// Takes an app out of its open-platform account.
    #[command(after_help = "Examples:\n  wx platform app unbind wx4f4bc4dec97d474b")]
    Unbind {
        #[command(flatten)]
        one: One,
    },
    /// Freezes an app's secret: its server is refused with 40243.
    #[command(after_help = "Examples:\n  wx platform app freeze wx4f4bc4dec97d474b")]
    Freeze {
        #[command(flatten)]
        one: One,
    },
    /// Takes a freeze back.
    #[command(after_help = "Examples:\n  wx platform app thaw wx4f4bc4dec97d474b")]
    Thaw {
        #[command(flatten)]
        one: One,
    },
    /// Says where an app's server may call from; without addresses, from anywhere.
    #[command(after_help = "Examples:\n  wx platform app allow wx4f4bc4dec97d474b 203.0.113.7 10.0.0.0/8")]
    Allow {
        #[command(flatten)]
        one: One,
        /// Addresses and networks.
        addresses: Vec<String>,
    },
    /// Says which endpoints an app was not given, by their paths: they answer 48001. Without paths, none.
    #[command(after_help = "Examples:\n  wx platform app withhold wx4f4bc4dec97d474b /cgi-bin/token")]
    Withhold {
        #[command(flatten)]
        one: One,
        /// The paths.
        paths: Vec<String>,
    },
    /// Removes an app with its codes, sessions, tokens and keys.
    #[command(after_help = "Examples:\n  wx platform app remove wx4f4bc4dec97d474b")]
    Remove {
        #[command(flatten)]
        one: One,
    },
}

/// One app of a server.
#[derive(Debug, Args)]
struct One {
    /// The appid.
    app: String,
    #[command(flatten)]
    remote: Remote,
}

/// Asks the server.
pub(super) fn run(options: Options) -> Result<ExitCode, Failure> {
    block_on(async {
        match options.what {
            What::Add { one, account, allow } => add(&one, account, allow).await?,
            What::List { remote, json } => list(&remote, json).await?,
            What::Secret { one } => {
                one.change(|app| app.new_secret = true).await?;
            }
            What::Bind { one, account } => one.change(|app| app.account = Some(account)).await?,
            What::Unbind { one } => one.change(|app| app.account = Some(String::new())).await?,
            What::Freeze { one } => one.change(|app| app.frozen = Some(true)).await?,
            What::Thaw { one } => one.change(|app| app.frozen = Some(false)).await?,
            What::Allow { one, addresses } => one.change(|app| app.allowed_ips = Some(addresses)).await?,
            What::Withhold { one, paths } => one.change(|app| app.withheld = Some(paths.into_iter().collect())).await?,
            What::Remove { one } => {
                let removed = one.remote.client()?.remove_app(&one.app).await.map_err(|error| one.remote.failure(&error))?;
                if !removed {
                    return Err(one.unknown());
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The whole app at once, so that it is never there without its limits.
async fn add(one: &One, account: Option<String>, allow: Vec<String>) -> Result<(), Failure> {
    let client = one.remote.client()?;
    if one.is_there(&client).await? {
        return Err(Failure::failed(format!(
            "the app {} is there already: `wx platform app secret` makes it a new secret",
            one.app
        )));
    }
    let wanted = App { app: one.app.clone(), account, allowed_ips: Some(allow), ..App::default() };
    one.set(&client, &wanted).await
}

async fn list(remote: &Remote, json: bool) -> Result<(), Failure> {
    let client = remote.client()?;
    let mut apps: Vec<App> = Vec::new();
    loop {
        let after = apps.last().map(|app| app.app.clone()).unwrap_or_default();
        let page = client.apps(&after).await.map_err(|error| remote.failure(&error))?;
        let is_last = page.len() < PAGE;
        apps.extend(page);
        if is_last {
            break;
        }
    }
    if json {
        return output::json(&apps);
    }
    let row = |app: App| {
        let state = if app.frozen == Some(true) { "frozen" } else { "active" };
        let account = app.account.filter(|account| !account.is_empty()).unwrap_or_else(|| "-".to_owned());
        let allowed =
            app.allowed_ips.filter(|allowed| !allowed.is_empty()).map_or_else(|| "anywhere".to_owned(), |all| all.join(","));
        let withheld = app.withheld.unwrap_or_default().into_iter().collect::<Vec<_>>().join(",");
        vec![app.app, state.to_owned(), account, allowed, withheld]
    };
    output::table(&apps.into_iter().map(row).collect::<Vec<_>>())
}

impl One {
    /// Changes an app that is there. The secret is printed if a new one was made.
    async fn change(&self, change: impl FnOnce(&mut App)) -> Result<(), Failure> {
        let client = self.remote.client()?;
        // Or the server would make it.
        if !self.is_there(&client).await? {
            return Err(self.unknown());
        }
        let mut wanted = App { app: self.app.clone(), ..App::default() };
        change(&mut wanted);
        self.set(&client, &wanted).await
    }

    async fn set(&self, client: &HostClient, wanted: &App) -> Result<(), Failure> {
        let answer = client.set_app(wanted).await.map_err(|error| self.remote.failure(&error))?;
        if let Some(secret) = &answer.secret {
            terminal::say(&format!("wx: the secret of {} is shown this once", self.app));
            output::line(secret.expose())?;
        }
        Ok(())
    }

    async fn is_there(&self, client: &HostClient) -> Result<bool, Failure> {
        let mut after = String::new();
        loop {
            let page = client.apps(&after).await.map_err(|error| self.remote.failure(&error))?;
            if page.iter().any(|app| app.app == self.app) {
                return Ok(true);
            }
            match page.last() {
                Some(last) if page.len() == PAGE && last.app < self.app => after.clone_from(&last.app),
                _ => return Ok(false),
            }
        }
    }

    fn unknown(&self) -> Failure {
        Failure::failed(format!("the server has no app {}: `wx platform app list` has those there are", self.app))
    }
}
