// SPDX-License-Identifier: EUPL-1.2
//! What people in a meeting notice when a shard has too much to do: the picture gets smaller, stops, and comes back; the
//! sound goes on.

use std::time::Duration;

use bus::TrackSid;
use simulation::client::{Kind, Reception};
use simulation::deployment::{ClientId, Deployment};
use simulation::link::LinkQuality;

const CONNECT: Duration = Duration::from_secs(3);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Anna, who is seen and heard, and two others, each of the three heard by the shard of its place.
struct Meeting {
    deployment: Deployment,
    picture: TrackSid,
    sound: TrackSid,
    others: [ClientId; 2],
}

impl Meeting {
    fn new(seed: u64, shards: [u16; 3]) -> Self {
        let mut deployment = Deployment::new(2, seed);
        let clients = shards.map(|shard| deployment.join("RM_1", shard));
        deployment.run_until("connecting", CONNECT, |d| clients.iter().all(|client| d.client(*client).is_connected()));
        let [anna, bert, carl] = clients;
        for client in clients {
            let (up, down) = deployment.links(client);
            up.quality = LinkQuality { delay: ms(20), jitter: ms(5), ..LinkQuality::default() };
            down.quality = up.quality;
        }
        let [picture, sound] = [Kind::Video, Kind::Audio].map(|kind| {
            let track = deployment.publish(anna, kind);
            for other in [bert, carl] {
                deployment.subscribe(other, anna, &track, kind);
            }
            track
        });
        deployment.run_for(Duration::from_secs(3));
        Self { deployment, picture, sound, others: [bert, carl] }
    }

    #[track_caller]
    fn reception(&self, client: ClientId, track: &TrackSid) -> Reception {
        let reception = self.deployment.client(client).reception(track.as_str()).expect("a section").clone();
        assert_eq!(reception.faults, Vec::<String>::new());
        assert_eq!((reception.lost, reception.broken_frames), (0, 0), "{reception:?}");
        reception
    }

    fn picture(&self, client: ClientId) -> Reception {
        self.reception(client, &self.picture)
    }

    fn sound(&self, client: ClientId) -> Reception {
        self.reception(client, &self.sound)
    }
}

#[test]
fn a_short_overload_costs_sharpness_only() {
    let mut meeting = Meeting::new(31, [0, 0, 0]);
    let [bert, _] = meeting.others;
    meeting.deployment.overload(0, ms(800));
    meeting.deployment.run_for(Duration::from_secs(2));
    assert_eq!(meeting.picture(bert).layers.last(), Some(&0));
    meeting.deployment.run_for(Duration::from_secs(12));
    let picture = meeting.picture(bert);
    assert_eq!(picture.layers.last(), Some(&2), "{:?}", picture.layers);
    assert!(picture.longest_gap <= ms(300), "{picture:?}");
    assert!(meeting.sound(bert).longest_gap <= ms(100));
}

#[test]
fn the_sound_goes_on_where_the_picture_stops() {
    let mut meeting = Meeting::new(32, [0, 0, 0]);
    let others = meeting.others;
    meeting.deployment.overload(0, Duration::from_secs(3));
    let before = others.map(|other| meeting.picture(other).frames);
    meeting.deployment.overload(0, Duration::from_secs(3));
    for (other, before) in others.into_iter().zip(before) {
        assert_eq!(meeting.picture(other).frames, before, "no picture");
    }
    meeting.deployment.run_for(Duration::from_secs(20));
    for other in others {
        let (picture, sound) = (meeting.picture(other), meeting.sound(other));
        assert!((ms(9_500)..ms(11_000)).contains(&picture.longest_gap), "{picture:?}");
        assert_eq!(picture.layers.last(), Some(&2), "{:?}", picture.layers);
        assert!(sound.longest_gap <= ms(100), "{sound:?}");
        assert!(sound.frames >= 1_400, "{sound:?}");
    }
}

/// The publisher's shard may be the one that has too much to do, or a receiver's.
#[test]
fn who_is_on_another_shard_notices_nothing() {
    for (overloaded, seed) in [(0, 33), (1, 34)] {
        let mut meeting = Meeting::new(seed, [0, 0, 1]);
        let (there, elsewhere) = (meeting.others[overloaded], meeting.others[1 - overloaded]);
        meeting.deployment.overload(overloaded as u16, Duration::from_secs(4));
        meeting.deployment.run_for(Duration::from_secs(20));
        assert!(meeting.picture(there).longest_gap >= ms(5_000));
        let picture = meeting.picture(elsewhere);
        assert!(picture.longest_gap <= ms(150), "{picture:?}");
        assert!(!picture.layers[1..].contains(&0), "after the first picture always large ones: {:?}", picture.layers);
    }
}
