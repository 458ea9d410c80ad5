// SPDX-License-Identifier: EUPL-1.2
//! Which machines an installation needs: the meetings of its busiest hour, brought to the shards of a node as the server
//! does it, in an order by chance, and what that costs.

mod chart;
mod costs;
mod machines;
mod mix;
mod placement;
mod report;
mod room;
mod simulate;
mod streams;
mod work;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use sfu_node::MAX_SHARDS;

use crate::files;
use machines::{Demands, Machine};
use mix::{Habits, Sizes, Sources, TOWN_HALL_PEOPLE};
use report::{GrowthPoint, Report};

pub(crate) use costs::Costs;
pub(crate) use room::Room;
pub(crate) use simulate::simulate;
pub(crate) use work::Work;

/// How many times the people are simulated, to see how the need grows.
const GROWTH: [f64; 6] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0];

/// Growth is a curve, of which no point has to be exact: one placement in so many is enough.
const GROWTH_PLACEMENTS_SHARE: usize = 5;

/// What town halls have of all people where nobody says how large they are.
const TOWN_HALL_SHARES: [f64; 2] = [0.25, 0.1];

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// People in meetings at the same time, in the busiest hour.
    #[arg(long, default_value_t = 2_000)]
    people: usize,
    /// Meetings at the same time.
    #[arg(long, default_value_t = 200)]
    meetings: usize,
    /// The sizes of town halls among them, such as 500,200; 0 for none. In meetings of 100 and more only the stage
    /// sends. [default: a quarter and a tenth of all people]
    #[arg(long, value_name = "PEOPLE", value_delimiter = ',')]
    town_halls: Vec<usize>,
    /// All meetings by number and size instead of the three above, such as 150x4,30x20,1x500.
    #[arg(long, value_name = "COUNTxPEOPLE", value_delimiter = ',', value_parser = counted_size,
          conflicts_with_all = ["people", "meetings", "town_halls"])]
    sizes: Vec<(usize, usize)>,
    /// Share of the people whose camera is on, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.8, value_parser = share)]
    cameras: f64,
    /// Share of the people who call by phone, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = share)]
    phones: f64,
    /// Small pictures that everybody sees beside a large one of who speaks.
    #[arg(long, default_value_t = 9)]
    tiles: usize,
    /// Those who send in a town hall.
    #[arg(long, value_name = "PEOPLE", default_value_t = 3)]
    on_stage: usize,
    /// Most that the fullest shard and the network link may be loaded, in percent. The rest is for joins, losses and
    /// what else the machine does.
    #[arg(long, value_name = "PERCENT", default_value_t = 60.0)]
    limit: f64,
    /// Show this number of shards, too.
    #[arg(long)]
    shards: Option<usize>,
    /// Cores of one machine.
    #[arg(long, value_name = "CORES", default_value_t = 16)]
    cores_per_machine: usize,
    /// What the network link of one machine carries in each direction, in Gbit/s.
    #[arg(long, value_name = "GBIT", default_value_t = 10.0)]
    link_gbps: f64,
    /// What each kind of work costs, as `loadtest scale` writes it.
    #[arg(long, value_name = "FILE")]
    costs: Option<PathBuf>,
    /// Another value for one of the costs, such as in_us=1.5; can be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    cost: Vec<String>,
    /// How often everybody is placed anew, each time in another order.
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000)]
    placements: usize,
    /// Another seed is another hour with the same habits.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the result as JSON to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw how the need grows into this file, as SVG.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

fn share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a share is a number from 0 to 1".to_owned())
}

fn counted_size(text: &str) -> Result<(usize, usize), String> {
    let counted = text.split_once('x').and_then(|(count, size)| Some((count.parse().ok()?, size.parse().ok()?)));
    counted.ok_or_else(|| "that is no number of meetings and their size, such as 150x4".to_owned())
}

