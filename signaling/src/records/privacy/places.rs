// SPDX-License-Identifier: EUPL-1.2
//! Where something is kept of people. Whoever makes a table that names people adds it here: how it is found, and how it is
//! erased. A test fails where a table is in no place.
//!
//! The audit log is not among the places where something is erased: it names people by their accounts' ids alone, which mean
//! nothing once the account is gone. Changing it would break its chain.

/// Something that is kept of a person.
pub(super) struct Place {
    /// What it is called in an export, and where an erasure counts it.
    pub(super) name: &'static str,
    /// Finds it: `$1` is the tenant, `$2` the account's id or an empty text, `$3` the address or an empty text, `$4` the
    /// telephone number or an empty text, `$5` how many at most. No secrets. None: it is of no use to the person.
    pub(super) find: Option<&'static str>,
    /// Erases it, with the same but the last. None: it goes with another, or stays.
    pub(super) erase: Option<&'static str>,
}

/// Which rows of `invitees` are the person's.
macro_rules! invited {
    () => {
        "tenant_id = $1 AND ((user_id = $2 AND $2 <> '') OR (email = $3 AND $3 <> '') OR (phone_e164 = $4 AND $4 <> ''))"
    };
}

/// Their ids.
macro_rules! invitations {
    () => {
        concat!("(SELECT id FROM invitees WHERE ", invited!(), ")")
    };
}

/// Which meetings the person organises.
macro_rules! organised {
    () => {
        "tenant_id = $1 AND $4 = $4
             AND ((organizer_id = $2 AND $2 <> '') OR (lower(organizer_email) = $3 AND $3 <> ''))"
    };
}

/// Whom a row with the marks of somebody in a meeting is about.
macro_rules! marked {
    () => {
        concat!("((user_id = $2 AND $2 <> '') OR invitee_id IN ", invitations!(), ")")
    };
}

/// Who somebody is in a meeting, and what they did there: LiveKit's identity is made of the account's or invitation's id.
macro_rules! is_identity {
    ($column:literal) => {
        concat!(
            "((",
            $column,
            " = 'u_' || $2 AND $2 <> '') OR ",
            $column,
            " IN (SELECT 'i_' || id FROM invitees WHERE ",
            invited!(),
            "))"
        )
    };
}

/// The runs of the tenant's meetings.
macro_rules! sessions {
    () => {
        "(SELECT id FROM meeting_sessions WHERE tenant_id = $1)"
    };
}

