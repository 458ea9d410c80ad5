-- SPDX-License-Identifier: EUPL-1.2
-- From which telephones those call who have an account.

-- As in E.164, such as +4930123456. Several may share one.
ALTER TABLE users ADD COLUMN phone_e164 TEXT;

CREATE INDEX users_phone ON users (tenant_id, phone_e164) WHERE phone_e164 IS NOT NULL;
