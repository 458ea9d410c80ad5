// SPDX-License-Identifier: EUPL-1.2
//! A client announces a track, or says more about one.

use bus::{MediaKind, TrackSid};
use livekit_protocol as proto;

use super::Task;
use crate::rooms::details::MAX_NAME_BYTES;
use crate::rooms::info::{AUDIO_FEATURE_NO_DTX, AUDIO_FEATURE_STEREO};
use crate::rooms::input::{AddTrack, Request};
use crate::session::convert;

/// Reads an announcement. Newer fields win over those they replace.
#[expect(deprecated, reason = "clients of every age write these messages")]
pub(in crate::session) fn parse(request: proto::AddTrackRequest) -> AddTrack {
    let mut audio_features = convert::known_numbers::<proto::AudioTrackFeature>(&request.audio_features);
    for (is_set, feature) in [(request.stereo, AUDIO_FEATURE_STEREO), (request.disable_dtx, AUDIO_FEATURE_NO_DTX)] {
        if is_set && !audio_features.contains(&feature) {
            audio_features.push(feature);
        }
    }
    let mut layers = request.layers;
    if layers.is_empty() {
        layers = request.simulcast_codecs.into_iter().next().map(|codec| codec.layers).unwrap_or_default();
    }
    AddTrack {
        cid: request.cid,
        kind: media_kind(request.r#type),
        source: convert::track_source_from(request.source),
        name: bounded(request.name),
        is_muted: request.muted,
        width: request.width,
        height: request.height,
        layers: layers.iter().map(convert::layer_from).collect(),
        encryption: convert::encryption_from(request.encryption),
        disable_red: request.disable_red,
        stream: bounded(request.stream),
        audio_features,
        is_backup_codec: !request.sid.is_empty(),
    }
}

/// `None` is a kind that we do not know.
fn media_kind(track_type: i32) -> Option<MediaKind> {
    match proto::TrackType::try_from(track_type) {
        Ok(proto::TrackType::Audio) => Some(MediaKind::Audio),
        Ok(proto::TrackType::Video) => Some(MediaKind::Video),
        Ok(proto::TrackType::Data) | Err(_) => None,
    }
}

/// A name that is too long for everybody to bear is none.
fn bounded(name: String) -> String {
    if name.len() <= MAX_NAME_BYTES { name } else { String::new() }
}

pub(super) fn parse_layers(update: proto::UpdateVideoLayers) -> Task {
    let layers = update.layers.iter().map(convert::layer_from).collect();
    Task::Room(Request::VideoLayers { track: TrackSid::from(update.track_sid), layers })
}

pub(super) fn parse_audio_update(update: proto::UpdateLocalAudioTrack) -> Task {
    let features = convert::known_numbers::<proto::AudioTrackFeature>(&update.features);
    Task::Room(Request::AudioFeatures { track: TrackSid::from(update.track_sid), features })
}

pub(super) fn parse_video_update(update: proto::UpdateLocalVideoTrack) -> Task {
    let (width, height) = (update.width, update.height);
    Task::Room(Request::VideoSize { track: TrackSid::from(update.track_sid), width, height })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::grants::TrackSource;

    #[test]
    #[expect(deprecated, reason = "clients of every age write these messages")]
    fn old_flags_become_features() {
        let request = proto::AddTrackRequest { stereo: true, disable_dtx: true, ..Default::default() };
        assert_eq!(parse(request).audio_features, [AUDIO_FEATURE_STEREO, AUDIO_FEATURE_NO_DTX]);
    }

    #[test]
    fn layers_may_stand_with_the_first_codec() {
        let layer = proto::VideoLayer { width: 640, ..Default::default() };
        let codec = proto::SimulcastCodec { layers: vec![layer], ..Default::default() };
        let request = proto::AddTrackRequest { simulcast_codecs: vec![codec], ..Default::default() };
        assert_eq!(parse(request).layers.first().map(|layer| layer.width), Some(640));
    }

    #[test]
    fn unknown_numbers_become_harmless() {
        let request = proto::AddTrackRequest {
            r#type: 77,
            source: -5,
            encryption: 99,
            audio_features: vec![1000, AUDIO_FEATURE_STEREO],
            layers: vec![proto::VideoLayer { quality: 42, ..Default::default() }],
            ..Default::default()
        };
        let track = parse(request);
        assert_eq!((track.kind, track.source), (None, TrackSource::Unknown));
        assert_eq!(track.audio_features, [AUDIO_FEATURE_STEREO]);
    }
}