/// Mails to others name the organizer: they are written anew, by whoever organises the meeting then. That cannot be done with
/// somebody's proposal of another time, which is to the organizer alone. Before meetings are handed over.
pub(super) const FORGET_MAILS_ABOUT_MEETINGS: &str = concat!(
    "UPDATE mails SET recipient = NULL, message = NULL WHERE tenant_id = $1 AND message IS NOT NULL
         AND news <> 'counter' AND meeting_id IN (SELECT id FROM meetings WHERE ",
    organised!(),
    ")"
);

/// All places, in the order in which they are erased: what is found by an invitation goes before it. Meetings that the
/// person organises in the future are dealt with before (`erase.rs`).
pub(super) static PLACES: &[Place] = &[
    Place {
        name: "messages",
        find: Some(concat!(
            "SELECT session_id, message_id, sender_name, content, sent_at FROM session_messages
             WHERE session_id IN ", sessions!(), " AND ", is_identity!("sender"), "
             ORDER BY sent_at, message_id LIMIT $5"
        )),
        erase: Some(concat!(
            "DELETE FROM session_messages WHERE session_id IN ", sessions!(), " AND ", is_identity!("sender")
        )),
    },
    Place {
        name: "attendance",
        find: Some(concat!(
            "SELECT session_id, identity, name, role, admitted_at, removed_at FROM session_people
             WHERE session_id IN ", sessions!(), " AND ", marked!(), " ORDER BY admitted_at, session_id LIMIT $5"
        )),
        erase: Some(concat!(
            "DELETE FROM session_people WHERE session_id IN ", sessions!(), " AND ", marked!()
        )),
    },
    Place {
        name: "lobby",
        find: Some(concat!(
            "SELECT id, meeting_id, room_id, name, role, waits_for, status, created_at, last_seen_at, decided_at
             FROM lobby_entries WHERE tenant_id = $1 AND ", marked!(), " ORDER BY id LIMIT $5"
        )),
        erase: Some(concat!("DELETE FROM lobby_entries WHERE tenant_id = $1 AND ", marked!())),
    },
    Place {
        name: "bans",
        find: Some(concat!(
            "SELECT id, meeting_id, room_id, name, created_at FROM meeting_bans
             WHERE tenant_id = $1 AND ", marked!(), " ORDER BY id LIMIT $5"
        )),
        erase: Some(concat!("DELETE FROM meeting_bans WHERE tenant_id = $1 AND ", marked!())),
    },
    Place {
        // To them, and from them to organizers (a proposal of another time).
        name: "mails",
        find: Some(concat!(
            "SELECT id, meeting_id, news, recipient, created_at, due_at, attempts, given_up_at FROM mails
             WHERE tenant_id = $1 AND (lower(recipient) = $3 OR invitee_id IN ", invitations!(), ")
             ORDER BY id LIMIT $5"
        )),
        erase: Some(concat!(
            "DELETE FROM mails WHERE tenant_id = $1
                 AND ((lower(recipient) = $3 AND $3 <> '') OR invitee_id IN ", invitations!(), ")"
        )),
    },
    Place {
        name: "invitations",
        find: Some(concat!(
            "SELECT i.id, i.meeting_id, m.title, m.starts_at, i.email, i.phone_e164, i.name, i.role, i.type,
                 i.response_status, i.language, i.created_at, i.updated_at
             FROM invitees i JOIN meetings m ON m.id = i.meeting_id
             WHERE i.id IN ", invitations!(), " ORDER BY i.id LIMIT $5"
        )),
        erase: Some(concat!("DELETE FROM invitees WHERE ", invited!())),
    },
    Place {
        name: "meetings_organised",
        find: Some(concat!(
            "SELECT id, title, description, agenda, type, status, starts_at, ends_at, time_zone, recurrence_rule,
                 organizer_email, organizer_name, created_at, updated_at
             FROM meetings WHERE ", organised!(), " ORDER BY id LIMIT $5"
        )),
        // What is over stays for the others who were there, without its organizer.
        erase: Some(concat!(
            "UPDATE meetings SET organizer_id = NULL, organizer_email = '', organizer_name = '', revision = revision + 1
             WHERE ", organised!()
        )),
    },
    Place {
        name: "meetings_made",
        find: None,
        erase: Some(
            "UPDATE meetings SET created_by = ''
             WHERE tenant_id = $1 AND created_by = $2 AND $2 <> '' AND $3 = $3 AND $4 = $4",
        ),
    },
    Place {
        name: "rooms",
        find: Some(
            "SELECT id, name, slug, created_at, updated_at FROM rooms
             WHERE tenant_id = $1 AND owner_id = $2 AND $3 = $3 AND $4 = $4 ORDER BY id LIMIT $5",
        ),
        erase: Some("DELETE FROM rooms WHERE tenant_id = $1 AND owner_id = $2 AND $3 = $3 AND $4 = $4"),
    },
    Place {
        name: "sessions",
        find: Some(
            "SELECT s.created_at, s.last_seen_at, s.expires_at, s.acr FROM user_sessions s JOIN users u ON u.id = s.user_id
             WHERE u.tenant_id = $1 AND u.id = $2 AND $3 = $3 AND $4 = $4 ORDER BY s.created_at LIMIT $5",
        ),
        // With the account.
        erase: None,
    },
    Place {
        name: "api_tokens_made",
        find: Some(
            "SELECT id, name, prefix, created_at, expires_at, revoked_at FROM api_tokens
             WHERE tenant_id = $1 AND created_by = $2 AND $3 = $3 AND $4 = $4 ORDER BY id LIMIT $5",
        ),
        erase: Some(
            "UPDATE api_tokens SET created_by = NULL
             WHERE tenant_id = $1 AND created_by = $2 AND $3 = $3 AND $4 = $4",
        ),
    },
    Place {
        name: "oauth_clients_made",
        find: Some(
            "SELECT id, name, created_at, revoked_at FROM oauth_clients
             WHERE tenant_id = $1 AND created_by = $2 AND $3 = $3 AND $4 = $4 ORDER BY id LIMIT $5",
        ),
        erase: Some(
            "UPDATE oauth_clients SET created_by = NULL
             WHERE tenant_id = $1 AND created_by = $2 AND $3 = $3 AND $4 = $4",
        ),
    },
    Place {
        name: "exports",
        find: None,
        erase: Some(
            "DELETE FROM exports WHERE tenant_id = $1 AND ((user_id = $2 AND $2 <> '') OR (email = $3 AND $3 <> '')
                 OR (phone_e164 = $4 AND $4 <> ''))",
        ),
    },
    Place {
        // Several may share one, so it does not say whose account it is.
        name: "account_numbers",
        find: Some(
            "SELECT id, phone_e164 FROM users
             WHERE tenant_id = $1 AND phone_e164 = $4 AND $4 <> '' AND $2 = $2 AND $3 = $3 ORDER BY id LIMIT $5",
        ),
        erase: Some(
            "UPDATE users SET phone_e164 = NULL, revision = revision + 1
             WHERE tenant_id = $1 AND phone_e164 = $4 AND $4 <> '' AND $2 = $2 AND $3 = $3",
        ),
    },
    Place {
        name: "account",
        find: Some(
            "SELECT id, email, name, role, language, phone_e164, oidc_issuer, oidc_subject, disabled_at, last_sign_in_at,
                 created_at, updated_at
             FROM users WHERE tenant_id = $1 AND id = $2 AND $3 = $3 AND $4 = $4 LIMIT $5",
        ),
        erase: Some("DELETE FROM users WHERE tenant_id = $1 AND id = $2 AND $3 = $3 AND $4 = $4"),
    },
    Place {
        name: "audit_events",
        find: Some(concat!(
            "SELECT number, occurred_at, actor_type, action, target_type, target_id, result, details FROM audit_events
             WHERE tenant_id = $1 AND ((actor_id = $2 AND $2 <> '') OR ", is_identity!("actor_id"), ")
             ORDER BY number DESC LIMIT $5"
        )),
        erase: None,
    },
];
