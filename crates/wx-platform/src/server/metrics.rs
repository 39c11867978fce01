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
    requests: Family<Outcome, Counter>,
    seconds: Family<Which, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    connections: Gauge,
    turned_away: Counter,
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
        let seconds: fn() -> Histogram = || Histogram::new(BUCKETS);
        let (requests, seconds) = (Family::default(), Family::new_with_constructor(seconds));
        let (in_flight, connections, turned_away) = (Gauge::default(), Gauge::default(), Counter::default());
        let mut registry = Registry::with_prefix("wx_platform");
        registry.register("requests", "Requests, by endpoint and errcode, 0 for ok", requests.clone());
        registry.register("request_seconds", "Time from a request's head to its answer", seconds.clone());
        registry.register("requests_in_flight", "Requests under way", in_flight.clone());
        registry.register("connections", "Connections open", connections.clone());
        registry.register("connections_turned_away", "Connections closed as there were too many", turned_away.clone());
        Self { registry, requests, seconds, in_flight, connections, turned_away }
    }

    pub(super) fn answered(&self, endpoint: Endpoint, errcode: i32, took: Duration) {
        let endpoint = endpoint.path();
        self.requests.get_or_create(&Outcome { endpoint, errcode }).inc();
        self.seconds.get_or_create(&Which { endpoint }).observe(took.as_secs_f64());
    }

    pub(super) fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// All of them as text.
    pub(super) fn text(&self, in_flight: usize, connections: usize) -> Result<String, fmt::Error> {
        self.in_flight.set(i64::try_from(in_flight).unwrap_or(i64::MAX));
        self.connections.set(i64::try_from(connections).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
