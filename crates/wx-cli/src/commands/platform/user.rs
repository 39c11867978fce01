//! `wx platform user`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use wx_api::user::UserInfo;
use wx_platform::{
    client::HostClient,
    wire::host::{PAGE, User},
};

use super::remote::Remote;
use crate::{commands::block_on, failure::Failure, output};

/// The users of a server that runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wx platform user add li --nick-name Li\n  \
    wx platform user block li\n  \
    wx platform user list")]
pub(super) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Makes a user, with the profile that getUserInfo answers.
    #[command(after_help = "Examples:\n  wx platform user add li --nick-name Li")]
    Add {
        #[command(flatten)]
        one: One,
        /// Their nickname; their id unless given.
        #[arg(long, value_name = "NAME")]
        nick_name: Option<String>,
        /// The address of their picture.
        #[arg(long, value_name = "URL", default_value = "")]
        avatar_url: String,
    },
    /// Lists the users.
    #[command(after_help = "Examples:\n  wx platform user list\n  wx platform user list --json | jq -r '.[].user'")]
    List {
        #[command(flatten)]
        remote: Remote,
        /// As one array of JSON objects.
        #[arg(long)]
        json: bool,
    },
    /// Blocks a user: they cannot sign in (40226).
    #[command(after_help = "Examples:\n  wx platform user block li")]
    Block {
        #[command(flatten)]
        one: One,
    },
    /// Takes a block back.
    #[command(after_help = "Examples:\n  wx platform user unblock li")]
    Unblock {
        #[command(flatten)]
        one: One,
    },
}

/// One user of a server.
#[derive(Debug, Args)]
struct One {
    /// By the name the host knows them.
    user: String,
    #[command(flatten)]
    remote: Remote,
}

/// Asks the server.
pub(super) fn run(options: Options) -> Result<ExitCode, Failure> {
    block_on(async {
        match options.what {
            What::Add { one, nick_name, avatar_url } => {
                let client = one.remote.client()?;
                if one.is_there(&client).await? {
                    return Err(Failure::failed(format!("the user {} is there already", one.user)));
                }
                let nick_name = nick_name.unwrap_or_else(|| one.user.clone());
                let profile = UserInfo { nick_name, avatar_url, ..UserInfo::default() };
                one.set(&client, User { profile: Some(profile), ..User::default() }).await?;
            }
            What::List { remote, json } => list(&remote, json).await?,
            What::Block { one } => one.block(true).await?,
            What::Unblock { one } => one.block(false).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn list(remote: &Remote, json: bool) -> Result<(), Failure> {
    let client = remote.client()?;
    let mut users: Vec<User> = Vec::new();
    loop {
        let after = users.last().map(|user| user.user.clone()).unwrap_or_default();
        let page = client.users(&after).await.map_err(|error| remote.failure(&error))?;
        let is_last = page.len() < PAGE;
        users.extend(page);
        if is_last {
            break;
        }
    }
    if json {
        return output::json(&users);
    }
    let row = |user: User| {
        let state = if user.blocked == Some(true) { "blocked" } else { "active" };
        vec![user.user, state.to_owned(), user.profile.map(|profile| profile.nick_name).unwrap_or_default()]
    };
    output::table(&users.into_iter().map(row).collect::<Vec<_>>())
}

impl One {
    async fn block(&self, blocked: bool) -> Result<(), Failure> {
        let client = self.remote.client()?;
        // A user nobody made is made now: a host signs such users in, too, and the block must hold for them.
        self.set(&client, User { blocked: Some(blocked), ..User::default() }).await
    }

    async fn set(&self, client: &HostClient, user: User) -> Result<(), Failure> {
        let user = User { user: self.user.clone(), ..user };
        client.set_user(&user).await.map_err(|error| self.remote.failure(&error))
    }

    async fn is_there(&self, client: &HostClient) -> Result<bool, Failure> {
        let mut after = String::new();
        loop {
            let page = client.users(&after).await.map_err(|error| self.remote.failure(&error))?;
            if page.iter().any(|user| user.user == self.user) {
                return Ok(true);
            }
            match page.last() {
                Some(last) if page.len() == PAGE && last.user < self.user => after.clone_from(&last.user),
                _ => return Ok(false),
            }
        }
    }
}
