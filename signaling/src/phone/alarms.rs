// SPDX-License-Identifier: EUPL-1.2
//! Tells whoever runs Saal that somebody guesses codes: by counters, and by events in the installation's audit log; and a tenant,
//! by its own, which PIN somebody may have found. Nothing of it has digits, numbers or addresses in it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use store::{Store, StoreError};
use tracing::warn;

use super::attempts::{Alarm, Attempts};
use super::call::Reply;
use crate::api::ids::TenantId;
use crate::identity::secret::hex;
use crate::meetings::phone_pins::model::{PhonePin, Place};
use crate::meetings::phone_pins::table;
use crate::records::audit::{self, Cause, Event};

/// How much of a number's hash stands in the audit log: enough to tell one from another.
const SHOWN_BYTES: usize = 8;

/// What is counted.
pub(super) struct Counters {
    /// By outcome: `asked_again`, `call_ended`, `source_blocked`, `refused`.
    wrong_codes: IntCounterVec,
    blocked_calls: IntCounter,
}

/// Whether codes are being guessed. It is worked out when somebody asks: an attack ends without anybody calling.
struct AttackGauge {
    attempts: Arc<Mutex<Attempts>>,
    gauge: IntGauge,
}

impl Collector for AttackGauge {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        self.gauge.set(attempts.is_attack(Instant::now()).into());
        drop(attempts);
        self.gauge.collect()
    }
}

impl Counters {
    /// Makes the counters and registers them.
    pub(super) fn new(registry: &Registry, attempts: &Arc<Mutex<Attempts>>) -> Result<Self, prometheus::Error> {
        let options = Opts::new("sip_wrong_codes_total", "Wrong codes typed on telephones");
        let wrong_codes = IntCounterVec::new(options, &["outcome"])?;
        registry.register(Box::new(wrong_codes.clone()))?;
        let blocked_calls =
            IntCounter::new("sip_blocked_calls_total", "Calls not answered for wrong codes of their number")?;
        registry.register(Box::new(blocked_calls.clone()))?;
        let gauge = IntGauge::new("sip_code_attack", "Whether somebody guesses codes at telephones")?;
        registry.register(Box::new(AttackGauge { attempts: attempts.clone(), gauge }))?;
        Ok(Self { wrong_codes, blocked_calls })
    }

    /// Counts a wrong code.
    pub(super) fn wrong(&self, reply: Reply, is_blocked: bool) {
        let outcome = match reply {
            Reply::Busy => "refused",
            _ if is_blocked => "source_blocked",
            Reply::Ended => "call_ended",
            _ => "asked_again",
        };
        self.wrong_codes.with_label_values(&[outcome]).inc();
    }

    /// Counts a call that is not answered.
    pub(super) fn blocked(&self) {
        self.blocked_calls.inc();
    }
}

/// Writes alarms into the audit log. When the database is away they are dropped: the counters have them.
pub(super) async fn write(store: &Store, alarms: &[Alarm], trunk: &str) {
    if alarms.is_empty() {
        return;
    }
    let written = async {
        let mut tx = store.write().await?;
        for alarm in alarms {
            audit::append(&mut tx, Cause::system(None), &event(alarm, trunk)).await?;
        }
        tx.commit().await
    };
    let written: Result<(), StoreError> = written.await;
    if let Err(error) = written {
        warn!(%error, "that somebody guesses codes at telephones could not be written down");
    }
}

/// Notes that somebody may have guessed a PIN, and tells its tenant: it needs other digits. Both once for each PIN.
pub(super) async fn expose(
    store: &Store,
    tenant: TenantId,
    pin: &PhonePin,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    if table::expose(&mut tx, pin, now).await? {
        audit::append(&mut tx, Cause::system(Some(tenant)), &exposure(pin)).await?;
    }
    tx.commit().await
}

fn exposure(pin: &PhonePin) -> Event {
    let place = match pin.place {
        Place::Meeting(_) => "meeting_id",
        Place::Room(_) => "room_id",
    };
    Event::new("phone_pin.expose", pin.id).with("kind", pin.kind.as_str().into()).with(place, pin.place.id().into())
}

fn event(alarm: &Alarm, trunk: &str) -> Event {
    match alarm {
        Alarm::Blocked { source, lasts } => Event::new("phone_source.block", hex(&source[..SHOWN_BYTES]))
            .with("trunk", trunk.into())
            .with("seconds", lasts.as_secs().into()),
        Alarm::Attack => Event::new("phone_codes.attack", "installation").with("trunk", trunk.into()),
    }
}
