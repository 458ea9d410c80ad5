// SPDX-License-Identifier: EUPL-1.2
//! Sends the messages that wait: to each address one after the other, in their order. What does not arrive is tried again
//! with growing pauses for three days; then Saal gives up on the address, and says so.

use std::sync::OnceLock;
use std::time::Instant;

use axum::http::header;
use chrono::{DateTime, Duration, Utc};
use reqwest::Client;
use store::{Single, Store, StoreError, Tx, sql};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::model::{Webhook, WebhookDelivery, WebhookDeliveryStatus};
use super::{meeting_changes, sign, table};
use crate::identity::keys::Keys;
use crate::outgoing::reach::Reach;

/// Addresses that are told something at the same time. The others wait.
const MAX_AT_ONCE: usize = 16;

/// Messages to one address in a row, before others have their turn.
const MAX_IN_A_ROW: usize = 20;

/// How long a process keeps an address to itself: longer than a request can take.
const CLAIM: Duration = Duration::seconds(60);

/// How often it is looked for what waits. Messages of this process do not wait for it.
const POLL: std::time::Duration = std::time::Duration::from_secs(1);

/// How long nothing may arrive until Saal gives up.
const PATIENCE: Duration = Duration::days(3);

/// Pauses after the first failure, the second, and so on; the last one again and again.
const PAUSES: [Duration; 8] = [
    Duration::seconds(5),
    Duration::seconds(30),
    Duration::minutes(2),
    Duration::minutes(10),
    Duration::minutes(30),
    Duration::hours(1),
    Duration::hours(2),
    Duration::hours(4),
];

/// The status that says: never come again (Standard Webhooks).
const GONE: u16 = 410;

/// Sends messages.
pub(crate) struct Deliverer {
    store: Store,
    keys: Keys,
    pub(super) reach: Reach,
    /// None when TLS cannot be set up.
    client: OnceLock<Option<Client>>,
    /// Something waits.
    nudge: Notify,
}

/// An address that this process has to itself for a while.
struct Claimed {
    webhook: Webhook,
    until: DateTime<Utc>,
}

/// How a try ended.
enum Outcome {
    /// With an answer.
    Answered(u16),
    /// Without one.
    Failed(&'static str),
}

impl Outcome {
    fn is_success(&self) -> bool {
        matches!(self, Self::Answered(200..=299))
    }
}

impl Deliverer {
    /// Sends what is in `store` to what is within `reach`.
    pub(crate) fn new(store: Store, keys: Keys, reach: Reach) -> Self {
        Self { store, keys, reach, client: OnceLock::new(), nudge: Notify::new() }
    }

