// SPDX-License-Identifier: EUPL-1.2
//! Throw-away databases, of both kinds. PostgreSQL is a real server from Debian's packages, started once per test
//! program on a Unix socket in a temporary folder, and ended with the program.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, mpsc};
use std::thread;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tempfile::TempDir;

use crate::{Location, Store};

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
        let folder = tempfile::tempdir().expect("a temporary folder");
        let location = Location::Sqlite(folder.path().join("saal.db"));
        let store = Store::open(&location).await.expect("an empty SQLite database");
        Self { store, location, _folder: Some(folder) }
    }

    /// An empty database on the test program's PostgreSQL.
    ///
    /// # Panics
    ///
    /// When there is no PostgreSQL (`cargo xtask test` installs it), or it does not start.
    pub async fn postgres() -> Self {
        let location = empty_postgres().await;
        let store = Store::open(&location).await.expect("an empty PostgreSQL database");
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
            Location::Postgres(_) => empty_postgres().await,
        }
    }

    /// One of each.
    pub async fn both() -> [Self; 2] {
        [Self::sqlite().await, Self::postgres().await]
    }
}

/// A database without tables on the test program's PostgreSQL.
async fn empty_postgres() -> Location {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let options = server();
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut connection = options.connect().await.expect("a connection to PostgreSQL");
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
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
    let folder = tempfile::Builder::new().prefix(FOLDER_PREFIX).tempdir().expect("a temporary folder").keep();
    // Held as long as the program lives.
    let lock = fs::File::create(folder.join(LOCK)).expect("a file");
    lock.lock().expect("a lock");
    std::mem::forget(lock);
    let data = initialize(&folder, &["--no-sync"]);
    // It ends with the thread.
    drop(serve(&folder, &["fsync=off", "max_connections=400"]));
    data
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
        self.process = serve(self.folder.path(), &["fsync=on", "synchronous_commit=on"]);
    }

    fn kill(&mut self) {
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
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().filter_map(Result::ok);
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
