//! A server that runs, as its administrator asks it.

use std::time::Duration;

use clap::Args;
use wx_platform::client::{ClientError, HostClient};

use super::{Data, host_key};
use crate::{
    failure::Failure,
    input::{self, Text},
};

/// Which server, and the key to it.
#[derive(Debug, Args)]
pub(super) struct Remote {
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// An administrator's host key, as @FILE or @-: arguments can be seen by other users. The one beside the server's data unless
    /// given.
    #[arg(long, value_name = "TEXT", env = "WX_HOST_KEY", hide_env_values = true)]
    host_key: Option<Text>,
    #[command(flatten)]
    data: Data,
}

impl Remote {
    /// A client of the server.
    pub(super) fn client(&self) -> Result<HostClient, Failure> {
        let key = match &self.host_key {
            Some(key) => input::secret(&key.read_line()?),
            None => host_key::read(&self.data.folder()?)?,
        };
        HostClient::new(&self.url, key, Duration::from_secs(10))
            .map_err(|error| Failure::misuse(format!("{}: {error}", self.url)))
    }

    /// What a client says, in words.
    pub(super) fn failure(&self, error: &ClientError) -> Failure {
        match error {
            ClientError::Unreachable(_) => Failure::failed(format!("{}: {error}; is `wx platform serve` running?", self.url)),
            other => Failure::failed(other),
        }
    }
}
