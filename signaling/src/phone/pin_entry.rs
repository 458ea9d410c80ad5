// SPDX-License-Identifier: EUPL-1.2
//! What comes of a PIN that somebody has typed: it is charged, looked up, and answered. Whose it is says
//! [`pin_check`]; how many wrong ones are borne, [`attempts`](super::attempts).

use std::time::Duration;

use store::StoreError;

use super::attempts::{PinTry, Reach, Target};
use super::pin_check::{Recognised, STRANGER};
use super::turns::Turn;
use super::{Answer, Call, Known, Moment, Step, alarms, pin_check, shared_budgets};
use crate::api::ids::TenantId;
use crate::app::App;
use crate::meetings::phone_pins::model::PhonePin;

/// Somebody whose PIN is right.
struct Right {
    known: Known,
    /// Their PIN and whose meeting it is of, where it is to be noted that they may have guessed it.
    exposed: Option<(TenantId, PhonePin)>,
}

impl Call {
    /// A PIN was typed, or nothing.
    ///
    /// # Errors
    ///
    /// Fails when the database does; then nothing was counted.
    pub(crate) async fn pin(&mut self, app: &App, at: Moment, digits: &str) -> Result<Answer, StoreError> {
        if digits.is_empty()
            && self.tries.skips()
            && let Some(found) = self.found.clone()
        {
            let known = self.known(app, &found, STRANGER).await?;
            self.is_in(app, at);
            return Ok(Answer { step: Step::Known(known), after: Duration::ZERO });
        }
        // Until it is known whether what it takes of the budgets is given back.
        let turn = self.turn(app, digits).await?;
        let (target, used) = self.target(app, at, digits).await?;
        let (pin, _) = app.phone.with(|attempts| {
            if let Some(target) = &target {
                attempts.adopt_pins(at.instant, target, used);
            }
            self.tries.pin(at.instant, attempts, target)
        });
        let pin = match pin {
            Ok(pin) => pin,
            Err(reply) => {
                drop(turn);
                return Ok(self.wrong(app, at, reply, Duration::ZERO, &[]).await);
            }
        };
        let recognised = self.recognise(app, at, digits, pin).await;
        if recognised.is_err() {
            app.phone.with(|attempts| attempts.right_pin(pin));
        }
        let Some(right) = recognised? else {
            drop(turn);
            return self.wrong_pin(app, at, pin).await;
        };
        let ((_, after), _) = app.phone.with(|attempts| self.tries.pin_looked_up(at.instant, attempts, pin, true));
        drop(turn);
        if let Some((tenant, pin)) = &right.exposed {
            // Before it is answered: whoever hears that it is right can call again with it.
            alarms::expose(&app.store, *tenant, pin, at.utc).await?;
        }
        self.is_in(app, at);
        Ok(Answer { step: Step::Known(right.known), after })
    }

    /// It is nobody's.
    async fn wrong_pin(&mut self, app: &App, at: Moment, pin: PinTry) -> Result<Answer, StoreError> {
        if let Some(target) = &pin.charged {
            // Before it is answered, as with ids.
            let mut tx = app.store.write().await?;
            shared_budgets::charge_pin(&mut tx, target, at.utc).await?;
            tx.commit().await?;
        }
        let ((reply, after), alarms) =
            app.phone.with(|attempts| self.tries.pin_looked_up(at.instant, attempts, pin, false));
        Ok(self.wrong(app, at, reply, after, &alarms).await)
    }

    /// Waits until no other PIN is looked up which these digits could be as well. Where they can be none, there is nothing to
    /// wait for. Whoever was not told whether there is such a meeting learns nothing by it: a turn is far shorter than the
    /// time after which they are answered.
    async fn turn<'a>(&self, app: &'a App, digits: &str) -> Result<Option<Turn<'a>>, StoreError> {
        let (Some(found), Some(length)) = (&self.found, pin_check::length(digits)) else { return Ok(None) };
        let place = pin_check::key(&app.installation, found.place());
        app.phone.turns.take(&place, length).await.map(Some)
    }

    /// What a PIN could hit, and what of that is used up: how long until all of it is there again.
    async fn target(&self, app: &App, at: Moment, digits: &str) -> Result<(Option<Target>, Duration), StoreError> {
        let Some(found) = &self.found else { return Ok((None, Duration::ZERO)) };
        let mut tx = app.store.read().await?;
        let target = pin_check::target(&mut tx, &app.installation, found.place(), digits).await?;
        let used = match &target {
            Some(target) => shared_budgets::used_up_of_pins(&mut tx, target, at.utc).await?,
            None => Duration::ZERO,
        };
        Ok((target, used))
    }

    /// Who has that PIN. Where PINs are guessed, one proves nothing, and neither does one later that was right then: its owner
    /// waits like a stranger, unless the meeting invites the number as well.
    async fn recognise(&self, app: &App, at: Moment, digits: &str, pin: PinTry) -> Result<Option<Right>, StoreError> {
        let mut tx = app.store.read().await?;
        let found = self.found.as_ref();
        let recognised = pin_check::recognise(&mut tx, &app.installation, found, digits, at.utc).await?;
        let (Some(found), Some(Recognised { shown, pin: stored })) = (found, recognised) else { return Ok(None) };
        let is_invited = self.is_invited(&mut tx, found).await?;
        drop(tx);
        match pin.reach(stored.exposed_at.is_some(), is_invited) {
            Reach::Full => Ok(Some(Right { known: self.known(app, found, shown).await?, exposed: None })),
            Reach::Lobby { exposes } => {
                let known = Known { waits: true, ..self.known(app, found, STRANGER).await? };
                Ok(Some(Right { known, exposed: exposes.then(|| (found.venue.tenant_id(), stored)) }))
            }
        }
    }
}
