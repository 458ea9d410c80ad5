// SPDX-License-Identifier: EUPL-1.2
//! The classes of data that are deleted when they are old. Whoever makes a table that grows adds a line here.

use std::ops::RangeInclusive;

use chrono::Duration;

use crate::phone::dial_out::attempts;
use crate::phone::known_callers::KNOWN_FOR;

/// A class of data.
#[derive(Debug)]
pub(crate) struct Class {
    /// Its name in proofs; with `_days` behind it, in a tenant's settings for retention.
    pub(super) name: &'static str,
    /// How long it is kept where nothing else is said.
    pub(super) keep: Duration,
    /// What a tenant may choose, in days. None: it belongs to no tenant.
    pub(super) tenants_may: Option<RangeInclusive<i64>>,
    /// Which tables it empties, beside those that go with them.
    pub(super) tables: &'static [&'static str],
    /// How it is deleted.
    pub(super) how: How,
}

/// How a class is deleted.
#[derive(Debug)]
pub(super) enum How {
    /// By a statement that deletes at most `$2` rows older than `$1`, of the tenant `$3` if it belongs to tenants, and
    /// returns their times as `time`.
    By(&'static str),
    /// The oldest events of a chain, whose head says so.
    AuditChain,
}

/// What a tenant may choose.
const TENANTS_MAY: Option<RangeInclusive<i64>> = Some(1..=3650);

/// The same for what shows who did what. Less would not be enough to look into anything.
const TENANTS_MAY_AUDIT: Option<RangeInclusive<i64>> = Some(30..=3650);

/// All classes.
pub(super) static CLASSES: &[Class] = &[
    Class {
        // Before their sessions and meetings, so that what is kept shorter has a proof of its own. Who was there is
        // forgotten when a session ends, unless the tenant keeps such lists.
        name: "attendance",
        keep: Duration::days(90),
        tenants_may: TENANTS_MAY,
        tables: &["session_people"],
        how: How::By(
            "DELETE FROM session_people WHERE (session_id, identity) IN (
                 SELECT p.session_id, p.identity FROM session_people p JOIN meeting_sessions s ON s.id = p.session_id
                 WHERE s.tenant_id = $3 AND s.ended_at < $1 ORDER BY s.ended_at LIMIT $2)
             RETURNING admitted_at AS time",
        ),
    },
    Class {
        // What was written where the policy keeps it.
        name: "chat",
        keep: Duration::days(30),
        tenants_may: TENANTS_MAY,
        tables: &["session_messages"],
        how: How::By(
            "DELETE FROM session_messages WHERE (session_id, message_id) IN (
                 SELECT m.session_id, m.message_id FROM session_messages m JOIN meeting_sessions s ON s.id = m.session_id
                 WHERE m.sent_at < $1 AND s.tenant_id = $3 ORDER BY m.sent_at LIMIT $2)
             RETURNING sent_at AS time",
        ),
    },
    Class {
        // When meetings were going on, and how many were there.
        name: "meeting_sessions",
        keep: Duration::days(90),
        tenants_may: TENANTS_MAY,
        tables: &["meeting_sessions"],
        how: How::By(
            "DELETE FROM meeting_sessions WHERE id IN (
                 SELECT id FROM meeting_sessions WHERE tenant_id = $3 AND ended_at < $1 ORDER BY ended_at LIMIT $2)
             RETURNING ended_at AS time",
        ),
    },
    Class {
        // Who waited before a door. They ask again every half a minute, so they are long gone.
        name: "lobby_entries",
        keep: Duration::days(1),
        tenants_may: None,
        tables: &["lobby_entries"],
        how: How::By(
            "DELETE FROM lobby_entries WHERE id IN (
                 SELECT id FROM lobby_entries WHERE last_seen_at < $1 ORDER BY last_seen_at LIMIT $2)
             RETURNING last_seen_at AS time",
        ),
    },
    Class {
        // They go with their meeting, but a permanent room may never go.
        name: "meeting_bans",
        keep: Duration::days(365),
        tenants_may: None,
        tables: &["meeting_bans"],
        how: How::By(
            "DELETE FROM meeting_bans WHERE id IN (
                 SELECT id FROM meeting_bans WHERE created_at < $1 ORDER BY created_at LIMIT $2)
             RETURNING created_at AS time",
        ),
    },
    Class {
        // Who is not invited any more, and has been told. A series that never ends would keep them for ever.
        name: "revoked_invitees",
        keep: Duration::days(30),
        tenants_may: None,
        tables: &["invitees"],
        how: How::By(
            "DELETE FROM invitees WHERE id IN (
                 SELECT id FROM invitees WHERE revoked_at < $1 ORDER BY revoked_at LIMIT $2)
             RETURNING revoked_at AS time",
        ),
    },
    Class {
        // A series has ended when all of it is written down (`expanded_until` is null) and over. What has no time has
        // ended when nobody was in it and nobody changed it for so long. Permanent meetings stay until somebody cancels
        // them; what is cancelled goes by when it was.
        name: "ended_meetings",
        keep: Duration::days(90),
        tenants_may: TENANTS_MAY,
        tables: &["meetings", "invitees", "meeting_words", "occurrences", "phone_pins", "told_times"],
        how: How::By(
            "DELETE FROM meetings WHERE id IN (
                 SELECT m.id FROM meetings m
                 WHERE m.tenant_id = $3 AND m.updated_at < $1
                     AND (m.status = 'cancelled'
                         OR (m.starts_at < $1 AND (m.ends_at IS NULL OR m.ends_at < $1)
                             AND (m.status = 'draft' OR m.type IN ('scheduled', 'ad_hoc')
                                 OR (m.type = 'recurring' AND m.expanded_until IS NULL))
                             AND NOT EXISTS (SELECT 1 FROM occurrences o
                                 WHERE o.meeting_id = m.id AND o.ends_at >= $1)))
                     AND NOT EXISTS (SELECT 1 FROM meeting_sessions s
                         WHERE s.meeting_id = m.id AND (s.ended_at IS NULL OR s.ended_at >= $1))
                 ORDER BY m.starts_at, m.id LIMIT $2)
             RETURNING starts_at AS time",
        ),
    },
    Class {
        // When series that go on took place. They would keep them for ever. Those of others go with their meetings. What
        // differs from the rule stays with the series, or it would come back in calendars as the rule says.
        name: "past_occurrences",
        keep: Duration::days(90),
        tenants_may: None,
        tables: &["occurrences"],
        how: How::By(
            "DELETE FROM occurrences WHERE (meeting_id, recurrence_id) IN (
                 SELECT o.meeting_id, o.recurrence_id FROM meetings m CROSS JOIN occurrences o
                 WHERE m.expanded_until > 0 AND m.status = 'scheduled'
                     AND o.meeting_id = m.id AND o.recurrence_id < $1 AND o.ends_at < $1
                     AND o.is_exception = FALSE AND o.status = 'scheduled'
                 LIMIT $2)
             RETURNING ends_at AS time",
        ),
    },
    Class {
        // Those that could not be sent: what was sent is gone at once. A mail is tried for three days, also where a tenant
        // keeps what failed for one; one that nobody has given up after four days is for a server that is not set up.
        name: "mails",
        keep: Duration::days(30),
        tenants_may: TENANTS_MAY,
        tables: &["mails"],
        how: How::By(
            "DELETE FROM mails WHERE id IN (
                 SELECT id FROM mails WHERE tenant_id = $3 AND created_at < $1
                     AND (given_up_at IS NOT NULL OR created_at < $1 - 345600000) ORDER BY created_at LIMIT $2)
             RETURNING created_at AS time",
        ),
    },
    Class {
        name: "webhook_deliveries",
        keep: Duration::days(14),
        tenants_may: TENANTS_MAY,
        tables: &["webhook_deliveries"],
        how: How::By(
            "DELETE FROM webhook_deliveries WHERE id IN (
                 SELECT id FROM webhook_deliveries WHERE tenant_id = $3 AND created_at < $1 ORDER BY created_at LIMIT $2)
             RETURNING created_at AS time",
        ),
    },
    Class {
        // Mails and webhooks were made of them long ago.
        name: "meeting_changes",
        keep: Duration::days(30),
        tenants_may: None,
        tables: &["meeting_changes"],
        how: How::By(
            "DELETE FROM meeting_changes WHERE id IN (
                 SELECT id FROM meeting_changes WHERE created_at < $1 ORDER BY created_at LIMIT $2)
             RETURNING created_at AS time",
        ),
    },
    Class {
        name: "exports",
        keep: Duration::days(7),
        tenants_may: None,
        tables: &["exports"],
        how: How::By(
            "DELETE FROM exports WHERE id IN (
                 SELECT id FROM exports WHERE created_at < $1 ORDER BY created_at LIMIT $2)
             RETURNING created_at AS time",
        ),
    },
    Class {
        name: "user_sessions",
        keep: Duration::zero(),
        tenants_may: None,
        tables: &["user_sessions"],
        how: How::By(
            "DELETE FROM user_sessions WHERE token_hash IN (
                 SELECT token_hash FROM user_sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)
             RETURNING expires_at AS time",
        ),
    },
    Class {
        name: "oidc_logout_tokens",
        keep: Duration::zero(),
        tenants_may: None,
        tables: &["oidc_logout_tokens"],
        how: How::By(
            "DELETE FROM oidc_logout_tokens WHERE jti_hash IN (
                 SELECT jti_hash FROM oidc_logout_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)
             RETURNING expires_at AS time",
        ),
    },
    Class {
        name: "token_revocations",
        keep: Duration::zero(),
        tenants_may: None,
        tables: &["token_revocations"],
        how: How::By(
            "DELETE FROM token_revocations WHERE (room, identity) IN (
                 SELECT room, identity FROM token_revocations WHERE forget_at < $1 ORDER BY forget_at LIMIT $2)
             RETURNING forget_at AS time",
        ),
    },
    Class {
        // Numbers that got in by telephone, as hashes: `phone/known_callers.rs` asks for no older ones.
        name: "phone_callers",
        keep: KNOWN_FOR,
        tenants_may: None,
        tables: &["phone_callers"],
        how: How::By(
            "DELETE FROM phone_callers WHERE caller IN (
                 SELECT caller FROM phone_callers WHERE last_seen_at < $1 ORDER BY last_seen_at LIMIT $2)
             RETURNING last_seen_at AS time",
        ),
    },
    Class {
        // How many minutes moderators called telephones for: `phone/dial_out/minutes.rs` counts those of a day, and a call ends
        // on the next at the latest.
        name: "dialled_calls",
        keep: Duration::days(3),
        tenants_may: None,
        tables: &["dialled_calls"],
        how: How::By(
            "DELETE FROM dialled_calls WHERE id IN (
                 SELECT id FROM dialled_calls WHERE created_at < $1 ORDER BY created_at LIMIT $2)
             RETURNING created_at AS time",
        ),
    },
    Class {
        // Numbers that moderators called, as hashes: `phone/dial_out/attempts.rs` counts no older ones.
        name: "dial_attempts",
        keep: attempts::WINDOW,
        tenants_may: None,
        tables: &["dial_attempts"],
        how: How::By(
            "DELETE FROM dial_attempts WHERE id IN (
                 SELECT id FROM dial_attempts WHERE created_at < $1 ORDER BY created_at LIMIT $2)
             RETURNING created_at AS time",
        ),
    },
    Class {
        name: "idempotency_keys",
        keep: Duration::hours(24),
        tenants_may: None,
        tables: &["idempotency_keys"],
        how: How::By(
            "DELETE FROM idempotency_keys WHERE (caller, idempotency_key) IN (
                 SELECT caller, idempotency_key FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2)
             RETURNING created_at AS time",
        ),
    },
    Class {
        // Those that are withdrawn or expired. Until then the audit log's ids can be looked up.
        name: "api_tokens",
        keep: Duration::days(90),
        tenants_may: None,
        tables: &["api_tokens"],
        how: How::By(
            "DELETE FROM api_tokens WHERE id IN (
                 SELECT id FROM api_tokens WHERE revoked_at < $1 OR expires_at < $1 ORDER BY expires_at LIMIT $2)
             RETURNING expires_at AS time",
        ),
    },
    Class {
        name: "oauth_clients",
        keep: Duration::days(90),
        tenants_may: None,
        tables: &["oauth_clients"],
        how: How::By(
            "DELETE FROM oauth_clients WHERE id IN (
                 SELECT id FROM oauth_clients WHERE revoked_at < $1 OR expires_at < $1 ORDER BY id LIMIT $2)
             RETURNING COALESCE(revoked_at, expires_at) AS time",
        ),
    },
    Class {
        // Last, so that what the others deleted today is written down before.
        name: "audit_events",
        keep: Duration::days(365),
        tenants_may: TENANTS_MAY_AUDIT,
        tables: &["audit_events"],
        how: How::AuditChain,
    },
];

/// Tables whose rows stay until somebody removes them, and why.
#[cfg(test)]
pub(super) const KEPT: &[(&str, &str)] = &[
    ("tenants", "an organisation is there until its administration removes it"),
    ("users", "an account is there until it is removed or the person is erased"),
    ("installation_secrets", "links and PINs are derived from them"),
    ("audit_heads", "one row for each chain, which says where it begins and ends"),
    ("policies", "they name nobody"),
    ("rooms", "a permanent room is there until somebody removes it, or its owner is erased"),
    ("webhooks", "they name nobody, and are there until somebody removes them"),
    ("jobs", "one row for each job"),
    ("phone_budgets", "one row for each budget of which something was used of late, and they name nobody"),
    ("phone_trunks", "they name nobody, and are there until somebody removes them"),
    ("phone_numbers", "they are the organisation's, and are there until somebody removes them"),
    ("phone_number_tenants", "they go with their number or tenant"),
];
