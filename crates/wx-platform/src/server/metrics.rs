//! Figures about the server, for Prometheus. None of them is about a user or an app.

use std::{fmt, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::endpoint::Endpoint;

/// Upper ends of the buckets of the time that answers took, in seconds: each four times the one before.
const BUCKETS: [f64; 10] = [0.000_05, 0.000_2, 0.000_8, 0.003_2, 0.012_8, 0.051_2, 0.204_8, 0.819_2, 3.276_8, 13.107_2];

#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    refused: Family<Outcome, Counter>,
    /// In the order of [`Endpoint`]: what every request needs is found without a search.
    answered: Vec<Answered>,
    under_way: Gauge,
    connections: Gauge,
    turned_away: Counter,
}

/// Of one endpoint.
#[derive(Debug)]
struct Answered {
    ok: Counter,
    seconds: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    endpoint: &'static str,
    errcode: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Which {
    endpoint: &'static str,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let requests = Family::<Outcome, Counter>::default();
        let seconds = Family::<Which, Histogram, _>::new_with_constructor(|| Histogram::new(BUCKETS));
        let answered = |endpoint: Endpoint| {
            let endpoint = endpoint.path();
            let ok = requests.get_or_create_owned(&Outcome { endpoint, errcode: 0 });
            Answered { ok, seconds: seconds.get_or_create_owned(&Which { endpoint }) }
        };
        let answered = Endpoint::ALL.into_iter().chain([Endpoint::Unknown]).map(answered).collect();
        let (under_way, connections, turned_away) = (Gauge::default(), Gauge::default(), Counter::default());
        let mut registry = Registry::with_prefix("wx_platform");
        registry.register("requests", "Requests, by endpoint and errcode, 0 for ok", requests.clone());
        registry.register("request_seconds", "Time from a request's head to its answer", seconds);
        registry.register("requests_in_flight", "Requests between their head and their answer", under_way.clone());
        registry.register("connections", "Connections open", connections.clone());
        registry.register("connections_turned_away", "Connections closed as there were too many", turned_away.clone());
        Self { registry, refused: requests, answered, under_way, connections, turned_away }
    }

    pub(super) fn answered(&self, endpoint: Endpoint, errcode: i32, took: Duration) {
        let Some(answered) = self.answered.get(endpoint as usize) else { return };
        answered.seconds.observe(took.as_secs_f64());
        if errcode == 0 {
            answered.ok.inc();
        } else {
            self.refused.get_or_create(&Outcome { endpoint: endpoint.path(), errcode }).inc();
        }
    }

    /// Counts a request as under way until what this returns is dropped, answered or not.
    pub(super) fn under_way(&self) -> UnderWay<'_> {
        self.under_way.inc();
        UnderWay(&self.under_way)
    }

    pub(super) fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// All of them as text.
    pub(super) fn text(&self, connections: usize) -> Result<String, fmt::Error> {
        self.connections.set(i64::try_from(connections).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// A request that has no answer yet.
#[derive(Debug)]
pub(super) struct UnderWay<'a>(&'a Gauge);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
