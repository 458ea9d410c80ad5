-- SPDX-License-Identifier: EUPL-1.2
-- Whose answers are kept, so that they can be deleted with what they are about.

-- The tenant that the answer is about; null is the installation.
ALTER TABLE idempotency_keys ADD COLUMN tenant_id TEXT;

CREATE INDEX idempotency_keys_tenant ON idempotency_keys (tenant_id);
