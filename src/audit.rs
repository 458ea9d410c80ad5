// SPDX-License-Identifier: EUPL-1.2

//! `saal audit`: whether the audit log is intact, its signed heads, and all of it as text.

use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context, Result, bail};
use signaling::commands::audit::{Report, audit_heads, export_audit, verify_audit};
use store::Store;

use crate::cli::{AuditFlags, AuditVerifyFlags};
use crate::config::Purpose;
use crate::database::{self, Tables};
use crate::output;

/// `saal audit verify`: says for each chain whether it is intact, and fails when one is not.
pub(crate) fn verify(flags: &AuditVerifyFlags) -> Result<()> {
    let mut heads = flags.expect_head.clone();
    if let Some(file) = &flags.expect_heads {
        heads.extend(read_lines(file)?);
    }
    let reports = on_database(&flags.audit, async |store, tenant| Ok(verify_audit(store, tenant, &heads).await?))?;
    let mut is_broken = false;
    for report in &reports {
        output::print(describe(report))?;
        is_broken |= !report.is_intact();
    }
    if is_broken {
        bail!("the audit log is broken");
    }
    Ok(())
}

/// `saal audit head`: prints the end of each chain, signed.
pub(crate) fn head(flags: &AuditFlags) -> Result<()> {
    let lines = on_database(flags, async |store, tenant| Ok(audit_heads(store, tenant).await?))?;
    lines.iter().try_for_each(output::print)
}

/// `saal audit export`: prints all events, one on each line.
pub(crate) fn export(flags: &AuditFlags) -> Result<()> {
    on_database(flags, async |store, tenant| {
        let output = BufWriter::new(std::io::stdout());
        export_audit(store, tenant, output).await.context("writing to standard output")
    })
}

fn on_database<T>(flags: &AuditFlags, work: impl AsyncFnOnce(&Store, Option<&str>) -> Result<T>) -> Result<T> {
    let settings = flags.settings.settings(Purpose::Read)?;
    database::with(&settings, Tables::AsTheyAre, async |store| work(store, flags.tenant.as_deref()).await)
}

fn read_lines(file: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    Ok(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect())
}

/// What was found, in words.
pub(crate) fn describe(report: &Report) -> String {
    let chain = if report.tenant.is_empty() { "installation" } else { &report.tenant };
    let verdict = if report.is_intact() { "intact" } else { "BROKEN" };
    let mut text = format!("{chain}: {verdict}, {} events", report.events);
    if report.events > 0 {
        text.push_str(&format!(", numbers {} to {}", report.first_number, report.last_number));
    }
    for place in &report.breaks {
        text.push_str(&format!("\n  {place}"));
    }
    text
}
