// SPDX-License-Identifier: EUPL-1.2
//! What a receiver's wish means for the SFU: whether to forward, and up to which layer.

use bus::{MediaKind, SubscriptionSettings};

use crate::rooms::info::TrackInfo;
use crate::rooms::input::TrackWish;

/// Every layer there is. Simulcast has at most three.
const TOP_LAYER: u8 = 2;

/// The settings for a track that a receiver wishes to have so; without a wish it is all of it.
pub(crate) fn settings(track: &TrackInfo, wish: Option<TrackWish>) -> SubscriptionSettings {
    let Some(wish) = wish else { return SubscriptionSettings { is_paused: false, max_layer: TOP_LAYER } };
    let layer = match track.kind {
        MediaKind::Audio => None,
        MediaKind::Video => wanted_layer(track, wish),
    };
    // What is wanted in full stays so when the publisher sends more than it announced.
    let max_layer = layer.filter(|layer| layer + 1 < track.layers.len()).and_then(|layer| u8::try_from(layer).ok());
    SubscriptionSettings { is_paused: wish.is_disabled, max_layer: max_layer.unwrap_or(TOP_LAYER) }
}

/// The smallest layer that fills the size in which it is shown, or else the best that is no better than asked for.
fn wanted_layer(track: &TrackInfo, wish: TrackWish) -> Option<usize> {
    if wish.width > 0 && wish.height > 0 {
        // By the shorter side of the picture, as LiveKit does: tiles crop the longer one.
        let is_portrait = track.height > track.width;
        let short_side = |width, height| if is_portrait { width } else { height };
        let wanted = short_side(wish.width, wish.height);
        track.layers.iter().position(|layer| short_side(layer.width, layer.height) >= wanted)
    } else {
        track.layers.iter().rposition(|layer| layer.quality <= wish.quality).or(Some(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::grants::TrackSource;
    use crate::rooms::info::{Encryption, Layer, Quality};

    fn track(kind: MediaKind, layers: &[(Quality, u32, u32)]) -> TrackInfo {
        let (_, width, height) = layers.last().copied().unwrap_or_default();
        let layer =
            |&(quality, width, height): &(Quality, u32, u32)| Layer { quality, width, height, ..Layer::default() };
        TrackInfo {
            sid: "TR_1".into(),
            kind,
            source: TrackSource::Unknown,
            name: String::new(),
            is_muted: false,
            width,
            height,
            layers: layers.iter().map(layer).collect(),
            mid: String::new(),
            encryption: Encryption::None,
            disable_red: false,
            stream: String::new(),
            audio_features: Vec::new(),
        }
    }

    fn check(track: &TrackInfo, wish: TrackWish, is_paused: bool, max_layer: u8) {
        assert_eq!(settings(track, Some(wish)), SubscriptionSettings { is_paused, max_layer }, "{wish:?}");
    }

    fn size(width: u32, height: u32) -> TrackWish {
        TrackWish { width, height, ..TrackWish::default() }
    }

    fn quality(quality: Quality) -> TrackWish {
        TrackWish { quality, ..TrackWish::default() }
    }

    const LANDSCAPE: [(Quality, u32, u32); 3] =
        [(Quality::Low, 320, 180), (Quality::Medium, 640, 360), (Quality::High, 1280, 720)];

    #[test]
    fn the_smallest_layer_that_fills_the_tile_is_enough() {
        let video = track(MediaKind::Video, &LANDSCAPE);
        check(&video, size(320, 180), false, 0);
        check(&video, size(100, 60), false, 0);
        check(&video, size(321, 181), false, 1);
        check(&video, size(300, 300), false, 1);
        check(&video, size(1280, 720), false, TOP_LAYER);
        check(&video, size(4000, 3000), false, TOP_LAYER);
    }

    #[test]
    fn portraits_are_measured_by_their_width() {
        let portrait = LANDSCAPE.map(|(quality, width, height)| (quality, height, width));
        let video = track(MediaKind::Video, &portrait);
        check(&video, size(180, 900), false, 0);
        check(&video, size(181, 100), false, 1);
    }

    #[test]
    fn without_a_size_the_quality_counts() {
        let video = track(MediaKind::Video, &LANDSCAPE);
        check(&video, quality(Quality::Low), false, 0);
        check(&video, quality(Quality::Medium), false, 1);
        check(&video, quality(Quality::High), false, TOP_LAYER);
        let two = track(MediaKind::Video, &[(Quality::Low, 320, 180), (Quality::High, 1280, 720)]);
        check(&two, quality(Quality::Medium), false, 0);
        let single = track(MediaKind::Video, &[(Quality::High, 1280, 720)]);
        check(&single, quality(Quality::Low), false, TOP_LAYER);
    }

    #[test]
    fn what_is_disabled_is_paused() {
        let wish = TrackWish { is_disabled: true, ..TrackWish::default() };
        check(&track(MediaKind::Audio, &[]), wish, true, TOP_LAYER);
        check(&track(MediaKind::Video, &LANDSCAPE), wish, true, TOP_LAYER);
    }
}
