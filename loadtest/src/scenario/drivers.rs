// SPDX-License-Identifier: EUPL-1.2
//! The threads of a run, over which its clients are spread.

use anyhow::{Context, Result};

use super::Setting;
use crate::driver::{Driver, DriverReport};

/// The drivers of a run, over which clients are spread.
pub(super) struct Drivers(Vec<Driver>);

impl Drivers {
    pub(super) fn start(setting: &Setting) -> Result<Self> {
        (0..setting.threads.max(1)).map(|index| Driver::start(&format!("media-{index}"), setting.coalesce)).collect()
    }

    pub(super) fn of(&self, client: usize) -> &Driver {
        &self.0[client % self.0.len()]
    }

    /// Lets nobody publish any more.
    pub(super) fn hush(&self) {
        self.0.iter().for_each(Driver::hush);
    }

    pub(super) async fn reset(&self) -> Result<()> {
        for driver in &self.0 {
            driver.reset().await?;
        }
        Ok(())
    }

    pub(super) async fn report(&self) -> Result<DriverReport> {
        let mut sum: Option<DriverReport> = None;
        for driver in &self.0 {
            let report = driver.report().await?;
            match &mut sum {
                Some(sum) => sum.add(&report),
                None => sum = Some(report),
            }
        }
        sum.context("there is no driver")
    }
}

impl FromIterator<Driver> for Drivers {
    fn from_iter<I: IntoIterator<Item = Driver>>(drivers: I) -> Self {
        Self(drivers.into_iter().collect())
    }
}
