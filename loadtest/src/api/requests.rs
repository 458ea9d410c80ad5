// SPDX-License-Identifier: EUPL-1.2
//! The requests that are measured, and the meetings that they are about.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use hyper::{Method, StatusCode};
use rand::Rng as _;
use serde_json::{Value, json};

use super::Options;
use super::client::{Client, Who};
use crate::progress::Progress;
use crate::quantile::Sorted;

/// Entries of the pages that are measured: as many as a page has of which nothing is said.
const PAGE: usize = 50;

/// Entries of the pages by which it is found out what there is: as many as a page can have.
const LARGEST_PAGE: usize = 200;

/// Meetings over this many days.
const DAYS: i64 = 365;

/// One meeting of so many is a series, of 26 weeks.
const SERIES_EACH: u32 = 20;

/// Most meetings that are asked for one by one.
const SAMPLES: usize = 5_000;

/// Words of titles.
const WORDS: [&str; 8] = ["Budget", "Council", "Committee", "Hearing", "Planning", "Review", "School", "Traffic"];

/// Something that is asked again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Create,
    Read,
    FirstPage,
    DeepPage,
    Upcoming,
    Search,
    Calendar,
    AuthoriseFirst,
    AuthoriseNext,
}

impl Kind {
    /// In the order in which they are measured: what writes comes last.
    pub(super) const ALL: [Self; 9] = [
        Self::FirstPage,
        Self::DeepPage,
        Self::Upcoming,
        Self::Search,
        Self::Calendar,
        Self::Read,
        Self::Create,
        Self::AuthoriseFirst,
        Self::AuthoriseNext,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Create => "create a meeting with three invitees",
            Self::Read => "read a meeting",
            Self::FirstPage => "list: the first page",
            Self::DeepPage => "list: a page behind nine tenths",
            Self::Upcoming => "list: scheduled ones",
            Self::Search => "list: found by two words",
            Self::Calendar => "calendar: a page in the middle",
            Self::AuthoriseFirst => "join: authorise the first, a co-host",
            Self::AuthoriseNext => "join: authorise the next, another co-host",
        }
    }
}

/// What is on the server.
pub(super) struct Known {
    count: usize,
    /// Some of the meetings.
    ids: Vec<String>,
    /// Of the page behind nine tenths of them.
    deep_cursor: Option<String>,
}

