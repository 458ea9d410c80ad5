-- SPDX-License-Identifier: EUPL-1.2

-- When a webhook got another secret. Messages are signed with the one before, too, for a day.
ALTER TABLE webhooks ADD COLUMN secret_rotated_at BIGINT;
