// SPDX-License-Identifier: EUPL-1.2
//! Throw-away databases, of both kinds. PostgreSQL is a real server from Debian's packages, started once per test
//! program on a Unix socket in a temporary folder, and ended with the program.

pub mod plans;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, mpsc};
use std::thread;

use nix::sys::statvfs::{Statvfs, statvfs};
use serde_json::Value as Json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::backends::Backend;
use crate::catalogue::{self, Kind, Table};
use crate::{Location, Statement, Store, Value};

/// Where Linux has files that are in memory.
const MEMORY: &str = "/dev/shm";

/// A server is kept there where so many bytes are free. A test program makes hundreds of databases, of 8 MB and more each.
const ROOM_FOR_SERVER: u64 = 8 << 30;

/// How the folders of servers begin.
const FOLDER_PREFIX: &str = "saal-postgres-";

/// Locked by the program whose server it is.
const LOCK: &str = "lock";

/// A database of its own for one test.
#[derive(Debug)]
pub struct TestStore {
    /// The open database.
    pub store: Store,
    /// Where it is, to open it again.
    pub location: Location,
    _folder: Option<TempDir>,
}

impl TestStore {
    /// An empty SQLite file.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    pub async fn sqlite() -> Self {
        let folder = folder_without_disk();
        let file = folder.path().join("saal.db");
        fs::write(&file, sqlite_with_tables().await).expect("a file");
        let location = Location::Sqlite(file);
        let store = Store::open(&location).await.expect("an empty SQLite database");
        Self { store, location, _folder: Some(folder) }
    }

    /// An empty database on the test program's PostgreSQL.
    ///
    /// # Panics
    ///
    /// When there is no PostgreSQL (`cargo xtask test` installs it), or it does not start.
    pub async fn postgres() -> Self {
        let location = new_postgres(postgres_with_tables().await).await;
        let store = Store::open(&location).await.expect("an empty PostgreSQL database");
        Self { store, location, _folder: None }
    }

    /// One that is somewhere already, or is to be.
    ///
    /// # Panics
    ///
    /// When it cannot be opened.
    pub async fn at(location: Location) -> Self {
        let store = Store::open(&location).await.expect("a database");
        Self { store, location, _folder: None }
    }

    /// The URL of one on PostgreSQL, for another process.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        match &self.location {
            Location::Sqlite(_) => None,
            Location::Postgres(options) => {
                let (database, folder) = (options.get_database()?, options.get_socket()?);
                Some(format!("postgres://saal@localhost/{database}?host={}", folder.display()))
            }
        }
    }

    /// Another place of the same kind, where there are no tables yet.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    pub async fn without_tables(&self) -> Location {
        match &self.location {
            Location::Sqlite(file) => Location::Sqlite(file.with_extension("bare.db")),
            Location::Postgres(_) => new_postgres(BARE).await,
        }
    }

    /// The tables there are, as the database knows them, with how many rows each has.
    ///
    /// # Panics
    ///
    /// When the database does not say.
    pub async fn row_counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let mut tx = self.store.read().await.expect("a transaction");
        for table in catalogue::tables(&mut tx).await.expect("tables") {
            let mut count = 0;
            let counted = tx.each(table.select(), |_| {
                count += 1;
                Ok(())
            });
            counted.await.expect("rows");
            counts.insert(table.name, count);
        }
        counts
    }

    /// Inserts a row, an object of columns. What is not named is empty, zero or false where it must have a value.
    ///
    /// # Panics
    ///
    /// When there is no such table or column, or the row is refused.
    pub async fn insert(&self, table: &str, row: Json) {
        self.insert_all([(table, row)]).await;
    }

    /// The same with many rows, in one transaction and in their order.
    ///
    /// # Panics
    ///
    /// When there is no such table or column, or a row is refused.
    pub async fn insert_all<'a>(&self, rows: impl IntoIterator<Item = (&'a str, Json)>) {
        let mut tx = self.store.write().await.expect("a transaction");
        let tables = catalogue::tables(&mut tx).await.expect("tables");
        for (name, row) in rows {
            let table = tables.iter().find(|table| table.name == name).unwrap_or_else(|| panic!("no table {name}"));
            tx.execute(insertion(table, row)).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        tx.commit().await.expect("committed");
    }

    /// One of each.
    pub async fn both() -> [Self; 2] {
        [Self::sqlite().await, Self::postgres().await]
    }
}

impl Store {
    /// How many COMMITs there were for what was written here to a SQLite file. Those of PostgreSQL are not counted.
    #[must_use]
    pub fn commits(&self) -> u64 {
        match &self.backend {
            Backend::Sqlite { writer, .. } => writer.commits(),
            Backend::Postgres { .. } => 0,
        }
    }
}

