// SPDX-License-Identifier: EUPL-1.2
//! Where something is kept of people. Whoever makes a table that names people adds it here: how it is found, and how it is
//! erased.
//!
//! The audit log is not among the places where something is erased: it names people by their accounts' ids alone, which mean
//! nothing once the account is gone.

/// Something that is kept of a person.
pub(super) struct Place {
    /// What it is called in an export, and where an erasure counts it.
    pub(super) name: &'static str,
    /// Finds it: `$1` is the tenant, `$2` the account's id or an empty text, `$3` the address or an empty text, `$4` how
    /// many at most. No secrets. None: it is of no use to the person.
    pub(super) find: Option<&'static str>,
    /// Erases it, with the same but the last. None: it goes with another, or stays.
    pub(super) erase: Option<&'static str>,
}

/// All places, in the order in which they are erased. Meetings that the person organises in the future are dealt with before
/// (`erase.rs`).
pub(super) static PLACES: &[Place] = &[
    Place {
        name: "invitations",
        find: Some(
            "SELECT i.id, i.meeting_id, m.title, m.starts_at, i.email, i.phone_e164, i.name, i.role, i.type,
                 i.response_status, i.created_at, i.updated_at
             FROM invitees i JOIN meetings m ON m.id = i.meeting_id
             WHERE i.tenant_id = $1 AND ((i.user_id = $2 AND $2 <> '') OR (i.email = $3 AND $3 <> ''))
             ORDER BY i.id LIMIT $4",
        ),
        erase: Some(
            "DELETE FROM invitees
             WHERE tenant_id = $1 AND ((user_id = $2 AND $2 <> '') OR (email = $3 AND $3 <> ''))",
        ),
    },
    Place {
        name: "meetings_organised",
        find: Some(
            "SELECT id, title, description, agenda, type, status, starts_at, ends_at, time_zone, recurrence_rule,
                 organizer_email, organizer_name, created_at, updated_at
             FROM meetings
             WHERE tenant_id = $1 AND ((organizer_id = $2 AND $2 <> '') OR (lower(organizer_email) = $3 AND $3 <> ''))
             ORDER BY id LIMIT $4",
        ),
        // What is over stays for the others who were there, without its organizer.
        erase: Some(
            "UPDATE meetings SET organizer_id = NULL, organizer_email = '', organizer_name = '', revision = revision + 1
             WHERE tenant_id = $1 AND ((organizer_id = $2 AND $2 <> '') OR (lower(organizer_email) = $3 AND $3 <> ''))",
        ),
    },
    Place {
        name: "meetings_made",
        find: None,
        erase: Some("UPDATE meetings SET created_by = '' WHERE tenant_id = $1 AND created_by = $2 AND $2 <> '' AND $3 = $3"),
    },
    Place {
        name: "rooms",
        find: Some(
            "SELECT id, name, slug, created_at, updated_at FROM rooms
             WHERE tenant_id = $1 AND owner_id = $2 AND $3 = $3 ORDER BY id LIMIT $4",
        ),
        erase: Some("DELETE FROM rooms WHERE tenant_id = $1 AND owner_id = $2 AND $3 = $3"),
    },
    Place {
        name: "sessions",
        find: Some(
            "SELECT s.created_at, s.last_seen_at, s.expires_at, s.acr FROM user_sessions s JOIN users u ON u.id = s.user_id
             WHERE u.tenant_id = $1 AND u.id = $2 AND $3 = $3 ORDER BY s.created_at LIMIT $4",
        ),
        // With the account.
        erase: None,
    },
    Place {
        name: "api_tokens_made",
        find: Some(
            "SELECT id, name, prefix, created_at, expires_at, revoked_at FROM api_tokens
             WHERE tenant_id = $1 AND created_by = $2 AND $3 = $3 ORDER BY id LIMIT $4",
        ),
        erase: Some("UPDATE api_tokens SET created_by = NULL WHERE tenant_id = $1 AND created_by = $2 AND $3 = $3"),
    },
    Place {
        name: "oauth_clients_made",
        find: Some(
            "SELECT id, name, created_at, revoked_at FROM oauth_clients
             WHERE tenant_id = $1 AND created_by = $2 AND $3 = $3 ORDER BY id LIMIT $4",
        ),
        erase: Some("UPDATE oauth_clients SET created_by = NULL WHERE tenant_id = $1 AND created_by = $2 AND $3 = $3"),
    },
    Place {
        name: "exports",
        find: None,
        erase: Some(
            "DELETE FROM exports WHERE tenant_id = $1 AND ((user_id = $2 AND $2 <> '') OR (email = $3 AND $3 <> ''))",
        ),
    },
    Place {
        name: "account",
        find: Some(
            "SELECT id, email, name, role, language, oidc_issuer, oidc_subject, disabled_at, last_sign_in_at, created_at,
                 updated_at
             FROM users WHERE tenant_id = $1 AND id = $2 AND $3 = $3 LIMIT $4",
        ),
        erase: Some("DELETE FROM users WHERE tenant_id = $1 AND id = $2 AND $3 = $3"),
    },
    Place {
        name: "audit_events",
        find: Some(
            "SELECT number, occurred_at, action, target_type, target_id, result, details FROM audit_events
             WHERE tenant_id = $1 AND actor_id = $2 AND $2 <> '' AND $3 = $3 ORDER BY number DESC LIMIT $4",
        ),
        erase: None,
    },
];