impl Known {
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Reads the whole list.
    pub(super) async fn find(client: &mut Client) -> Result<Self> {
        let (mut ids, mut cursors) = (Vec::new(), Vec::new());
        let mut cursor = String::new();
        loop {
            let (page, _) = client.get(&format!("/meetings?limit={LARGEST_PAGE}{cursor}")).await?;
            let items = page["items"].as_array().context("a page without items")?;
            ids.extend(items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
            cursors.push(next.to_owned());
        }
        let count = ids.len();
        let step = (count / SAMPLES).max(1);
        let ids = ids.into_iter().step_by(step).collect();
        Ok(Self { count, ids, deep_cursor: cursors.into_iter().nth(count * 9 / 10 / LARGEST_PAGE) })
    }

    fn any(&self) -> Result<&str> {
        if self.ids.is_empty() {
            bail!("there are no meetings");
        }
        Ok(&self.ids[rand::rng().random_range(0..self.ids.len())])
    }
}

/// Makes some at once.
pub(super) async fn make(client: &mut Client, count: usize) -> Result<()> {
    let meetings: Vec<_> = (0..count).map(|_| meeting()).collect();
    let body = json!({ "meetings": meetings });
    let (answer, _) = client.ask(Who::Software, Method::POST, "/meetings/batch", Some(&body), StatusCode::OK).await?;
    let results = answer["results"].as_array().context("a batch without results")?;
    match results.iter().find(|result| result["status"] != 201) {
        Some(result) => bail!("a meeting of a batch was not made: {result}"),
        None => Ok(()),
    }
}

/// To the second, as addresses take it unescaped.
fn seconds(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A meeting at some time of the year to come, with two co-hosts and somebody else. Nobody gets mails.
fn meeting() -> Value {
    let mut random = rand::rng();
    let minutes = random.random_range(60..DAYS * 24 * 60);
    let starts_at = Utc::now() + TimeDelta::minutes(minutes);
    let number: u32 = random.random_range(0..1_000_000);
    let word = |random: &mut rand::rngs::ThreadRng| WORDS[random.random_range(0..WORDS.len())];
    let title = format!("{} {} {number}", word(&mut random), word(&mut random));
    let mut meeting = json!({
        "title": title, "starts_at": seconds(starts_at), "duration_minutes": 45, "time_zone": "UTC",
        "organizer": { "email": format!("organizer{}@example.org", number % 1_000) },
        "co_hosts": [
            { "email": format!("host{number}@example.org"), "name": "Host" },
            { "email": format!("deputy{number}@example.org"), "name": "Deputy" },
        ],
        "invitees": [{ "email": format!("person{number}@example.org"), "name": "Person" }],
        "invitation": { "delivery": "none" },
    });
    if random.random_ratio(1, SERIES_EACH) {
        meeting["recurrence_rule"] = json!("FREQ=WEEKLY;COUNT=26");
    }
    meeting
}

/// Sends a request again and again. Returns how long each took, in milliseconds.
pub(super) async fn measure(
    client: &mut Client,
    kind: Kind,
    known: &Known,
    options: &Options,
    progress: &Progress,
) -> Result<Sorted> {
    let mut took_ms = Vec::with_capacity(options.requests);
    for number in 0..options.warm_up + options.requests {
        let took = once(client, kind, known).await.with_context(|| kind.name())?;
        if number >= options.warm_up {
            took_ms.push(took.as_secs_f64() * 1_000.0);
        }
        progress.advance();
    }
    Ok(Sorted::new(took_ms))
}

async fn once(client: &mut Client, kind: Kind, known: &Known) -> Result<Duration> {
    let path = match kind {
        Kind::Create => {
            let made =
                client.ask(Who::Software, Method::POST, "/meetings", Some(&meeting()), StatusCode::CREATED).await?;
            return Ok(made.1);
        }
        Kind::AuthoriseFirst => {
            let meeting = meeting_of(client, known).await?;
            return authorise(client, &meeting, 0).await;
        }
        Kind::AuthoriseNext => {
            let meeting = meeting_of(client, known).await?;
            authorise(client, &meeting, 0).await?;
            return authorise(client, &meeting, 1).await;
        }
        Kind::Read => format!("/meetings/{}", known.any()?),
        Kind::FirstPage => format!("/meetings?limit={PAGE}"),
        Kind::DeepPage => {
            let cursor = known.deep_cursor.as_deref().map(|cursor| format!("&cursor={cursor}"));
            format!("/meetings?limit={PAGE}{}", cursor.unwrap_or_default())
        }
        Kind::Upcoming => format!("/meetings?limit={PAGE}&status=scheduled"),
        Kind::Search => {
            // Like somebody who knows the number: few are found, whatever there is.
            let (meeting, _) = client.get(&format!("/meetings/{}", known.any()?)).await?;
            let title = meeting["title"].as_str().unwrap_or_default();
            let words: Vec<_> = title.split(' ').skip(1).collect();
            format!("/meetings?limit={PAGE}&q={}", words.join("+"))
        }
        Kind::Calendar => {
            let middle = Utc::now() + TimeDelta::days(DAYS / 2);
            format!("/occurrences?limit={PAGE}&starts_after={}", seconds(middle))
        }
    };
    Ok(client.get(&path).await?.1)
}

/// One of the meetings, with its invitees.
async fn meeting_of(client: &mut Client, known: &Known) -> Result<Value> {
    Ok(client.get(&format!("/meetings/{}?expand=invitees", known.any()?)).await?.0)
}

/// The co-host of this number comes by a personal link and gets a room token; hosts may at any time, and whoever is first
/// opens the room. Only that is measured, not how the link was found.
async fn authorise(client: &mut Client, meeting: &Value, number: usize) -> Result<Duration> {
    let invitees = meeting["invitees"].as_array().context("the token lacks the scope invitees:read")?;
    let mut hosts = invitees.iter().filter(|one| one["role"] == "co_host");
    let host = hosts.nth(number).context("a meeting with fewer hosts")?;
    let link = host["personal_join_url"].as_str().context("a host without a link")?;
    let (place, invitation) = link.split_once("#i=").context("a link of another form")?;
    let code = place.rsplit('/').next().unwrap_or_default();
    let body = json!({ "invitation": invitation });
    let path = format!("/join/{code}");
    let (admitted, took) = client.ask(Who::Stranger, Method::POST, &path, Some(&body), StatusCode::OK).await?;
    admitted["token"].as_str().context("let in without a token")?;
    Ok(took)
}
