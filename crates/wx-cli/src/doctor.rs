//! What a machine has.

pub(crate) mod link;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde::Serialize;
use wx_api::{Api, ApiSet};

use crate::terminal;

/// A machine, by its file system and its environment.
pub(crate) struct Machine {
    root: PathBuf,
    bus: Option<String>,
    display: Option<String>,
    has_terminal: bool,
    /// What the backend of real parts does.
    supported: ApiSet,
}

/// One part of it.
#[derive(Debug, Serialize)]
pub(crate) struct Part {
    /// What it is.
    pub(crate) name: &'static str,
    /// Whether it is there.
    pub(crate) found: bool,
    /// What was found, or where it was looked for.
    pub(crate) detail: String,
    /// How to get it on Debian.
    pub(crate) get: &'static str,
    /// What it is for.
    #[serde(rename = "for")]
    pub(crate) purpose: &'static str,
    /// The APIs of the contract that need it.
    pub(crate) apis: Vec<&'static str>,
    /// Whether the backend of real parts does any of them already.
    pub(crate) used: bool,
}

impl Part {
    /// What it serves, in words.
    pub(crate) fn serves(&self) -> String {
        let apis = if self.apis.is_empty() { String::new() } else { format!(": {}", self.apis.join(", ")) };
        let note = if self.used { "" } else { "; this program does not use it yet" };
        format!("{}{apis}{note}", self.purpose)
    }
}

impl Machine {
    /// This one, with a backend of real parts that does this.
    pub(crate) fn here(supported: ApiSet) -> Self {
        Self {
            root: "/".into(),
            bus: env::var("DBUS_SYSTEM_BUS_ADDRESS").ok(),
            display: ["WAYLAND_DISPLAY", "DISPLAY"]
                .iter()
                .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty())),
            has_terminal: terminal::is_interactive(),
            supported,
        }
    }

    /// Everything that a backend on real hardware could use.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let parts =
            [self.tpm(), self.fingerprint(), self.reader(), self.bluetooth(), self.bus(), self.display(), self.terminal()];
        let is_done = |name: &&str| Api::from_name(name).is_some_and(|api| self.supported.contains(api));
        parts.into_iter().map(|part| Part { used: part.apis.iter().any(is_done), ..part }).collect()
    }

    fn tpm(&self) -> Part {
        Part {
            name: "TPM",
            get: "switch the TPM 2.0 on in the firmware and join the group tss; a virtual machine gets one with `apt install swtpm`",
            purpose: "a SOTER key that cannot leave the device (for a program built with the feature tpm)",
            apis: if cfg!(feature = "tpm") { of("soter") } else { Vec::new() },
            ..self.first(&["dev/tpmrm0"])
        }
    }

    fn fingerprint(&self) -> Part {
        Part {
            name: "fingerprint",
            get: "`apt install fprintd`, then `fprintd-enroll`; it needs a reader that libfprint knows",
            purpose: "recognising the user",
            apis: of("soter"),
            ..self.first(&[
                "usr/share/dbus-1/system-services/net.reactivated.Fprint.service",
                "usr/libexec/fprintd",
                "usr/lib/fprintd/fprintd",
            ])
        }
    }

    fn reader(&self) -> Part {
        Part {
            name: "card reader",
            get: "`apt install pcscd`, then `systemctl start pcscd.socket`",
            purpose: "reaching a card reader (PC/SC)",
            apis: of("hce"),
            ..self.first(&["run/pcscd/pcscd.comm"])
        }
    }

    fn bluetooth(&self) -> Part {
        let folder = self.root.join("sys/class/bluetooth");
        let adapters: Vec<String> = fs::read_dir(&folder)
            .map(|entries| entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
            .unwrap_or_default();
        Part {
            name: "Bluetooth",
            found: !adapters.is_empty(),
            detail: if adapters.is_empty() { format!("no adapter in {}", folder.display()) } else { adapters.join(", ") },
            get: "plug an adapter in and `apt install bluez`",
            purpose: "Bluetooth, which the contract does not have yet",
            apis: Vec::new(),
            used: false,
        }
    }

    fn bus(&self) -> Part {
        // The address names a socket, or several; who sets it knows what they do.
        let part = match &self.bus {
            Some(address) => Part { found: true, detail: format!("DBUS_SYSTEM_BUS_ADDRESS={address}"), ..self.first(&[]) },
            None => self.first(&["run/dbus/system_bus_socket", "var/run/dbus/system_bus_socket"]),
        };
        Part {
            name: "system bus",
            get: "`apt install dbus`, then `systemctl start dbus`",
            purpose: "reaching fprintd and BlueZ",
            apis: of("soter"),
            ..part
        }
    }

    fn display(&self) -> Part {
        Part {
            name: "display",
            found: self.display.is_some(),
            detail: self.display.clone().unwrap_or_else(|| "neither WAYLAND_DISPLAY nor DISPLAY is set".to_owned()),
            get: "log in to a desktop; prompts are on the terminal meanwhile",
            purpose: "windows for prompts",
            apis: Vec::new(),
            used: false,
        }
    }

    fn terminal(&self) -> Part {
        Part {
            name: "terminal",
            found: self.has_terminal,
            detail: if self.has_terminal { "a person can be asked" } else { "standard input or error is no terminal" }
                .to_owned(),
            get: "run wx on a terminal, or answer ahead with --grant and --deny",
            purpose: "asking for consent outside the mock",
            apis: of("authorization"),
            used: false,
        }
    }

    /// A part that is there if one of these files is.
    fn first(&self, paths: &[&str]) -> Part {
        let found = paths.iter().map(|path| self.root.join(path)).find(|path| path.exists());
        let named = |path: &Path| path.display().to_string();
        let detail = match (&found, paths.first()) {
            (Some(path), _) => named(path),
            (None, Some(path)) => format!("no {}", named(&self.root.join(path))),
            (None, None) => String::new(),
        };
        Part { name: "", found: found.is_some(), detail, get: "", purpose: "", apis: Vec::new(), used: false }
    }
}

