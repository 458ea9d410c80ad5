// SPDX-License-Identifier: EUPL-1.2
//! Where a measurement takes place: a server, people in its rooms, and callers.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::time::{sleep, timeout};

use super::Options;
use super::call::{CallPlan, Voice};
use super::exchange::{Exchange, Look};
use super::server::{Meeting, Server};
use super::sound::{self, Payloads};
use crate::driver::Driver;
use crate::ear::Ear;
use crate::mark::Mark;
use crate::peer::{Content, Sound};
use crate::signal::{Client, Plan, Wanted};
use sip_bridge::media::codec::PhoneCodec;

/// Until somebody is connected.
const JOIN_PATIENCE: Duration = Duration::from_secs(30);

/// Until all callers hear their rooms, after the last was dialled.
const ENTRY_PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether something has come about.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Calls in a second where it does not matter: few enough that their beginning is no load, and not in step with the 20 ms of
/// the bridge, so that their packets come at all moments within these.
const GENTLE_RATE: f64 = 9.7;

/// How loud people in rooms are said to be, in −dBov.
const SPEECH_LEVEL: u8 = 22;

pub(super) struct Site {
    pub(super) server: Server,
    pub(super) meetings: Vec<Meeting>,
    pub(super) callers: Exchange,
    driver: Driver,
    /// Of those who whistle until all callers are in.
    guides: Driver,
    people: Vec<Client>,
    silence: Payloads,
}

/// Until callers have heard the two sentences that they are told when they come in. Meanwhile they hear the room 12 dB quieter,
/// and what is looked for in it is hidden by them.
pub(super) const WELCOME: Duration = Duration::from_secs(15);

impl Site {
    /// A server with so many meetings.
    pub(super) async fn prepare(options: &Options, meetings: usize) -> Result<Self> {
        let mut server = Server::start(options).await?;
        let mut made = Vec::new();
        for number in 0..meetings {
            made.push(server.meeting(number).await?);
        }
        let callers = Exchange::start(server.sip()?)?;
        let silence = sound::encode(PhoneCodec::Pcma, &sound::silence())?;
        let (driver, guides) = (Driver::start("people", true)?, Driver::start("guides", true)?);
        Ok(Self { server, meetings: made, callers, driver, guides, people: Vec::new(), silence })
    }

    /// Lets a person come to a meeting by a browser, and say something over and over.
    pub(super) async fn join(
        &mut self,
        meeting: usize,
        person: usize,
        says: Option<(&Payloads, usize)>,
        ear: Option<Ear>,
    ) -> Result<()> {
        let content = says.map_or(Content::Silence, |(packets, first)| sound_of(packets, first, None));
        self.let_in(meeting, person, content, ear).await
    }

    /// The same with somebody who says something of which a packet is marked, and hears nothing.
    pub(super) async fn join_marked(
        &mut self,
        meeting: usize,
        person: usize,
        (packets, first): (&Payloads, usize),
        mark: Mark,
    ) -> Result<()> {
        self.let_in(meeting, person, sound_of(packets, first, Some(mark)), None).await
    }

    async fn let_in(&mut self, meeting: usize, person: usize, content: Content, ear: Option<Ear>) -> Result<()> {
        let token = self.admit(meeting, person).await?;
        let client = enter(&self.server.url(), &token, content, ear, &self.driver).await?;
        self.people.push(client);
        Ok(())
    }

    /// Lets a person whistle in a meeting until [`Self::hush`], so that callers know when they are in.
    pub(super) async fn guide(&mut self, meeting: usize, person: usize) -> Result<()> {
        let packets = sound::encode(PhoneCodec::Opus, &[sound::whistle()])?;
        let content = sound_of(&packets, 0, None);
        let token = self.admit(meeting, person).await?;
        let client = enter(&self.server.url(), &token, content, None, &self.guides).await?;
        self.people.push(client);
        Ok(())
    }

    /// Nobody whistles any more.
    pub(super) fn hush(&self) {
        self.guides.hush();
    }

    async fn admit(&mut self, meeting: usize, person: usize) -> Result<String> {
        let place = self.meetings.get(meeting).context("there are fewer meetings")?;
        self.server.admit(place, person).await
    }

    /// A plan for a caller of a meeting, who stays until told to go and says nothing.
    pub(super) fn plan(&self, meeting: usize) -> Result<CallPlan> {
        let keys = self.meetings.get(meeting).context("there are fewer meetings")?.keys.as_str().into();
        Ok(CallPlan { keys, silence: self.silence.clone(), voice: None, stay: None, loss: 0.0, ear: None })
    }

    /// The same, who says something.
    pub(super) fn speaking_plan(&self, meeting: usize, payloads: &Payloads, first: usize) -> Result<CallPlan> {
        let voice = Voice { payloads: payloads.clone(), first, mark: None };
        Ok(CallPlan { voice: Some(voice), ..self.plan(meeting)? })
    }

    /// Lets callers come one after the other, and waits until all of them hear their rooms.
    pub(super) async fn bring(&mut self, plans: Vec<CallPlan>) -> Result<Look> {
        let before = self.callers.look().await?.in_room;
        let wanted = before + plans.len();
        for plan in plans {
            self.callers.dial(plan)?;
            sleep(Duration::from_secs_f64(1.0 / GENTLE_RATE)).await;
        }
        let began = Instant::now();
        loop {
            let look = self.callers.look().await?;
            if look.in_room >= wanted {
                return Ok(look);
            }
            if let Ok(ended) = self.callers.ended.try_recv() {
                bail!("a call failed before it was measured: {:?}", ended.failure);
            }
            if began.elapsed() > ENTRY_PATIENCE {
                bail!("{} of {wanted} callers hear their rooms", look.in_room);
            }
            sleep(LOOK_INTERVAL).await;
        }
    }

    /// Lets everybody go.
    pub(super) async fn end(self) -> Result<()> {
        self.callers.hang_up()?;
        futures_util::future::join_all(self.people.into_iter().map(Client::leave)).await;
        self.server.end().await
    }
}

/// What somebody says over and over, who begins with the packet at that place.
fn sound_of(packets: &Payloads, first: usize, mark: Option<Mark>) -> Content {
    Content::Sound(Sound { packets: packets.clone(), first, level: SPEECH_LEVEL, mark })
}

/// Comes into a room, and returns when media can flow.
async fn enter(url: &str, token: &str, content: Content, ear: Option<Ear>, driver: &Driver) -> Result<Client> {
    let plan = Plan {
        // Both are in the token already; the identity only names our own tracks.
        room: String::new(),
        identity: format!("person-{:08x}", rand::random::<u32>()),
        publish: vec![content],
        receive_audio: Wanted::All,
        receive_video: Wanted::All,
        streams: [0, 0],
        ear,
    };
    let joined = Client::join_with_token(url, token, driver, plan);
    let mut client = timeout(JOIN_PATIENCE, joined).await.context("joining took too long")??;
    let connected = client.wait_for(|progress| progress.connected.is_some());
    timeout(JOIN_PATIENCE, connected).await.context("connecting took too long")??;
    Ok(client)
}
