//! Hosts and their keys, and the users they know.

use std::collections::BTreeMap;

use wx_api::{UserId, user::UserInfo};
use wx_crypto::Secret;

use super::{Platform, Refused, check_id, random, sha256, user_id};
use crate::{
    Errcode,
    store::{HostKey, User},
    wire,
};

impl Platform {
    /// Whose key this is.
    ///
    /// # Errors
    ///
    /// [`Errcode::BUSY`].
    pub async fn host(&self, key: &str) -> Result<Option<HostKey>, Refused> {
        // By its hash: how long the search takes tells nothing about the key.
        Ok(self.store.host_key(&sha256(key)).await?)
    }

    /// Makes a key for a host. It is shown this once: the store has its hash.
    ///
    /// # Errors
    ///
    /// [`Errcode::BAD_FORMAT`] for a name that is none, [`Errcode::BUSY`].
    pub async fn add_host_key(&self, name: &str, admin: bool) -> Result<Secret, Refused> {
        check_id("name", name)?;
        let key = random::secret::<32>()?;
        self.store.put_host_key(sha256(key.expose()), HostKey { name: name.to_owned(), admin }).await?;
        Ok(key)
    }

    /// What is known of a user, who must not be blocked.
    pub(super) async fn admitted(&self, user: &UserId) -> Result<Option<User>, Refused> {
        let known = self.store.user(user).await?;
        if known.as_ref().is_some_and(|user| user.blocked) {
            return Err(Errcode::USER_BLOCKED.into());
        }
        Ok(known)
    }

    /// Makes a user, or changes them.
    ///
    /// # Errors
    ///
    /// [`Errcode::BAD_FORMAT`] for an id that is none, [`Errcode::BUSY`].
    pub async fn set_user(&self, wanted: &wire::host::User) -> Result<(), Refused> {
        let id = user_id(&wanted.user)?;
        let _alone = self.administration.lock().await;
        let known = self.store.user(&id).await?;
        let mut user =
            known.unwrap_or_else(|| User { id, blocked: false, profile: UserInfo::default(), places: BTreeMap::new() });
        if let Some(blocked) = wanted.blocked {
            user.blocked = blocked;
        }
        if let Some(profile) = &wanted.profile {
            user.profile.clone_from(profile);
        }
        if let Some(places) = &wanted.places {
            user.places.clone_from(places);
        }
        Ok(self.store.put_user(user).await?)
    }

    /// The next users by id.
    ///
    /// # Errors
    ///
    /// [`Errcode::BUSY`](crate::Errcode::BUSY).
    pub async fn users(&self, page: &wire::host::Page) -> Result<wire::host::Users, Refused> {
        let after = UserId::from(&page.after);
        let users = self.store.users().await?.into_iter().filter(|user| user.id > after).take(wire::host::PAGE);
        let users = users.map(|user| wire::host::User {
            user: user.id.as_str().to_owned(),
            blocked: Some(user.blocked),
            profile: Some(user.profile),
            places: Some(user.places),
        });
        Ok(wire::host::Users { users: users.collect() })
    }
}
