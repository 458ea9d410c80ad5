// SPDX-License-Identifier: EUPL-1.2
//! Lets those who watch ask for another layer in turns.

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use super::joining::Joined;

/// What they ask for when all have come. How long the server takes to leave the layer that it chose by itself is not
/// measured.
const FIRST: u8 = 0;

/// What they ask for then, over and over.
const NEXT: [u8; 3] = [2, 1, FIRST];

/// Everybody asks for the first layer.
pub(super) async fn begin(clients: &[Joined]) -> Result<()> {
    ask(clients, FIRST).await
}

/// Everybody asks for another layer in this rhythm, for the first time when one interval has passed.
pub(super) async fn go_on(clients: &[Joined], interval: Duration, end: Instant) -> Result<()> {
    in_turns(interval, end, async |layer| ask(clients, layer).await).await
}

async fn ask(clients: &[Joined], layer: u8) -> Result<()> {
    for joined in clients {
        joined.client.choose_layer(layer).await?;
    }
    Ok(())
}

async fn in_turns(interval: Duration, end: Instant, mut ask: impl AsyncFnMut(u8) -> Result<()>) -> Result<()> {
    let mut rhythm = tokio::time::interval_at(Instant::now() + interval, interval);
    for layer in NEXT.into_iter().cycle() {
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(end) => break,
            _ = rhythm.tick() => ask(layer).await?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked for within ten seconds, and when.
    async fn asked(interval: Duration) -> Vec<(u64, u8)> {
        let (start, mut asked) = (Instant::now(), Vec::new());
        let end = start + Duration::from_secs(10);
        let note = async |layer| {
            asked.push((start.elapsed().as_secs(), layer));
            Ok(())
        };
        in_turns(interval, end, note).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(10));
        asked
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_switches_before_an_interval_has_passed() {
        assert_eq!(asked(Duration::from_secs(100_000)).await, []);
        assert_eq!(asked(Duration::from_secs(5)).await, [(5, 2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn every_switch_is_to_another_layer() {
        let asked = asked(Duration::from_secs(2)).await;
        assert_eq!(asked, [(2, 2), (4, 1), (6, 0), (8, 2)]);
        assert_ne!(asked[0].1, FIRST);
    }
}
