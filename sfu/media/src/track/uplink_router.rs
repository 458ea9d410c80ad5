// SPDX-License-Identifier: EUPL-1.2
//! Which track and layer an incoming packet belongs to (RFC 9143 §9.2): by the SSRCs that SDP announced, or by the mid
//! and rid that the first packets carry (RFC 8852).
//!
//! One router serves one transport, and knows only its client's own uplinks: no SSRC or mid that a client makes up
//! reaches another client's track. It remembers one SSRC for each layer and one for its retransmissions, no more.

use smallvec::SmallVec;

use crate::ids::{Layer, TrackId};
use crate::rtp::extensions::HeaderExtensions;
use crate::rtp::packet::RtpView;
use crate::session::Uplink;
use crate::track::layers::{announced_ssrcs, layer_count};

/// Where a packet belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The track.
    pub track: TrackId,
    /// Its layer.
    pub layer: Layer,
    /// It carries a retransmission (RFC 4588).
    pub is_rtx: bool,
}

/// The streams of one client.
#[derive(Debug, Default)]
pub struct UplinkRouter {
    uplinks: Vec<Uplink>,
    /// Ascending by SSRC.
    streams: SmallVec<[(u32, Route); 8]>,
}

impl UplinkRouter {
    /// A router for these uplinks.
    #[must_use]
    pub fn new(uplinks: &[Uplink]) -> Self {
        let mut router = Self::default();
        router.handle_renegotiation(uplinks);
        router
    }

    /// The uplinks changed. What was learnt about those that stay is kept: browsers send mid and rid only until they see
    /// a receiver report, so it could not be learnt again.
    pub fn handle_renegotiation(&mut self, uplinks: &[Uplink]) {
        self.uplinks = uplinks.to_vec();
        self.streams.retain(|(_, route)| {
            let uplink = uplinks.iter().find(|uplink| uplink.track == route.track);
            uplink.is_some_and(|uplink| usize::from(route.layer.0) < layer_count(uplink))
        });
        for uplink in uplinks {
            for (layer, (ssrc, rtx_ssrc)) in (0..).map(Layer).zip(announced_ssrcs(uplink)) {
                self.bind(*ssrc, Route { track: uplink.track, layer, is_rtx: false });
                if let Some(rtx_ssrc) = rtx_ssrc {
                    self.bind(*rtx_ssrc, Route { track: uplink.track, layer, is_rtx: true });
                }
            }
        }
    }

    /// Finds where an authentic packet belongs; `None` when it fits no uplink.
    pub fn route(&mut self, view: &RtpView<'_>, extensions: &HeaderExtensions<'_>) -> Option<Route> {
        if let Some(route) = self.route_of_ssrc(view.ssrc) {
            let is_consistent = extensions.mid.is_none_or(|mid| {
                self.uplinks.iter().any(|uplink| uplink.track == route.track && uplink.mid.as_str().as_bytes() == mid)
            });
            if is_consistent {
                return Some(route);
            }
        }
        let route = self.learn(view, extensions)?;
        self.bind(view.ssrc, route);
        Some(route)
    }

    /// Where a stream belongs that was heard or announced before.
    #[must_use]
    pub fn route_of_ssrc(&self, ssrc: u32) -> Option<Route> {
        let at = self.streams.binary_search_by_key(&ssrc, |(ssrc, _)| *ssrc).ok()?;
        Some(self.streams[at].1)
    }

    fn learn(&self, view: &RtpView<'_>, extensions: &HeaderExtensions<'_>) -> Option<Route> {
        let is_rtx_of = |uplink: &Uplink| uplink.codec.rtx_payload_type == Some(view.payload_type);
        let uplink = match extensions.mid {
            Some(mid) => self.uplinks.iter().find(|uplink| uplink.mid.as_str().as_bytes() == mid)?,
            None => {
                // A payload type that only one m-line has identifies it (RFC 9143 §9.2).
                let has_type = |uplink: &&Uplink| uplink.codec.payload_type == view.payload_type || is_rtx_of(uplink);
                let mut candidates = self.uplinks.iter().filter(has_type);
                candidates.next().filter(|_| candidates.next().is_none())?
            }
        };
        let is_rtx = is_rtx_of(uplink);
        if !is_rtx && uplink.codec.payload_type != view.payload_type {
            return None; // Nothing that was agreed on, so it must not take the place of the stream that was.
        }
        let layer = if uplink.rids.is_empty() {
            0
        } else {
            // Some senders write the rid of the stream they repair as a plain rid.
            let rid = if is_rtx { extensions.repaired_rid.or(extensions.rid) } else { extensions.rid }?;
            uplink.rids.iter().take(layer_count(uplink)).position(|known| known.as_str().as_bytes() == rid)?
        };
        Some(Route { track: uplink.track, layer: Layer(layer as u8), is_rtx })
    }

    /// Remembers the SSRC in place of the one that had its route before.
    fn bind(&mut self, ssrc: u32, route: Route) {
        self.streams.retain(|(known, known_route)| *known != ssrc && *known_route != route);
        let at = self.streams.partition_point(|(known, _)| *known < ssrc);
        self.streams.insert(at, (ssrc, route));
    }
}

#[cfg(test)]
mod tests;
