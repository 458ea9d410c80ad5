// SPDX-License-Identifier: EUPL-1.2
//! Session timers (RFC 4028): a call is refreshed now and then, and ends when it is not, so that none lasts for ever because a
//! BYE was lost.

use std::time::{Duration, Instant};

use super::config::Config;
use super::message::Headers;
use super::own_headers::supports;

/// The least that anybody may ask for (§4).
const FLOOR: Duration = Duration::from_secs(90);
/// The longest that is believed: a day. Also keeps sums of times in range.
const CEILING: Duration = Duration::from_secs(86_400);

/// Who refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refresher {
    We,
    They,
}

impl Refresher {
    /// As the header has it: by who sent the request at hand (§4).
    fn parameter(self, we_asked: bool) -> &'static str {
        if (self == Self::We) == we_asked { "uac" } else { "uas" }
    }
}

/// What was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) interval: Duration,
    pub(super) refresher: Refresher,
    /// Whether the other side has session timers; else the answer does not require them (§9).
    peer_has_timer: bool,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Refresh,
    Expired,
}

/// The timer of a call.
pub(super) struct SessionTimer {
    /// The least that both sides accept, as far as is known.
    minimum: Duration,
    /// What our requests ask for; `None`: nothing.
    wanted: Option<Duration>,
    agreed: Option<Agreed>,
    refresh_at: Option<Instant>,
    expires_at: Option<Instant>,
}

/// Seconds, and the refresher if it is named, of a Session-Expires.
fn parse(headers: &Headers) -> Option<(Duration, Option<&str>)> {
    let mut parts = headers.get("Session-Expires")?.split(';');
    let interval = seconds(parts.next()?)?;
    let refresher = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("refresher").then(|| value.trim())
    });
    Some((interval.min(CEILING), refresher))
}

fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse::<u32>().ok().map(|seconds| Duration::from_secs(seconds.into()))
}

fn minimum_of(headers: &Headers) -> Option<Duration> {
    headers.get("Min-SE").and_then(|value| seconds(value.split(';').next()?)).map(|least| least.min(CEILING))
}

impl SessionTimer {
    pub(super) fn new(config: &Config) -> Self {
        let minimum = config.session_minimum.clamp(FLOOR, CEILING);
        let wanted = config.session_expires.map(|wanted| wanted.clamp(minimum, CEILING));
        Self { minimum, wanted, agreed: None, refresh_at: None, expires_at: None }
    }

    /// Adds what a request of ours, an INVITE or an UPDATE, says (§7.1, §7.4).
    pub(super) fn ask(&self, headers: &mut Headers) {
        let interval = self.agreed.map(|agreed| agreed.interval).or(self.wanted);
        let Some(interval) = interval.map(|interval| interval.max(self.minimum)) else { return };
        // Who refreshes now goes on with it, lest it changes with every request.
        let refresher = self.agreed.map(|agreed| format!(";refresher={}", agreed.refresher.parameter(true)));
        headers.set("Session-Expires", format!("{}{}", interval.as_secs(), refresher.unwrap_or_default()));
        headers.set("Min-SE", self.minimum.as_secs().to_string());
    }

    /// A request of theirs (§9): what to agree on, or the Min-SE for a 422.
    pub(super) fn consider(&mut self, headers: &Headers) -> Result<Option<Agreed>, Duration> {
        let peer_has_timer = supports(headers, "timer");
        let least = minimum_of(headers).map_or(self.minimum, |theirs| theirs.max(self.minimum));
        let Some((interval, refresher)) = parse(headers) else {
            // They ask for none. We may have one all the same and refresh it ourselves, unless they would take part.
            let refresher =
                if peer_has_timer { self.agreed.map_or(Refresher::They, |a| a.refresher) } else { Refresher::We };
            return Ok(self.wanted.map(|wanted| Agreed { interval: wanted.max(least), refresher, peer_has_timer }));
        };
        if interval < self.minimum {
            if peer_has_timer {
                return Err(self.minimum);
            }
            // They do not know the timer: some proxy wrote the header, and would not know 422 from them either.
            let interval = self.minimum;
            return Ok(Some(Agreed { interval, refresher: Refresher::We, peer_has_timer }));
        }
        // It may be shortened to what we want, and not below their least.
        let interval = self.wanted.map_or(interval, |wanted| interval.min(wanted.max(least)));
        let refresher = match refresher {
            _ if !peer_has_timer => Refresher::We,
            Some(name) if name.eq_ignore_ascii_case("uas") => Refresher::We,
            Some(_) => Refresher::They,
            None => self.agreed.map_or(Refresher::They, |agreed| agreed.refresher),
        };
        Ok(Some(Agreed { interval, refresher, peer_has_timer }))
    }

    /// Adds what our 2xx to that request says, and starts the timer anew.
    pub(super) fn agree(&mut self, now: Instant, agreed: Option<Agreed>, headers: &mut Headers) {
        if let Some(agreed) = agreed {
            let refresher = agreed.refresher.parameter(false);
            headers.set("Session-Expires", format!("{};refresher={refresher}", agreed.interval.as_secs()));
            // Who refreshes has to know it, and who does not is to hang up when no refresh comes (§9).
            if agreed.peer_has_timer {
                headers.push("Require", "timer");
            }
        }
        self.start(now, agreed);
    }

    /// The 2xx to a request of ours (§7.2).
    pub(super) fn handle_answer(&mut self, now: Instant, headers: &Headers) {
        let agreed = parse(headers).map(|(interval, refresher)| {
            let is_theirs = refresher.is_some_and(|name| name.eq_ignore_ascii_case("uas"));
            let refresher = if is_theirs { Refresher::They } else { Refresher::We };
            Agreed { interval: interval.max(FLOOR), refresher, peer_has_timer: true }
        });
        self.start(now, agreed);
    }

    /// A 422 to a request of ours: whether it makes sense to ask again, for longer (§7.3).
    pub(super) fn handle_too_small(&mut self, headers: &Headers) -> bool {
        let Some(theirs) = minimum_of(headers).filter(|theirs| *theirs > self.minimum) else { return false };
        self.minimum = theirs;
        if let Some(agreed) = &mut self.agreed {
            agreed.interval = agreed.interval.max(theirs);
        }
        self.wanted = self.wanted.map(|wanted| wanted.max(theirs));
        true
    }

    fn start(&mut self, now: Instant, agreed: Option<Agreed>) {
        self.agreed = agreed;
        self.refresh_at = None;
        self.expires_at = None;
        if let Some(agreed) = agreed {
            if agreed.refresher == Refresher::We {
                self.refresh_at = Some(now + agreed.interval / 2);
            }
            // BYE goes out a little before the end, so that proxies still know the call (§10).
            let margin = (agreed.interval / 3).min(Duration::from_secs(32));
            self.expires_at = Some(now + (agreed.interval - margin));
        }
    }

    /// Whoever ends the call needs no timer any more.
    pub(super) fn stop(&mut self) {
        (self.refresh_at, self.expires_at) = (None, None);
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.refresh_at.into_iter().chain(self.expires_at).min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Due {
        if self.expires_at.is_some_and(|at| at <= now) {
            self.stop();
            return Due::Expired;
        }
        if self.refresh_at.is_some_and(|at| at <= now) {
            self.refresh_at = None;
            return Due::Refresh;
        }
        Due::Nothing
    }

    /// A refresh could not be sent or was refused for a while: once more, until the time is up.
    pub(super) fn refresh_later(&mut self, at: Instant) {
        if self.agreed.is_some_and(|agreed| agreed.refresher == Refresher::We) {
            self.refresh_at = Some(at);
        }
    }
}