    /// Something waits that was stored a moment ago.
    pub(crate) fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// Sends for as long as the process runs.
    pub(crate) async fn run(self: std::sync::Arc<Self>) {
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                Some(_) = running.join_next() => {}
            }
            let now = Utc::now();
            let waiting = async {
                meeting_changes::publish(&self.store, now).await?;
                self.claim(now, MAX_AT_ONCE.saturating_sub(running.len())).await
            };
            let claimed = match waiting.await {
                Ok(claimed) => claimed,
                Err(error) => {
                    debug!(%error, "webhooks wait for the database");
                    continue;
                }
            };
            for claimed in claimed {
                let own = self.clone();
                running.spawn(async move { own.deliver(claimed, Utc::now()).await });
            }
        }
    }

    /// Sends what waits at `now`, and returns when that is done.
    #[cfg(test)]
    pub(super) async fn run_once(&self, now: DateTime<Utc>) {
        meeting_changes::publish(&self.store, now).await.expect("published");
        let claimed = self.claim(now, MAX_AT_ONCE).await.expect("claimed");
        futures_util::future::join_all(claimed.into_iter().map(|claimed| self.deliver(claimed, now))).await;
    }

    /// Takes addresses for which something waits, and which nobody has.
    async fn claim(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<Claimed>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(0);
        let select = sql("SELECT w.* FROM webhooks w
             WHERE w.is_active AND w.next_attempt_at <= $1 AND w.claimed_until <= $1
                 AND EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.status = 'pending')
             ORDER BY w.next_attempt_at, w.id LIMIT $2");
        let waiting: Vec<Webhook> = self.store.read().await?.all(select.bind(now).bind(limit)).await?;
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        let mut claimed = Vec::new();
        let until = now + CLAIM;
        let mut tx = self.store.write().await?;
        for webhook in waiting {
            let update = sql("UPDATE webhooks SET claimed_until = $1 WHERE id = $2 AND claimed_until <= $3");
            if tx.execute(update.bind(until).bind(webhook.id).bind(now)).await? > 0 {
                claimed.push(Claimed { webhook, until });
            }
        }
        tx.commit().await?;
        Ok(claimed)
    }

    /// Sends what waits for an address, until something does not arrive.
    async fn deliver(&self, mut claimed: Claimed, now: DateTime<Utc>) {
        let began = Instant::now();
        for turn in 1..=MAX_IN_A_ROW {
            match self.deliver_next(&mut claimed, now, began, turn == MAX_IN_A_ROW).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    // The claim runs out, and then it is tried again: the receiver knows the message by its id.
                    debug!(%error, "it cannot be stored what became of a webhook's message");
                    return;
                }
            }
        }
        self.nudge();
    }

    /// Sends the next message. Returns whether there may be another one for us.
    async fn deliver_next(
        &self,
        claimed: &mut Claimed,
        now: DateTime<Utc>,
        began: Instant,
        is_last: bool,
    ) -> Result<bool, StoreError> {
        let mut tx = self.store.read().await?;
        // It may have another address or secret since the last message, or be switched off.
        let Some(webhook) = table::find(&mut tx, None, claimed.webhook.id).await? else { return Ok(false) };
        claimed.webhook = webhook;
        let select = sql("SELECT * FROM webhook_deliveries WHERE webhook_id = $1 AND status = 'pending'
             ORDER BY id LIMIT 1");
        let next: Option<WebhookDelivery> = tx.optional(select.bind(claimed.webhook.id)).await?;
        drop(tx);
        let next = next.filter(|_| claimed.webhook.input.is_active);
        let outcome = match &next {
            Some(delivery) => Some((delivery, self.send(&claimed.webhook, delivery, now + began.elapsed()).await)),
            None => None,
        };
        let now = now + began.elapsed();
        let goes_on = outcome.as_ref().is_some_and(|(_, outcome)| outcome.is_success()) && !is_last;
        let until = if goes_on { now + CLAIM } else { DateTime::UNIX_EPOCH };
        let mut tx = self.store.write().await?;
        let update =
            sql("UPDATE webhooks SET claimed_until = $1 WHERE id = $2 AND claimed_until = $3 RETURNING revision");
        let update = update.bind(until).bind(claimed.webhook.id).bind(claimed.until);
        let Some(Single(revision)) = tx.optional::<Single<i64>>(update).await? else {
            // Another process has taken over, or the webhook is gone.
            return Ok(false);
        };
        // That a message did not arrive says nothing of a webhook that was changed meanwhile: it is tried again as it is now.
        let is_as_it_was = revision == claimed.webhook.revision;
        if let Some((delivery, outcome)) = outcome
            && (is_as_it_was || outcome.is_success())
        {
            note(&mut tx, &mut claimed.webhook, delivery, &outcome, now).await?;
        }
        tx.commit().await?;
        claimed.until = until;
        Ok(goes_on)
    }

    async fn send(&self, webhook: &Webhook, delivery: &WebhookDelivery, now: DateTime<Utc>) -> Outcome {
        let build = || self.reach.client().inspect_err(|error| warn!(%error, "webhooks cannot be told anything")).ok();
        let Some(client) = self.client.get_or_init(build) else { return Outcome::Failed("broken") };
        // What may be reached can have changed since it was stored.
        let Ok(url) = self.reach.parse(&webhook.input.url) else { return Outcome::Failed("not-public") };
        let body = delivery.payload.to_string();
        let signature = sign::signature(&self.keys, webhook, &delivery.id, now, &body);
        let request = client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", &delivery.id)
            .header("webhook-timestamp", now.timestamp())
            .header("webhook-signature", signature)
            .body(body);
        // The answer's body is nobody's concern: it is not even read.
        match request.send().await {
            Ok(response) => Outcome::Answered(response.status().as_u16()),
            Err(error) if error.is_timeout() => Outcome::Failed("timeout"),
            Err(error) if error.is_connect() => Outcome::Failed("connect"),
            Err(_) => Outcome::Failed("broken"),
        }
    }
}

/// Stores what became of a try.
async fn note(
    tx: &mut Tx,
    webhook: &mut Webhook,
    delivery: &WebhookDelivery,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (answer, error) = match outcome {
        Outcome::Answered(status) => (Some(i64::from(*status)), None),
        Outcome::Failed(error) => (None, Some(*error)),
    };
    let is_over = webhook.failing_since.is_some_and(|since| now - since >= PATIENCE)
        || matches!(outcome, Outcome::Answered(GONE));
    let status = match (outcome.is_success(), is_over) {
        (true, _) => WebhookDeliveryStatus::Delivered,
        (false, true) => WebhookDeliveryStatus::Failed,
        (false, false) => WebhookDeliveryStatus::Pending,
    };
    tx.execute(
        sql("UPDATE webhook_deliveries SET status = $1, attempts = attempts + 1, last_status = $2, last_error = $3,
                 finished_at = $4 WHERE id = $5")
        .bind(status)
        .bind(answer)
        .bind(error)
        .bind((status != WebhookDeliveryStatus::Pending).then_some(now))
        .bind(&delivery.id),
    )
    .await?;
    match status {
        WebhookDeliveryStatus::Delivered => {
            webhook.failing_since = None;
            let update =
                sql("UPDATE webhooks SET failing_since = NULL, failures = 0, next_attempt_at = 0 WHERE id = $1");
            tx.execute(update.bind(webhook.id)).await?;
        }
        WebhookDeliveryStatus::Pending => {
            let attempt = usize::try_from(delivery.attempts).unwrap_or(usize::MAX);
            let pause = PAUSES[attempt.min(PAUSES.len() - 1)];
            let update =
                sql("UPDATE webhooks SET failing_since = COALESCE(failing_since, $1), failures = failures + 1,
                     next_attempt_at = $2 WHERE id = $3");
            tx.execute(update.bind(now).bind(now + pause).bind(webhook.id)).await?;
        }
        WebhookDeliveryStatus::Failed => {
            tx.execute(sql("UPDATE webhooks SET failures = failures + 1 WHERE id = $1").bind(webhook.id)).await?;
            let reason = if matches!(outcome, Outcome::Answered(GONE)) { "gone" } else { "failing" };
            table::disable(tx, webhook, reason, now).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
