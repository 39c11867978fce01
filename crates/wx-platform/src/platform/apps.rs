//! Apps: who may speak for one, and how they are made.

use std::{collections::BTreeSet, net::IpAddr, str::FromStr as _, sync::Arc};

use ipnet::IpNet;
use subtle::ConstantTimeEq as _;
use wx_api::AppId;

use super::{Platform, Refused, UnknownApps, app_id, random, sha256};
use crate::{
    Errcode,
    store::App,
    wire::{
        self, Hidden,
        host::{AppAnswer, PAGE},
    },
};

/// Random bytes of an app's secret.
const SECRET: usize = 32;

impl Platform {
    /// Makes an app, or changes it. A new secret ends every access token.
    ///
    /// # Errors
    ///
    /// [`Errcode::BAD_FORMAT`] for an id or an address that is none, [`Errcode::BUSY`].
    pub async fn set_app(&self, wanted: &wire::host::App) -> Result<AppAnswer, Refused> {
        let id = app_id(&wanted.app)?;
        let allowed_ips = wanted.allowed_ips.as_deref().map(networks).transpose()?;
        let _alone = self.administration.lock().await;

        let known = self.store.app(&id).await?;
        let renewed = known.is_some() && wanted.new_secret;
        let (mut app, secret) = match known {
            Some(app) if !wanted.new_secret => (Arc::unwrap_or_clone(app), None),
            Some(app) => {
                let secret = random::secret::<SECRET>()?;
                (App { secret: sha256(secret.expose()), ..Arc::unwrap_or_clone(app) }, Some(secret))
            }
            None => {
                let secret = random::secret::<SECRET>()?;
                (new(id, sha256(secret.expose())), Some(secret))
            }
        };
        if let Some(frozen) = wanted.frozen {
            app.frozen = frozen;
        }
        if let Some(account) = &wanted.account {
            app.account = Some(account.clone()).filter(|account| !account.is_empty());
        }
        if let Some(allowed_ips) = allowed_ips {
            app.allowed_ips = allowed_ips;
        }
        if let Some(withheld) = &wanted.withheld {
            app.withheld.clone_from(withheld);
        }
        let id = app.id.clone();
        self.store.put_app(app).await?;
        if renewed {
            self.store.revoke_tokens(&id).await?;
        }
        Ok(AppAnswer { app: id.as_str().to_owned(), secret: secret.as_ref().map(Hidden::from) })
    }

    /// Removes an app with all that belongs to it; answers whether there was one.
    ///
    /// # Errors
    ///
    /// [`Errcode::BUSY`].
    pub async fn remove_app(&self, app: &AppId) -> Result<bool, Refused> {
        let _alone = self.administration.lock().await;
        self.limits.forget(app);
        Ok(self.store.remove_app(app).await?)
    }

    /// The next apps by id.
    ///
    /// # Errors
    ///
    /// [`Errcode::BUSY`].
    pub async fn apps(&self, page: &wire::host::Page) -> Result<wire::host::Apps, Refused> {
        let after = AppId::from(&page.after);
        let apps = self.store.apps().await?.into_iter().filter(|app| app.id > after).take(PAGE);
        Ok(wire::host::Apps { apps: apps.map(|app| on_the_wire(&app)).collect() })
    }

    /// The app that a host names, made now if the rules say so.
    pub(super) async fn hosted_app(&self, id: &AppId) -> Result<(), Refused> {
        if self.store.app(id).await?.is_some() {
            return Ok(());
        }
        if self.rules.unknown_apps == UnknownApps::Refuse {
            return Err(Errcode::BAD_APPID.into());
        }
        let _alone = self.administration.lock().await;
        if self.store.app(id).await?.is_none() {
            let secret = random::secret::<SECRET>()?; // nobody will know it
            self.store.put_app(new(id.clone(), sha256(secret.expose()))).await?;
        }
        Ok(())
    }

    /// Refuses what was done for an app that was removed meanwhile, and takes it back.
    pub(super) async fn still_there(&self, id: &AppId) -> Result<(), Refused> {
        if self.store.app(id).await?.is_some() {
            return Ok(());
        }
        let _alone = self.administration.lock().await;
        if self.store.app(id).await?.is_none() {
            self.store.remove_app(id).await?;
        }
        Err(Errcode::BAD_APPID.into())
    }

    /// The app whose secret the caller has, if it may use this endpoint now.
    pub(super) async fn by_secret(&self, from: IpAddr, appid: &str, secret: &Hidden, path: &str) -> Result<Arc<App>, Refused> {
        let app = self.store.app(&appid.into()).await?.ok_or(Errcode::BAD_APPID)?;
        allow_ip(&app, from)?;
        if app.frozen {
            return Err(Errcode::SECRET_FROZEN.into());
        }
        if !bool::from(app.secret.ct_eq(&sha256(secret.expose()))) {
            return Err(Errcode::BAD_SECRET.into());
        }
        self.admit(&app, path)?;
        Ok(app)
    }

    /// Whether an app that has shown who it is may use this endpoint now.
    pub(super) fn admit(&self, app: &App, path: &str) -> Result<(), Refused> {
        if app.withheld.contains(path) {
            return Err(Errcode::NOT_AUTHORISED.into());
        }
        self.limits.call(&self.rules, &app.id, self.now())
    }
}

pub(super) fn allow_ip(app: &App, from: IpAddr) -> Result<(), Refused> {
    let from = from.to_canonical(); // a socket for both versions writes IPv4 as IPv6
    if app.allowed_ips.is_empty() || app.allowed_ips.iter().any(|network| network.contains(&from)) {
        return Ok(());
    }
    Err(Refused::because(Errcode::IP_NOT_ALLOWED, format!("invalid ip {from}, not in whitelist")))
}

fn new(id: AppId, secret: [u8; 32]) -> App {
    App { id, secret, frozen: false, account: None, allowed_ips: Vec::new(), withheld: BTreeSet::new() }
}

/// An app as administrators see it.
fn on_the_wire(app: &App) -> wire::host::App {
    wire::host::App {
        app: app.id.as_str().to_owned(),
        new_secret: false,
        frozen: Some(app.frozen),
        account: Some(app.account.clone().unwrap_or_default()),
        allowed_ips: Some(app.allowed_ips.iter().map(written).collect()),
        withheld: Some(app.withheld.clone()),
    }
}

/// A network of one as the address that it is.
fn written(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() { network.addr().to_string() } else { network.to_string() }
}

/// Networks, and addresses as networks of one.
fn networks(texts: &[String]) -> Result<Vec<IpNet>, Refused> {
    let network = |text: &String| {
        IpNet::from_str(text).or_else(|_| IpAddr::from_str(text).map(IpNet::from)).map_err(|_| {
            let reason = "data format error: allowed_ips has addresses such as 203.0.113.7 and networks such as 10.0.0.0/8";
            Refused::because(Errcode::BAD_FORMAT, reason)
        })
    };
    texts.iter().map(network).collect()
}
