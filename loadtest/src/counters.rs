// SPDX-License-Identifier: EUPL-1.2
//! The counters that a server shows for Prometheus: by how much they grow while something is measured.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use hyper::Method;

use crate::signal::http::{Base, Http};

/// Counters by name and labels, as the server writes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counters(BTreeMap<String, f64>);

impl Counters {
    /// Reads them from an address such as `http://127.0.0.1:7880/metrics`.
    ///
    /// # Errors
    ///
    /// When nobody answers there, or not with counters.
    pub(crate) async fn read(url: &str) -> Result<Self> {
        let mut http = Http::new(Base::of(url).await?);
        let (status, body) = http.request(Method::GET, "", "text/plain", String::new()).await?;
        if !status.is_success() {
            bail!("{url} answers {status}");
        }
        let counters = Self::parse(&String::from_utf8_lossy(&body));
        if counters.0.is_empty() { bail!("{url} shows no counters") } else { Ok(counters) }
    }

    /// Takes what is a counter out of Prometheus's text format: by convention, what ends in `_total`.
    fn parse(text: &str) -> Self {
        let counter = |line: &str| {
            let (name, value) = line.trim().rsplit_once(' ')?;
            let is_counter = name.split('{').next().is_some_and(|family| family.ends_with("_total"));
            is_counter.then_some((name.to_owned(), value.parse().ok()?))
        };
        Self(text.lines().filter(|line| !line.starts_with('#')).filter_map(counter).collect())
    }

    /// By how much each grew in a second. One that was not there before began at zero.
    pub(crate) fn growth_since(&self, before: &Self, seconds: f64) -> BTreeMap<String, f64> {
        let grown = |(name, value): (&String, &f64)| {
            let growth = value - before.0.get(name).copied().unwrap_or(0.0);
            (name.clone(), growth / seconds.max(f64::EPSILON))
        };
        self.0.iter().map(grown).collect()
    }
}

/// One that may not be there: where nobody asked for it, there is nothing to read.
pub(crate) async fn read_if_asked(url: Option<&str>) -> Result<Option<Counters>> {
    match url {
        Some(url) => Ok(Some(Counters::read(url).await.with_context(|| format!("no counters from {url}"))?)),
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
        let counters = Counters::parse(TEXT);
        let wanted = [("sent_total".to_owned(), 10.0), ("dropped_total{reason=\"late one\"}".to_owned(), 2.0)];
        assert_eq!(counters, Counters(wanted.into()));
    }

    #[test]
    fn growth_is_by_the_second() {
        let before = Counters::parse("sent_total 10\n");
        let growth = Counters::parse(TEXT.replace("total 10", "total 30").as_str()).growth_since(&before, 4.0);
        assert_eq!((growth["sent_total"], growth["dropped_total{reason=\"late one\"}"]), (5.0, 0.5));
    }
}
