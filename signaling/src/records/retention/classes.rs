// SPDX-License-Identifier: EUPL-1.2
//! The classes of data that are deleted when they are old. Whoever makes a table that grows adds a line here.

use std::ops::RangeInclusive;

use chrono::Duration;

/// A class of data.
#[derive(Debug)]
pub(crate) struct Class {
    /// Its name in proofs; with `_days` behind it, in a tenant's settings for retention.
    pub(super) name: &'static str,
    /// How long it is kept where nothing else is said.
    pub(super) keep: Duration,
    /// What a tenant may choose, in days. None: it belongs to no tenant.
    pub(super) tenants_may: Option<RangeInclusive<i64>>,
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
        // With their occurrences, invitees and PINs. A series has ended when all of it is written down
        // (`expanded_until` is null) and over.
        name: "ended_meetings",
        keep: Duration::days(90),
        tenants_may: TENANTS_MAY,
        how: How::By(
            "DELETE FROM meetings WHERE id IN (
                 SELECT m.id FROM meetings m
                 WHERE m.tenant_id = $3 AND m.starts_at < $1 AND m.updated_at < $1
                     AND m.type IN ('scheduled', 'recurring')
                     AND (m.status IN ('cancelled', 'draft') OR m.type = 'scheduled' OR m.expanded_until IS NULL)
                     AND (m.ends_at IS NULL OR m.ends_at < $1)
                     AND NOT EXISTS (SELECT 1 FROM occurrences o WHERE o.meeting_id = m.id AND o.ends_at >= $1)
                 ORDER BY m.starts_at, m.id LIMIT $2)
             RETURNING starts_at AS time",
        ),
    },
    Class {
        name: "webhook_deliveries",
        keep: Duration::days(14),
        tenants_may: TENANTS_MAY,
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
        how: How::By(
            "DELETE FROM user_sessions WHERE token_hash IN (
                 SELECT token_hash FROM user_sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)
             RETURNING expires_at AS time",
        ),
    },
    Class {
        name: "token_revocations",
        keep: Duration::zero(),
        tenants_may: None,
        how: How::By(
            "DELETE FROM token_revocations WHERE (room, identity) IN (
                 SELECT room, identity FROM token_revocations WHERE forget_at < $1 ORDER BY forget_at LIMIT $2)
             RETURNING forget_at AS time",
        ),
    },
    Class {
        name: "idempotency_keys",
        keep: Duration::hours(24),
        tenants_may: None,
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
        how: How::By(
            "DELETE FROM oauth_clients WHERE id IN (
                 SELECT id FROM oauth_clients WHERE revoked_at < $1 ORDER BY revoked_at LIMIT $2)
             RETURNING revoked_at AS time",
        ),
    },
    Class {
        // Last, so that what the others deleted today is written down before.
        name: "audit_events",
        keep: Duration::days(365),
        tenants_may: TENANTS_MAY_AUDIT,
        how: How::AuditChain,
    },
];