/// The APIs of a domain.
fn of(domain: &str) -> Vec<&'static str> {
    Api::ALL.iter().filter(|api| api.domain() == domain).map(|api| api.name()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    fn machine(files: &[&str]) -> (tempfile::TempDir, Vec<Part>) {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let machine = Machine {
            root: folder.path().to_owned(),
            bus: None,
            display: None,
            has_terminal: false,
            supported: ApiSet::from(Api::StartHce) | Api::StartSoterAuthentication.into(),
        };
        let parts = machine.parts();
        (folder, parts)
    }

    #[test]
    fn an_empty_machine_has_nothing_and_says_how_to_get_everything() {
        let (_folder, parts) = machine(&[]);
        assert_eq!(parts.len(), 7);
        for part in &parts {
            assert!(!part.found && !part.get.is_empty() && !part.detail.is_empty() && !part.name.is_empty(), "{part:?}");
        }
    }

    #[test]
    fn what_is_there_is_found() {
        let (_folder, parts) = machine(&[
            "dev/tpmrm0",
            "usr/libexec/fprintd",
            "run/pcscd/pcscd.comm",
            "sys/class/bluetooth/hci0",
            "run/dbus/system_bus_socket",
        ]);
        let found: Vec<&str> = parts.iter().filter(|part| part.found).map(|part| part.name).collect();
        assert_eq!(found, ["TPM", "fingerprint", "card reader", "Bluetooth", "system bus"]);
        assert_eq!(parts[3].detail, "hci0");
    }

    #[test]
    fn every_api_that_a_part_is_for_exists() {
        let (_folder, parts) = machine(&[]);
        for part in parts {
            assert!(part.apis.iter().all(|name| Api::from_name(name).is_some()));
        }
        assert!(of("soter").contains(&"startSoterAuthentication"));
    }

    #[test]
    fn a_part_is_used_when_the_backend_does_what_it_is_for() {
        let (_folder, parts) = machine(&[]);
        let used: Vec<&str> = parts.iter().filter(|part| part.used).map(|part| part.name).collect();
        let with_tpm = ["TPM", "fingerprint", "card reader", "system bus"];
        assert_eq!(used, with_tpm[usize::from(!cfg!(feature = "tpm"))..]);
        assert!(parts[3].serves().ends_with("this program does not use it yet") && !parts[2].serves().contains("yet"));
    }
}
