//! Where the platform is.

use std::net::IpAddr;

use reqwest::Url;

use super::ClientError;

/// A URL that paths of endpoints can be appended to, and that secrets may travel to.
#[derive(Clone, Debug)]
pub(super) struct Base(Url);

impl Base {
    /// Refuses what would carry secrets in the open, unless `plain_http` says that this is wanted.
    pub(super) fn parse(text: &str, plain_http: bool) -> Result<Self, ClientError> {
        // The text may hold a password, so no message quotes it.
        let wrong = |what: &str| Err(ClientError::Setup(format!("the base URL {what}")));
        let Ok(url) = Url::parse(text) else { return wrong("is no URL: write it like https://api.weixin.qq.com") };
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("has a user name or a password, which nobody here asks for");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return wrong("has a query or a fragment: end it with the path");
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if plain_http || is_loopback(&url) => Ok(Self(url)),
            "http" => {
                wrong("is http, and not of this machine: secrets travel in the query, so take https, or allow plain http")
            }
            _ => wrong("is neither https nor http"),
        }
    }

    /// Whether secrets travel sealed.
    pub(super) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The URL of an endpoint, by its path.
    pub(super) fn at(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        // Every http URL has segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/').filter(|segment| !segment.is_empty()));
        }
        url
    }

    /// Scheme, host and port: what may be shown.
    pub(super) fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"), // RFC 6761: never leaves the machine
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    fn refusal(text: &str) -> String {
        Base::parse(text, false).unwrap_err().to_string()
    }

    #[test]
    fn paths_are_appended_to_whatever_the_base_ends_with() {
        for (base, whole) in [
            ("https://api.weixin.qq.com", "https://api.weixin.qq.com/sns/jscode2session"),
            ("https://api.weixin.qq.com/", "https://api.weixin.qq.com/sns/jscode2session"),
            ("http://127.0.0.1:8000/below/here", "http://127.0.0.1:8000/below/here/sns/jscode2session"),
            ("http://127.0.0.1:8000/below/here/", "http://127.0.0.1:8000/below/here/sns/jscode2session"),
        ] {
            assert_eq!(Base::parse(base, false).unwrap().at("/sns/jscode2session").as_str(), whole);
        }
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for near in
            ["http://127.0.0.1:1", "http://127.8.8.8", "http://[::1]:1", "http://[::ffff:127.0.0.1]", "http://LOCALHOST"]
        {
            assert!(Base::parse(near, false).is_ok(), "{near}");
        }
        for far in ["http://10.0.0.1", "http://localhost.example.com", "http://127.0.0.1.example.com", "http://[::2]"] {
            assert!(refusal(far).contains("secrets travel in the query"), "{far}");
            assert!(Base::parse(far, true).is_ok(), "{far}");
        }
    }

    #[test]
    fn what_is_no_base_is_refused_without_quoting_it() {
        for text in [
            "",
            "hush",
            "ftp://hush/",
            "https://hush@example.com",
            "https://u:hush@example.com",
            "https://example.com?hush=1",
            "https://example.com#hush",
            "data:hush",
        ] {
            assert!(!refusal(text).contains("hush"), "{text}");
        }
    }
}
