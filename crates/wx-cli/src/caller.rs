//! Who calls a device, and what they take it for.

use clap::{Args, ValueEnum};
use wx_api::{Cx, Platform, Profile, Version};

use crate::device::Device;

/// The appid of the official examples.
const APP: &str = "wx4f4bc4dec97d474b";
/// The user of a host that tells none apart.
const USER: &str = "default";

/// What a mini-program finds the phone to be.
#[derive(Clone, Debug, Args)]
pub(crate) struct PhoneOptions {
    /// The kind of phone that a mini-program finds.
    #[arg(long, value_enum, default_value = "android", value_name = "PLATFORM")]
    profile: Phone,
    /// Its base library, such as 1.9.94; the newest unless given.
    #[arg(long, value_name = "VERSION")]
    sdk: Option<Version>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Phone {
    Android,
    Ios,
    Devtools,
}

/// The mini-program, its user, and its phone.
#[derive(Clone, Debug, Args)]
pub(crate) struct CallerOptions {
    #[command(flatten)]
    phone: PhoneOptions,
    /// The mini-program's appid.
    #[arg(long, value_name = "ID", default_value = APP)]
    app_id: String,
    /// The user, by the name this host knows them; `default` unless given.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

impl PhoneOptions {
    /// As the profile that calls are made under.
    pub(crate) fn profile(&self) -> Profile {
        let profile = Profile::new(match self.profile {
            Phone::Android => Platform::Android,
            Phone::Ios => Platform::Ios,
            Phone::Devtools => Platform::Devtools,
        });
        match self.sdk {
            Some(sdk) => profile.with_sdk(sdk),
            None => profile,
        }
    }
}

impl CallerOptions {
    /// As the context of calls to this device.
    pub(crate) fn cx(&self, device: &Device) -> Cx {
        let user = self.user.as_deref().or(device.user.as_deref()).unwrap_or(USER);
        Cx::new(&self.app_id).with_user(user).with_profile(self.phone.profile())
    }
}
