use std::{env, path::Path, process::Command};

use crate::{bus, fingerprint, keyring, softhsm, stack, swtpm, terminal};

/// A part of the outside that a machine may lack.
#[derive(Debug)]
pub struct Facility {
    /// The environment variable that makes tests fail on a machine without it, instead of saying that they did not run.
    pub required: &'static str,
    /// Files, and the Debian package of each.
    files: &'static [(&'static str, &'static str)],
    /// A module of Python, and its Debian package.
    module: Option<(&'static str, &'static str)>,
}

/// A PC/SC stack and a terminal.
pub static PCSC: Facility = Facility {
    required: "WX_REQUIRE_PCSC",
    files: &[(stack::PCSCD, "pcscd"), (stack::DRIVER, "vsmartcard-vpcd"), (terminal::PYTHON, "python3-pyscard")],
    module: Some(("smartcard.scard", "python3-pyscard")),
};

/// A fingerprint reader.
pub static FINGERPRINTS: Facility =
    Facility { required: "WX_REQUIRE_FPRINTD", files: &[(bus::BUS, "dbus"), (fingerprint::FPRINTD, "fprintd")], module: None };

/// A TPM, and the tool that ends its lockout.
pub static TPM: Facility = Facility {
    required: "WX_REQUIRE_TPM",
    files: &[(swtpm::SWTPM, "swtpm"), ("/usr/bin/tpm2_dictionarylockout", "tpm2-tools")],
    module: None,
};

/// A PKCS#11 token.
pub static TOKENS: Facility = Facility { required: "WX_REQUIRE_PKCS11", files: &[(softhsm::MODULE, "softhsm2")], module: None };

/// A secret service, and a user who answers its dialogs.
pub static SECRETS: Facility = Facility {
    required: "WX_REQUIRE_SECRETS",
    files: &[(bus::BUS, "dbus"), (keyring::DAEMON, "gnome-keyring"), (terminal::PYTHON, "python3")],
    module: Some(("ctypes; ctypes.CDLL('libgcr-base-3.so.1')", "gnome-keyring")), // a library of its own is the user
};

/// Networks of a test's own, which take root besides.
pub static NETWORKS: Facility = Facility { required: "WX_REQUIRE_NETNS", files: &[("/usr/sbin/ip", "iproute2")], module: None };

/// A virtual machine for Java, and the compiler.
pub static JAVA: Facility = Facility {
    required: "WX_REQUIRE_JAVA",
    files: &[
        ("/usr/bin/java", "default-jdk-headless"),
        ("/usr/bin/javac", "default-jdk-headless"),
        ("/usr/bin/jcmd", "default-jdk-headless"),
    ],
    module: None,
};

impl Facility {
    /// What this machine lacks for it, by the names of Debian's packages; `None` when all is there.
    pub fn missing(&self) -> Option<String> {
        let lacks = |file: &str| !Path::new(file).exists();
        let mut packages: Vec<_> = self.files.iter().filter(|(file, _)| lacks(file)).map(|(_, package)| *package).collect();
        if let (Some((module, package)), true) = (self.module, packages.is_empty()) {
            let import = Command::new(terminal::PYTHON).args(["-c", &format!("import {module}")]).output();
            if !import.is_ok_and(|ran| ran.status.success()) {
                packages.push(package);
            }
        }
        if packages.is_empty() { None } else { Some(format!("not installed: {}", packages.join(", "))) }
    }

    /// Whether a machine without it is to fail.
    pub fn is_required(&self) -> bool {
        env::var_os(self.required).is_some()
    }
}
