// SPDX-License-Identifier: EUPL-1.2

//! `saal api-token`: tokens for software that uses the REST API.

use anyhow::Result;
use signaling::commands::{NewApiToken, create_api_token};

use crate::cli::ApiTokenFlags;
use crate::config::Purpose;
use crate::{database, output};

/// `saal api-token create`: prints a new one, which is not shown again.
pub(crate) fn create(flags: &ApiTokenFlags) -> Result<()> {
    let settings = flags.settings.settings(Purpose::Read)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let token = runtime.block_on(async {
        let store = database::open(&settings).await?;
        let wanted = NewApiToken {
            name: &flags.name,
            scopes: &flags.scopes,
            tenant: flags.tenant.as_deref(),
            is_for_installation: flags.installation,
            days: flags.days,
        };
        let token = create_api_token(&store, &wanted).await?;
        store.close().await;
        anyhow::Ok(token)
    })?;
    output::print(token)
}