/// Inserts a row into a table.
fn insertion(table: &Table, row: Json) -> Statement {
    let Json::Object(mut row) = row else { panic!("{}: no object", table.name) };
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for column in &table.columns {
        let given = row.remove(&column.name).filter(|value| !value.is_null());
        if given.is_none() && !column.is_required {
            continue;
        }
        names.push(column.name.clone());
        values.push(match (column.kind, given) {
            (Kind::Text, Some(Json::String(text))) => Value::Text(Some(text)),
            (Kind::Text, given) => Value::Text(Some(given.map(|json| json.to_string()).unwrap_or_default())),
            (Kind::Integer, given) => Value::Integer(Some(given.map_or(0, |json| json.as_i64().expect("a number")))),
            (Kind::Boolean, given) => Value::Boolean(Some(given.is_some_and(|json| json == true))),
            (Kind::Bytes, given) => {
                let text = given.as_ref().and_then(Json::as_str).unwrap_or_default();
                Value::Bytes(Some(text.as_bytes().to_vec()))
            }
        });
    }
    assert!(row.is_empty(), "{} has no {row:?}", table.name);
    values.into_iter().fold(table.insert(&names, 1), Statement::bind)
}

/// A folder in memory where the system has one: nobody misses what a test has written.
fn folder_without_disk() -> TempDir {
    let in_memory = tempfile::tempdir_in(MEMORY);
    in_memory.or_else(|_| tempfile::tempdir()).expect("a temporary folder")
}

/// The file of a SQLite database that has all tables. It is made once: most of a test's time would go into it.
async fn sqlite_with_tables() -> &'static [u8] {
    static FILE: OnceCell<Vec<u8>> = OnceCell::const_new();
    let make = async || {
        let folder = folder_without_disk();
        let file = folder.path().join("saal.db");
        Store::open(&Location::Sqlite(file.clone())).await.expect("an empty SQLite database").close().await;
        fs::read(file).expect("a file")
    };
    FILE.get_or_init(make).await
}

/// What PostgreSQL makes databases without tables of.
const BARE: &str = "template0";

/// The name of a database that has all tables. It is made once, and copied.
async fn postgres_with_tables() -> &'static str {
    static NAME: OnceCell<String> = OnceCell::const_new();
    let make = async || {
        let location = new_postgres(BARE).await;
        Store::open(&location).await.expect("an empty PostgreSQL database").close().await;
        let Location::Postgres(options) = location else { unreachable!("it is on PostgreSQL") };
        options.get_database().expect("a name").to_owned()
    };
    NAME.get_or_init(make).await
}

/// A copy of a database on the test program's PostgreSQL. Nobody may have that one open.
async fn new_postgres(like: &str) -> Location {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let options = server();
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut connection = options.connect().await.expect("a connection to PostgreSQL");
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {like}"));
    connection.execute(create).await.expect("an empty database");
    connection.close().await.expect("a connection that ends");
    Location::Postgres(Box::new(options.clone().database(&name)))
}

/// The test program's server, started by whoever asks first.
fn server() -> &'static PgConnectOptions {
    static SERVER: OnceLock<PgConnectOptions> = OnceLock::new();
    SERVER.get_or_init(|| {
        let (sender, started) = mpsc::channel();
        // The kernel ends the server with the thread that started it, so that thread lives as long as the program.
        let keeper = move || {
            let folder = start();
            drop(sender.send(folder));
            loop {
                thread::park();
            }
        };
        thread::Builder::new().name("postgres".into()).spawn(keeper).expect("a thread");
        let folder = started.recv().expect("PostgreSQL starts");
        PgConnectOptions::new_without_pgpass().socket(&folder).username("saal").database("postgres")
    })
}

/// Starts a server in a folder that is left to the next program. Returns the folder of its socket.
fn start() -> PathBuf {
    remove_left_folders();
    let mut builder = tempfile::Builder::new();
    builder.prefix(FOLDER_PREFIX);
    let in_memory = has_room_in_memory().then(|| builder.tempdir_in(MEMORY).ok()).flatten();
    let folder = in_memory.unwrap_or_else(|| builder.tempdir().expect("a temporary folder")).keep();
    // Held as long as the program lives.
    let lock = fs::File::create(folder.join(LOCK)).expect("a file");
    lock.lock().expect("a lock");
    std::mem::forget(lock);
    let data = initialize(&folder, &["--no-sync"]);
    // It ends with the thread.
    drop(serve(&folder, &["fsync=off", "max_connections=400"]));
    data
}

/// Whether a server fits into memory, with much to spare.
fn has_room_in_memory() -> bool {
    let room = |disk: Statvfs| disk.blocks_available().saturating_mul(disk.fragment_size());
    statvfs(MEMORY).is_ok_and(|disk| room(disk) >= ROOM_FOR_SERVER)
}

