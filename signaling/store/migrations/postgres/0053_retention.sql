-- SPDX-License-Identifier: EUPL-1.2
-- Retention looks for what is old, and an erasure for a telephone number, without reading whole tables.

CREATE INDEX meeting_sessions_ended ON meeting_sessions (tenant_id, ended_at);
CREATE INDEX session_messages_age ON session_messages (sent_at);
CREATE INDEX lobby_entries_age ON lobby_entries (last_seen_at);
CREATE INDEX meeting_bans_age ON meeting_bans (created_at);
CREATE INDEX invitees_revoked ON invitees (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX mails_age ON mails (tenant_id, created_at);
CREATE INDEX invitees_phone ON invitees (tenant_id, phone_e164) WHERE phone_e164 IS NOT NULL;

-- An export can be about a telephone number, too, as in E.164.
ALTER TABLE exports ADD COLUMN phone_e164 TEXT;
