// SPDX-License-Identifier: EUPL-1.2
//! The audit log on the server itself: whether it is intact, its signed heads, and all of it as text.

use std::io::Write;

use store::{Store, Tx};

use super::CommandError;
use crate::identity::keys::Keys;
use crate::identity::tenants;
use crate::records::audit::head::AuditHead;
use crate::records::audit::{routes, verify};

pub use crate::records::audit::verify::{Break, BreakKind, Report};

/// What operators call the chain that belongs to no tenant.
const INSTALLATION: &str = "installation";

/// Chains that are asked for at once.
const CHAINS_PAGE: i64 = 100;

/// Looks through the chain of one tenant, or through all of them. `heads` are signed lines of earlier.
///
/// # Errors
///
/// Fails when there is no such tenant, a head is none of ours, or the database is away. A broken chain is no error.
pub async fn verify_audit(store: &Store, tenant: Option<&str>, heads: &[String]) -> Result<Vec<Report>, CommandError> {
    let mut known = Vec::new();
    if !heads.is_empty() {
        let keys = Keys::load(store).await?;
        for line in heads {
            known.push(AuditHead::verified(line, &keys).ok_or(CommandError::NotOurHead)?);
        }
    }
    let mut tx = store.read().await?;
    let mut chains = chains(&mut tx, tenant).await?;
    if tenant.is_none() {
        // A chain that is gone altogether is found only by somebody who knew that it was there.
        chains.extend(known.iter().map(|head| head.tenant.clone()));
        chains.sort_unstable();
        chains.dedup();
    }
    let mut reports = Vec::new();
    for chain in chains {
        reports.push(verify::verify(&mut tx, &chain, &known).await?);
    }
    Ok(reports)
}

/// The signed heads of the chain of one tenant, or of all chains.
///
/// # Errors
///
/// Fails when there is no such tenant, or the database is away.
pub async fn audit_heads(store: &Store, tenant: Option<&str>) -> Result<Vec<String>, CommandError> {
    let keys = Keys::load(store).await?;
    let mut tx = store.read().await?;
    let mut lines = Vec::new();
    for chain in chains(&mut tx, tenant).await? {
        lines.extend(AuditHead::of(&mut tx, &chain).await?.map(|head| head.sign(&keys)));
    }
    Ok(lines)
}

/// Writes all events of the chain of one tenant, or of all chains, as lines of JSON.
///
/// # Errors
///
/// Fails when there is no such tenant, the database is away, or `output` takes no more.
pub async fn export_audit(store: &Store, tenant: Option<&str>, mut output: impl Write) -> Result<(), CommandError> {
    let mut tx = store.read().await?;
    let chains = chains(&mut tx, tenant).await?;
    drop(tx);
    for chain in chains {
        let mut after = 0;
        while let Some((page, last)) = routes::next_lines(store, &chain, after).await? {
            output.write_all(&page)?;
            after = last;
        }
    }
    Ok(output.flush()?)
}

/// Whose chains are meant.
async fn chains(tx: &mut Tx, tenant: Option<&str>) -> Result<Vec<String>, CommandError> {
    match tenant {
        Some(INSTALLATION) => Ok(vec![String::new()]),
        Some(name) => match tenants::named(tx, Some(name)).await? {
            Some(tenant) => Ok(vec![tenant.to_string()]),
            // The tenant may be gone and its chain left.
            None if AuditHead::of(tx, name).await?.is_some() => Ok(vec![name.to_owned()]),
            None => Err(CommandError::NoSuchTenant),
        },
        None => {
            let mut all: Vec<String> = Vec::new();
            loop {
                let page = verify::chains(tx, all.last().map(String::as_str), CHAINS_PAGE).await?;
                if page.is_empty() {
                    return Ok(all);
                }
                all.extend(page);
            }
        }
    }
}
