// SPDX-License-Identifier: EUPL-1.2
//! The end of a chain as a signed line, to be kept elsewhere. Whoever can write to the database can cut off the end of a
//! chain and mend its head; a line that was written down before shows it.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use store::{FromRow, Row, StoreError, Tx, sql};

use crate::identity::keys::{Keys, Purpose};

/// How the lines begin. The number is the format's.
const PREFIX: &str = "saal-audit-head-1";

/// What stands for the installation's own chain, which has no tenant.
const INSTALLATION: &str = "installation";

/// The end of a chain, as it was at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditHead {
    /// Whose chain; empty is the installation's.
    pub(crate) tenant: String,
    /// The last event's number.
    pub(crate) number: i64,
    /// And its hash.
    pub(crate) hash: String,
}

impl FromRow for AuditHead {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { tenant: row.get("tenant_id")?, number: row.get("number")?, hash: row.get("hash")? })
    }
}

impl AuditHead {
    /// Of the chain of that tenant, if it has events.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub(crate) async fn of(tx: &mut Tx, tenant: &str) -> Result<Option<Self>, StoreError> {
        tx.optional(sql("SELECT tenant_id, number, hash FROM audit_heads WHERE tenant_id = $1").bind(tenant)).await
    }

    /// The line: prefix, tenant, number, hash and signature, with dots between them.
    pub(crate) fn sign(&self, keys: &Keys) -> String {
        let tenant = if self.tenant.is_empty() { INSTALLATION } else { &self.tenant };
        let signed = format!("{PREFIX}.{tenant}.{}.{}", self.number, self.hash);
        let signature = keys.derive_text(Purpose::AuditHead, &[signed.as_bytes()]);
        format!("{signed}.{signature}")
    }

    /// Reads a line of ours. None when it is none, or somebody has changed it.
    pub(crate) fn verified(line: &str, keys: &Keys) -> Option<Self> {
        let mut parts = line.trim().split('.');
        let (prefix, tenant, number, hash) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let tenant = if tenant == INSTALLATION { "" } else { tenant };
        let head = Self { tenant: tenant.to_owned(), number: number.parse().ok()?, hash: hash.to_owned() };
        let is_ours = verify_slices_are_equal(head.sign(keys).as_bytes(), line.trim().as_bytes()).is_ok();
        (prefix == PREFIX && is_ours).then_some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::testing::TestStore;

    #[tokio::test]
    async fn a_line_is_known_again_and_a_changed_one_is_not() {
        let keys = Keys::load(&TestStore::sqlite().await.store).await.expect("keys");
        for tenant in ["", "0199a5b2-0000-7000-8000-000000000000"] {
            let head = AuditHead { tenant: tenant.to_owned(), number: 12, hash: "ab".repeat(32) };
            let line = head.sign(&keys);
            assert_eq!(AuditHead::verified(&format!("{line}\n"), &keys), Some(head));
            for changed in [line.replace(".12.", ".11."), line.replace("abab", "abac"), line[1..].to_owned()] {
                assert_eq!(AuditHead::verified(&changed, &keys), None, "{changed}");
            }
        }
        assert_eq!(AuditHead::verified("", &keys), None);
    }
}
