// SPDX-License-Identifier: EUPL-1.2

//! `[sip]`: telephones.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use bus::phone::MAX_CALLS;
use serde::{Deserialize, Serialize};

/// Where telephones call while somebody develops: the port that everybody knows, on this machine alone.
pub(crate) const DEV_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5060);

/// `[sip]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sip {
    /// By UDP and TCP.
    #[serde(deserialize_with = "super::one_or_more::<SocketAddr, _>")]
    pub(crate) listen: Vec<SocketAddr>,
    #[serde(deserialize_with = "super::one_or_more::<SocketAddr, _>")]
    pub(crate) listen_tls: Vec<SocketAddr>,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// Certificates of an authority of one's own; empty for those that the system trusts.
    pub(crate) ca_file: PathBuf,
    /// At most one; none for the addresses that are listened on, or where those are all, for the one by which each is reached.
    #[serde(deserialize_with = "super::one_or_more::<IpAddr, _>")]
    pub(crate) advertise: Vec<IpAddr>,
    /// The first and the last, with a dash.
    pub(crate) rtp_ports: String,
    pub(crate) max_calls: usize,
    /// 0: calls are ended at once.
    pub(crate) drain_seconds: u32,
    /// 0: one for each core.
    pub(crate) threads: usize,
    /// Recordings in place of Saal's own; empty for none.
    pub(crate) prompts: PathBuf,
}

impl Default for Sip {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            listen_tls: Vec::new(),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            ca_file: PathBuf::new(),
            advertise: Vec::new(),
            rtp_ports: "20000-29999".to_owned(),
            max_calls: 1_000,
            drain_seconds: 0,
            threads: 0,
            prompts: PathBuf::new(),
        }
    }
}

impl Sip {
    /// Whether there are to be telephones.
    pub(crate) fn is_on(&self) -> bool {
        !self.listen.is_empty() || !self.listen_tls.is_empty()
    }

    /// One of those that are listened on that stands for all, where nothing says which of them telephones are told.
    pub(crate) fn all_addresses(&self) -> Option<IpAddr> {
        let mut ips = self.listen.iter().chain(&self.listen_tls).map(SocketAddr::ip);
        ips.find(IpAddr::is_unspecified).filter(|_| self.advertise.is_empty())
    }

    /// Whether nobody asked for more than what `--dev` brings.
    pub(crate) fn is_as_in_development(&self) -> bool {
        self.listen == [DEV_LISTEN] && self.listen_tls.is_empty()
    }

    /// For how long calls may go on after this process was told to end.
    pub(crate) fn drain_time(&self) -> Duration {
        let seconds = if self.is_on() { self.drain_seconds } else { 0 };
        Duration::from_secs(seconds.into())
    }

    /// The ports for sound; `None` when the text names none.
    pub(crate) fn rtp_ports(&self) -> Option<RangeInclusive<u16>> {
        let (first, last) = self.rtp_ports.split_once('-')?;
        let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        (first > 0 && first < last).then_some(first..=last)
    }

    /// What each value alone cannot tell.
    pub(super) fn judge(&self, is_dev: bool, mut problem: impl FnMut(&[&str], String)) {
        let Some(ports) = self.rtp_ports() else {
            let what = format!("{:?} is no range of ports such as 20000-29999", self.rtp_ports);
            return problem(&["sip", "rtp_ports"], what);
        };
        if !self.is_on() {
            return;
        }
        let mut all = self.listen.iter().chain(&self.listen_tls);
        if is_dev && all.any(|address| !address.ip().is_loopback()) {
            let what = "with --dev whoever can call is trusted, so only loopback addresses will do";
            problem(&["sip", "listen"], what.to_owned());
        }
        if self.advertise.len() > 1 || self.advertise.iter().any(IpAddr::is_unspecified) {
            problem(&["sip", "advertise"], "one address that telephones reach is wanted".to_owned());
        }
        let has_certificate = !self.certificate.as_os_str().is_empty() && !self.key.as_os_str().is_empty();
        if !self.listen_tls.is_empty() && !has_certificate {
            problem(&["sip", "certificate"], "TLS needs a certificate, and its key as sip.key".to_owned());
        }
        let room = usize::from(*ports.end() - *ports.start()) / 2;
        if self.max_calls == 0 || self.max_calls > room {
            let what = format!("{} calls do not fit sip.rtp_ports, which have room for {room}", self.max_calls);
            problem(&["sip", "max_calls"], what);
        } else if self.max_calls > MAX_CALLS {
            let what =
                format!("{} calls are more than an installation looks after: {MAX_CALLS} at most", self.max_calls);
            problem(&["sip", "max_calls"], what);
        }
    }
}