/// Makes the files of a server. Returns their folder.
fn initialize(folder: &Path, options: &[&str]) -> PathBuf {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("permissions");
    let data = folder.join("data");
    fs::create_dir(&data).expect("a folder");
    let user = unprivileged(Some(&data));
    let initdb = as_user(user, &programs().join("initdb"))
        .arg("--pgdata")
        .arg(&data)
        .args(["--username=saal", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])
        .args(options)
        .stdout(Stdio::null())
        .output()
        .expect("initdb starts");
    assert!(initdb.status.success(), "initdb: {}", String::from_utf8_lossy(&initdb.stderr));
    data
}

/// Starts a server and waits until it takes connections.
fn serve(folder: &Path, settings: &[&str]) -> Child {
    let data = folder.join("data");
    let mut server = as_user(unprivileged(None), &programs().join("postgres"));
    server.arg("-D").arg(&data).arg("-k").arg(&data).args(["-c", "listen_addresses=", "-c", "logging_collector=off"]);
    settings.iter().for_each(|setting| _ = server.args(["-c", setting]));
    let log = fs::File::create(folder.join("log")).expect("a log file");
    let mut server = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("postgres starts");
    let ready = programs().join("pg_isready");
    loop {
        let asked = Command::new(&ready).arg("-q").arg("-h").arg(&data).status().expect("pg_isready starts");
        if asked.success() {
            return server;
        }
        if let Some(status) = server.try_wait().expect("a child") {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            panic!("PostgreSQL ended with {status}: {log}");
        }
        thread::yield_now();
    }
}

/// A PostgreSQL server of a test's own, which waits for its disk as in real life. It can be killed.
#[derive(Debug)]
pub struct DurablePostgres {
    process: Child,
    folder: TempDir,
}

impl DurablePostgres {
    /// Starts one. It ends with the thread, too.
    ///
    /// # Panics
    ///
    /// When there is no PostgreSQL, or it does not start.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("saal-durable-postgres-").tempdir().expect("a temporary folder");
        initialize(folder.path(), &[]);
        Self { process: serve(folder.path(), &["fsync=on", "synchronous_commit=on"]), folder }
    }

    /// Where its database is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://saal@localhost/postgres?host={}", self.folder.path().join("data").display())
    }

    /// Kills all of its processes at once, as when the machine dies, and starts it anew.
    ///
    /// # Panics
    ///
    /// When it does not start again.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.start_again();
    }

    /// Starts it anew after it was killed.
    ///
    /// # Panics
    ///
    /// When it does not start again.
    pub fn start_again(&mut self) {
        self.process = serve(self.folder.path(), &["fsync=on", "synchronous_commit=on"]);
    }

    /// Kills all of its processes at once.
    pub fn kill(&mut self) {
        let pid = self.process.id();
        // The first of them is stopped before, so that it neither notices nor starts another.
        drop(Command::new("kill").arg("-STOP").arg(pid.to_string()).status());
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let pids: Vec<_> = children.split_whitespace().map(str::to_owned).chain([pid.to_string()]).collect();
        drop(Command::new("kill").arg("-KILL").args(&pids).stderr(Stdio::null()).status());
        drop(self.process.wait());
        // Those that it had started belong to init now, and are gone when they hold its memory no more.
        let is_left = |pid: &String| {
            let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            state.contains("postgres") && !state.contains(") Z ")
        };
        while pids.iter().any(is_left) {
            thread::yield_now();
        }
    }
}

impl Drop for DurablePostgres {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The server is gone only after its program, so the next program removes what it left.
fn remove_left_folders() {
    let places = [std::env::temp_dir(), PathBuf::from(MEMORY)];
    let entries = places.iter().filter_map(|place| fs::read_dir(place).ok()).flatten().filter_map(Result::ok);
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(FOLDER_PREFIX)) {
        let lock = fs::File::open(entry.path().join(LOCK));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// The folder of Debian's newest server.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut folders: Vec<_> = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
    folders.retain(|folder| folder.join("initdb").exists());
    folders.sort();
    folders.pop().expect("PostgreSQL is not installed: apt-get install postgresql")
}

/// Who runs the server when we are root, whom it refuses: the account that Debian makes for it. The folder `data` gets to
/// be theirs.
fn unprivileged(data: Option<&Path>) -> Option<&'static str> {
    let id = Command::new("id").arg("-u").output().expect("id starts");
    if id.stdout.trim_ascii() != b"0" {
        return None;
    }
    if let Some(data) = data {
        let status = Command::new("chown").arg("postgres").arg(data).status().expect("chown starts");
        assert!(status.success(), "there is no account postgres");
    }
    Some("postgres")
}

/// A program as that user, which ends with the thread that starts it.
fn as_user(user: Option<&str>, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if let Some(user) = user {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    command.args(["--pdeathsig", "INT"]).arg(program);
    command
}
