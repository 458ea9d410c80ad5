// SPDX-License-Identifier: EUPL-1.2
//! Tells bridges which trunks there are to be: at the start, right after each change here, and soon after one that another
//! process made.

use std::sync::Arc;
use std::time::Duration;

use bus::phone::{TrunkConfig, TrunkList};
use chrono::{DateTime, Utc};
use store::StoreError;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{error, warn};

use super::table;
use crate::app::App;

/// How often it is looked for what other processes have changed. Trunks are few, so all of them are read.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// By what a change is seen: each trunk with its revision, and when that was made, since one can be made again.
type Marks = Vec<(String, i64, DateTime<Utc>)>;

/// Follows them as long as the server runs. One task tells, so the last word is about what is stored last.
pub(crate) async fn follow(app: Arc<App>, list: watch::Sender<TrunkList>) {
    let mut told = None;
    loop {
        match read(&app, told.as_ref()).await {
            Ok(Some((marks, trunks))) => {
                list.send_replace(trunks);
                told = Some(marks);
            }
            Ok(None) => {}
            Err(error) => warn!(%error, "bridges are not told of changes of trunks now"),
        }
        // A change that is made meanwhile has left its mark, and the next look comes at once.
        drop(timeout(LOOK_INTERVAL, app.phone.trunks.changed.notified()).await);
    }
}

/// All trunks that are on, unless they are as they were told.
async fn read(app: &App, told: Option<&Marks>) -> Result<Option<(Marks, TrunkList)>, StoreError> {
    let stored = table::all(&mut app.store.read().await?).await?;
    let marks: Marks = stored.iter().map(|trunk| (trunk.id.clone(), trunk.revision, trunk.updated_at)).collect();
    if told == Some(&marks) {
        return Ok(None);
    }
    let mut trunks: Vec<TrunkConfig> = Vec::new();
    for trunk in stored.iter().filter(|trunk| trunk.input.is_enabled) {
        match trunk.config(&app.installation) {
            Some(config) => trunks.push(config),
            None => error!(trunk = trunk.id, "a trunk is off: its password cannot be read; set it anew"),
        }
    }
    Ok(Some((marks, trunks.into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bus::Bus;
    use prometheus::Registry;
    use serde_json::json;
    use store::sql;
    use store::testing::TestStore;

    use crate::config::Config;
    use crate::records::everywhere::execute;

    #[tokio::test]
    async fn what_another_process_changes_is_seen_and_nothing_is_told_twice() {
        for database in TestStore::both().await {
            let store = database.store.clone();
            let app = App::new(Config::default(), store, Bus::local(), Registry::new()).await.expect("an app");
            let (marks, trunks) = read(&app, None).await.expect("the database").expect("none is something to tell");
            assert!(trunks.is_empty());
            let trunk = |id: &str| {
                json!({ "id": id, "is_enabled": true, "networks": "[\"192.0.2.0/24\"]", "dial_plan": "{}",
                    "destinations": "[]", "revision": 1 })
            };
            let mut unreadable = trunk("unreadable");
            unreadable["caller_username"] = json!("somebody");
            database.insert_all([("phone_trunks", trunk("provider")), ("phone_trunks", unreadable)]).await;
            let (marks, trunks) = read(&app, Some(&marks)).await.expect("the database").expect("a change");
            let ids: Vec<_> = trunks.iter().map(|trunk| trunk.id.as_str()).collect();
            assert_eq!(ids, ["provider"], "one whose password is lost would let in whoever comes from its networks");
            assert!(read(&app, Some(&marks)).await.expect("the database").is_none());
            execute(&database, sql("UPDATE phone_trunks SET is_enabled = FALSE, revision = 2")).await;
            let (_, trunks) = read(&app, Some(&marks)).await.expect("the database").expect("a change");
            assert!(trunks.is_empty());
        }
    }
}
