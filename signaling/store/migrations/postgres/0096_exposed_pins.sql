-- SPDX-License-Identifier: EUPL-1.2
-- PINs that somebody may have found by guessing.

-- When one was first right while those of its place were being guessed. Null: never, or it has other digits since.
ALTER TABLE phone_pins ADD COLUMN exposed_at BIGINT;
