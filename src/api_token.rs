// SPDX-License-Identifier: EUPL-1.2

//! `saal api-token`: tokens for software that uses the REST API.

use anyhow::Result;
use signaling::commands::{NewApiToken, create_api_token};

use crate::cli::ApiTokenFlags;
use crate::config::Purpose;
use crate::database::{self, Tables};
use crate::output;

/// `saal api-token create`: prints a new one, which is not shown again.
pub(crate) fn create(flags: &ApiTokenFlags) -> Result<()> {
    let settings = flags.settings.settings(Purpose::Read)?;
    let token = database::with(&settings, Tables::UpToDate, async |store| {
        let wanted = NewApiToken {
            name: &flags.name,
            scopes: &flags.scopes,
            tenant: flags.tenant.as_deref(),
            is_for_installation: flags.installation,
            days: flags.days,
        };
        Ok(create_api_token(store, &wanted).await?)
    })?;
    output::print(token)
}