impl Options {
    fn sizes(&self) -> Sizes {
        if !self.sizes.is_empty() {
            return Sizes::Listed(self.sizes.clone());
        }
        let town_halls = if self.town_halls.is_empty() {
            let sizes = TOWN_HALL_SHARES.map(|share| (share * self.people as f64) as usize);
            sizes.into_iter().filter(|size| *size >= TOWN_HALL_PEOPLE).collect()
        } else {
            self.town_halls.iter().copied().filter(|size| *size > 0).collect()
        };
        Sizes::Skewed { people: self.people, meetings: self.meetings, town_halls }
    }

    const fn habits(&self) -> Habits {
        Habits { cameras: self.cameras, phones: self.phones, tiles: self.tiles, on_stage: self.on_stage }
    }

    fn costs(&self) -> Result<Costs> {
        let read = self.costs.as_deref().map(Costs::read).transpose()?.unwrap_or_default();
        self.cost.iter().try_fold(read, |costs, assignment| costs.set(assignment))
    }

    fn machine(&self) -> Result<Machine> {
        let range = 1..=MAX_SHARDS;
        ensure!(range.contains(&self.cores_per_machine), "--cores-per-machine takes a number from 1 to {MAX_SHARDS}");
        ensure!(self.link_gbps > 0.0, "--link-gbps takes a number above 0");
        Ok(Machine { cores: self.cores_per_machine, link_bps: self.link_gbps * 1e9 })
    }

    fn limit(&self) -> Result<f64> {
        ensure!(self.limit > 0.0 && self.limit <= 100.0, "--limit takes a percentage above 0, at most 100");
        Ok(self.limit / 100.0)
    }

    /// Works everything out.
    fn report(&self) -> Result<Report> {
        let (costs, habits, sources) = (self.costs()?, self.habits(), Sources::new());
        let demands = Demands { costs: &costs, limit: self.limit()?, placements: self.placements };
        let machine = self.machine()?;
        ensure!(self.placements > 0, "--placements takes a number from 1 on");
        let is_possible = self.shards.is_none_or(|shards| (1..=MAX_SHARDS).contains(&shards));
        ensure!(is_possible, "--shards takes a number from 1 to {MAX_SHARDS}");
        let wanted = self.sizes();
        let sizes = wanted.draw(self.seed)?;
        let rooms = sources.rooms(&sizes, &habits, self.seed);
        let smallest = demands.smallest_node(&rooms);
        let mut shards = vec![1, 2];
        shards.extend(self.shards);
        if let Some(smallest) = &smallest {
            shards.extend((2..).map(|power| 1 << power).take_while(|count| *count < smallest.shards));
            shards.extend([smallest.shards, smallest.shards * 3 / 2, smallest.shards * 2]);
        }
        shards.retain(|shards| *shards <= MAX_SHARDS);
        shards.sort_unstable();
        shards.dedup();
        let coarse = Demands { placements: self.placements.div_ceil(GROWTH_PLACEMENTS_SHARE), ..demands };
        let mut growth = Vec::new();
        for factor in GROWTH {
            // What is too small or too large to be divided in this way is left out.
            let Ok(sizes) = wanted.times(factor).draw(self.seed) else { continue };
            let node = coarse.smallest_node(&sources.rooms(&sizes, &habits, self.seed));
            growth.extend(node.map(|node| GrowthPoint { people: sizes.iter().sum(), node }));
        }
        Ok(Report {
            habits,
            costs,
            limit: demands.limit,
            placements: self.placements,
            by_shards: shards.into_iter().map(|shards| demands.simulate(&rooms, shards)).collect(),
            fleet: demands.smallest_fleet(&rooms, machine),
            machine,
            smallest,
            growth,
            sizes,
        })
    }
}

/// `loadtest size`.
pub(crate) fn run(options: &Options) -> Result<()> {
    let report = options.report()?;
    print!("{}", report.table());
    if let Some(file) = &options.json {
        files::write_json(file, &report)?;
    }
    if let Some(file) = &options.svg {
        files::write(file, &chart::of(&report))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
