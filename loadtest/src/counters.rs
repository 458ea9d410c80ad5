// SPDX-License-Identifier: EUPL-1.2
//! The counters that a server shows for Prometheus: by how much they grow while something is measured.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hyper::Method;
use tokio::time::timeout;

use crate::signal::http::{Base, Http};

/// How long the server may take to show them.
const PATIENCE: Duration = Duration::from_secs(5);

/// Counters at one time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counters {
    at: Instant,
    /// By name and labels, as the server writes them.
    values: BTreeMap<String, f64>,
}

impl Counters {
    /// Reads them from an address such as `http://127.0.0.1:7880/metrics`.
    ///
    /// # Errors
    ///
    /// When nobody answers there in time, or not with counters.
    pub(crate) async fn read(url: &str) -> Result<Self> {
        let read = timeout(PATIENCE, Self::fetch(url)).await;
        read.with_context(|| format!("nothing came within {} s", PATIENCE.as_secs()))
            .flatten()
            .with_context(|| format!("no counters from {url}"))
    }

    async fn fetch(url: &str) -> Result<Self> {
        let mut http = Http::new(Base::of(url).await?);
        let (status, body) = http.request(Method::GET, "", "text/plain", String::new()).await?;
        if !status.is_success() {
            bail!("the server answers {status}");
        }
        let counters = Self::parse(Instant::now(), &String::from_utf8_lossy(&body));
        if counters.values.is_empty() { bail!("none are there") } else { Ok(counters) }
    }

    /// Takes what is a counter out of Prometheus's text format: by convention, what ends in `_total`.
    fn parse(at: Instant, text: &str) -> Self {
        let counter = |line: &str| {
            let (name, value) = line.trim().rsplit_once(' ')?;
            let is_counter = name.split('{').next().is_some_and(|family| family.ends_with("_total"));
            is_counter.then_some((name.to_owned(), value.parse().ok()?))
        };
        Self { at, values: text.lines().filter(|line| !line.starts_with('#')).filter_map(counter).collect() }
    }

    /// By how much each grew in a second. One that was not there before began at zero.
    pub(crate) fn growth_since(&self, before: &Self) -> BTreeMap<String, f64> {
        // Not the time that is measured meanwhile: it takes a moment to read them.
        let seconds = self.at.saturating_duration_since(before.at).as_secs_f64();
        let grown = |(name, value): (&String, &f64)| {
            let growth = value - before.values.get(name).copied().unwrap_or(0.0);
            (name.clone(), growth / seconds.max(f64::EPSILON))
        };
        self.values.iter().map(grown).collect()
    }
}

/// One that may not be there: where nobody asked for it, there is nothing to read.
pub(crate) async fn read_if_asked(url: Option<&str>) -> Result<Option<Counters>> {
    match url {
        Some(url) => Counters::read(url).await.map(Some),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP sent_total Packets.\n# TYPE sent_total counter\nsent_total 10\n\
                        dropped_total{reason=\"late one\"} 2\nclients 7\nbroken_total x\n";

    #[test]
    fn counters_are_told_from_the_rest() {
        let counters = Counters::parse(Instant::now(), TEXT);
        let wanted = [("sent_total".to_owned(), 10.0), ("dropped_total{reason=\"late one\"}".to_owned(), 2.0)];
        assert_eq!(counters.values, wanted.into());
    }

    #[test]
    fn growth_is_by_the_second() {
        let before = Counters::parse(Instant::now(), "sent_total 10\n");
        let after = Counters::parse(before.at + Duration::from_secs(4), &TEXT.replace("total 10", "total 30"));
        let growth = after.growth_since(&before);
        assert_eq!((growth["sent_total"], growth["dropped_total{reason=\"late one\"}"]), (5.0, 0.5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_given_up() {
        // The kernel takes connections for it.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/metrics", silent.local_addr().unwrap());
        let read = timeout(2 * PATIENCE, Counters::read(&url)).await;
        let error = format!("{:#}", read.unwrap().unwrap_err());
        assert!(error.starts_with(&format!("no counters from {url}: nothing came within 5 s")), "{error}");
    }
}
