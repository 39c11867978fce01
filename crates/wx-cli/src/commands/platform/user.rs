//! `wx platform user`.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use wx_api::user::{Lang, UserInfo};
use wx_platform::{
    client::HostClient,
    wire::host::{PAGE, User},
};

use super::remote::Remote;
use crate::{commands::block_on, failure::Failure, output};

/// The users of a server that runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wx platform user add li --nick-name Li --city Guangzhou\n  \
    wx platform user set li --country CN --gender 1\n  \
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
        #[command(flatten)]
        profile: Profile,
    },
    /// Changes a user's profile; what is not named stays as it is.
    #[command(after_help = "Examples:\n  wx platform user set li --city Shenzhen --avatar-url ''")]
    Set {
        #[command(flatten)]
        one: One,
        #[command(flatten)]
        profile: Profile,
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

/// What getUserInfo answers.
#[derive(Debug, Args)]
struct Profile {
    /// Their nickname; a new user's is their id unless given.
    #[arg(long, value_name = "NAME")]
    nick_name: Option<String>,
    /// The address of their picture.
    #[arg(long, value_name = "URL")]
    avatar_url: Option<String>,
    /// 0 unknown, 1 male, 2 female.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(0..=2))]
    gender: Option<u8>,
    /// Their city.
    #[arg(long, value_name = "NAME")]
    city: Option<String>,
    /// Their province.
    #[arg(long, value_name = "NAME")]
    province: Option<String>,
    /// Their country.
    #[arg(long, value_name = "NAME")]
    country: Option<String>,
    /// The language that city, province and country are in. English stands in where another lacks.
    #[arg(long, value_enum, default_value = "en", value_name = "LANGUAGE")]
    lang: Language,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    En,
    #[value(name = "zh_CN")]
    ZhCn,
    #[value(name = "zh_TW")]
    ZhTw,
}

impl Profile {
    /// The user as they were, with what was named.
    fn applied_to(self, user: User) -> User {
        let (profile, mut places) = (user.profile.unwrap_or_default(), user.places.unwrap_or_default());
        let lang = match self.lang {
            Language::En => Lang::En,
            Language::ZhCn => Lang::ZhCn,
            Language::ZhTw => Lang::ZhTw,
        };
        if self.city.is_some() || self.province.is_some() || self.country.is_some() {
            let place = places.entry(lang).or_default();
            for (named, part) in
                [(self.city, &mut place.city), (self.province, &mut place.province), (self.country, &mut place.country)]
            {
                if let Some(named) = named {
                    *part = named;
                }
            }
        }
        let profile = UserInfo {
            nick_name: self.nick_name.unwrap_or(profile.nick_name),
            avatar_url: self.avatar_url.unwrap_or(profile.avatar_url),
            gender: self.gender.unwrap_or(profile.gender),
            ..profile
        };
        User { profile: Some(profile), places: Some(places), ..User::default() }
    }
}

/// Asks the server.
pub(super) fn run(options: Options) -> Result<ExitCode, Failure> {
    block_on(async {
        match options.what {
            What::Add { one, profile } => {
                let client = one.remote.client()?;
                if one.find(&client).await?.is_some() {
                    return Err(Failure::failed(format!("the user {} is there already: `set` changes them", one.user)));
                }
                let named = UserInfo { nick_name: one.user.clone(), ..UserInfo::default() };
                one.set(&client, profile.applied_to(User { profile: Some(named), ..User::default() })).await?;
            }
            What::Set { one, profile } => {
                let client = one.remote.client()?;
                let Some(user) = one.find(&client).await? else {
                    return Err(Failure::failed(format!("there is no user {}: `add` makes one", one.user)));
                };
                one.set(&client, profile.applied_to(user)).await?;
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

    /// The user, if the server knows them.
    async fn find(&self, client: &HostClient) -> Result<Option<User>, Failure> {
        let mut after = String::new();
        loop {
            let page = client.users(&after).await.map_err(|error| self.remote.failure(&error))?;
            let (is_last, last) = (page.len() < PAGE, page.last().map(|user| user.user.clone()).unwrap_or_default());
            if let Some(user) = page.into_iter().find(|user| user.user == self.user) {
                return Ok(Some(user));
            }
            if is_last || last > self.user {
                return Ok(None);
            }
            after = last;
        }
    }
}
