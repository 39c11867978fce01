//! The whole suite: every case under every profile.

use wx_api::Profile;

use crate::{Case, cases::DOMAINS};

/// Every case, in the order of the report.
///
/// ```
/// assert!(wx_conformance::cases().any(|case| case.name == "login::codes_differ"));
/// ```
pub fn cases() -> impl Iterator<Item = &'static Case> {
    DOMAINS.iter().flat_map(|(cases, _)| *cases)
}

/// The profiles every case runs under: the newest base library and base library 1.9.94.
pub fn profiles() -> [Profile; 2] {
    [Profile::default(), Profile::seed()]
}

/// What a report calls a profile: its platform and its base library.
///
/// ```
/// use wx_api::Profile;
///
/// assert_eq!(wx_conformance::label(&Profile::seed()), "android 1.9.94");
/// ```
pub fn label(profile: &Profile) -> String {
    format!("{:?} {}", profile.platform(), profile.sdk()).to_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

    use std::collections::BTreeSet;

    use wx_api::{Api, Call};

    use super::*;
    use crate::cases::sample;

    #[test]
    fn every_case_has_a_name_of_its_own_that_reads_domain_and_sentence() {
        let mut names = BTreeSet::new();
        for case in cases() {
            assert!(names.insert(case.name), "{} is there twice", case.name);
            let (domain, sentence) = case.name.split_once("::").unwrap();
            for part in [domain, sentence] {
                assert!(
                    !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
                    "{part}"
                );
            }
        }
        assert!(names.len() > 200, "only {} cases", names.len());
    }

    #[test]
    fn every_api_of_the_contract_has_one_sample_that_is_valid() {
        for &api in Api::ALL {
            let samples = DOMAINS.iter().flat_map(|(_, samples)| *samples).filter(|(of, _)| *of == api).count();
            if api.event_facts().is_some() {
                continue;
            }
            assert_eq!(samples, 1, "samples of {}", api.name());
            let call = Call::deserialize(api, &mut serde_json::Deserializer::from_str(sample(api).unwrap()));
            assert_eq!(call.unwrap().api(), api);
        }
    }

    #[test]
    fn every_api_of_the_contract_has_cases() {
        for &api in Api::ALL {
            assert!(cases().any(|case| case.apis.contains(&api)), "{}", api.name());
        }
    }

    #[test]
    fn the_two_profiles_have_two_labels() {
        assert_eq!(profiles().each_ref().map(label), ["android 3.16.2", "android 1.9.94"]);
    }
}
