use std::collections::BTreeMap;

use wx_api::{Api, AppId, Event, EventHub, EventSender, hce::HceMessage};

/// Fewer apps than this are not worth a search.
const FIRST_SEARCH: usize = 16;

/// Who listens to what the reader does, by app.
#[derive(Debug)]
pub(super) struct Listeners {
    hubs: BTreeMap<AppId, EventHub>,
    /// How many apps there may be before those that no longer listen are searched for.
    search_at: usize,
}

impl Default for Listeners {
    fn default() -> Self {
        Self { hubs: BTreeMap::new(), search_at: FIRST_SEARCH }
    }
}

impl Listeners {
    pub(super) fn add(&mut self, app: &AppId, out: EventSender) {
        if self.hubs.len() >= self.search_at {
            self.hubs.retain(|_, hub| hub.has_listener(Api::OnHceMessage));
            self.search_at = FIRST_SEARCH.max(2 * self.hubs.len()); // so that a search is as rare as it is long
        }
        self.hubs.entry(app.clone()).or_default().add(out);
    }

    pub(super) fn tell(&self, app: &AppId, message: HceMessage) {
        if let Some(hub) = self.hubs.get(app) {
            hub.send(&Event::from(message));
        }
    }
}

#[cfg(test)]
mod tests {
    use wx_api::event_channel;

    use super::*;

    #[test]
    fn apps_that_no_longer_listen_are_forgotten() {
        let mut listeners = Listeners::default();
        let (out, _stays) = event_channel(Api::OnHceMessage.into());
        listeners.add(&"wx-stays".into(), out);
        for app in 0..1000 {
            let (out, stream) = event_channel(Api::OnHceMessage.into());
            listeners.add(&format!("wx{app}").as_str().into(), out);
            drop(stream);
        }
        assert!(listeners.hubs.len() <= FIRST_SEARCH, "{}", listeners.hubs.len());
        assert!(listeners.hubs.contains_key(&AppId::from("wx-stays")));
    }
}
