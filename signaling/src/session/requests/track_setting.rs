// SPDX-License-Identifier: EUPL-1.2
//! A client shows tracks in another size, or not at all.

use bus::TrackSid;
use livekit_protocol::{UpdateTrackSettings, VideoQuality};

use super::Task;
use super::subscription::MAX_TRACKS;
use crate::rooms::input::{Request, TrackWish};
use crate::session::convert;

pub(super) fn parse(settings: &UpdateTrackSettings) -> Task {
    let has_size = settings.width > 0 && settings.height > 0;
    let is_off = !has_size && settings.quality == i32::from(VideoQuality::Off);
    let wish = TrackWish {
        is_disabled: settings.disabled || is_off,
        quality: convert::quality_from(settings.quality),
        width: settings.width,
        height: settings.height,
    };
    let tracks = settings.track_sids.iter().take(MAX_TRACKS).map(|sid| TrackSid::from(sid.as_str())).collect();
    Task::Room(Request::ConfigureTracks { tracks, wish })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::info::Quality;

    fn wish(settings: &UpdateTrackSettings) -> TrackWish {
        match parse(settings) {
            Task::Room(Request::ConfigureTracks { wish, .. }) => wish,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_quality_of_off_is_a_pause() {
        let off = UpdateTrackSettings { quality: VideoQuality::Off.into(), ..Default::default() };
        assert!(wish(&off).is_disabled);
        assert!(!wish(&UpdateTrackSettings { width: 10, height: 10, ..off }).is_disabled);
    }

    #[test]
    fn a_list_without_end_is_cut() {
        let track_sids = vec![String::new(); MAX_TRACKS + 1];
        let Task::Room(Request::ConfigureTracks { tracks, .. }) =
            parse(&UpdateTrackSettings { track_sids, ..Default::default() })
        else {
            panic!("another request")
        };
        assert_eq!(tracks.len(), MAX_TRACKS);
    }

    #[test]
    fn an_unknown_quality_is_the_best() {
        let strange = UpdateTrackSettings { quality: 99, ..Default::default() };
        assert_eq!(wish(&strange), TrackWish { quality: Quality::High, ..TrackWish::default() });
    }
}
