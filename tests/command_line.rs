// SPDX-License-Identifier: EUPL-1.2

//! The binary as people meet it: what it prints, what it refuses, how it starts and ends.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

const STRONG: &str = "0123456789abcdef0123456789abcdef";

/// `saal` in an empty folder, with no settings of its surroundings.
fn saal(arguments: &[&str]) -> Command {
    static FOLDERS: AtomicUsize = AtomicUsize::new(0);
    let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
    saal_in(&empty_folder(&format!("empty-{number}")), arguments)
}

/// A folder for what this run stores. An earlier one may have been of another version.
fn empty_folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).expect("creating a folder");
    folder
}

fn saal_in(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_saal"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SAAL_") {
            command.env_remove(name);
        }
    }
    command
}

fn output(arguments: &[&str]) -> Output {
    saal(arguments).output().expect("running saal")
}

fn settings_file(name: &str, text: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("writing a settings file");
    path.display().to_string()
}

/// What a successful command printed.
fn printed(arguments: &[&str]) -> String {
    let output = output(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// What a refusal said: on standard error, with exit status 1, without a backtrace.
fn refused(arguments: &[&str]) -> String {
    refusal(saal(arguments))
}

fn refusal(mut command: Command) -> String {
    let output = command.output().expect("running saal");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.starts_with("saal: ") && !said.contains("panicked"), "{said}");
    said
}

/// A token's claims, when `secret` signed it with HS256 and it is valid now.
fn verified(token: &str, secret: &str) -> Value {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_nbf = true;
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "sub"]);
    jsonwebtoken::decode::<Value>(token.trim(), &DecodingKey::from_secret(secret.as_bytes()), &validation)
        .expect("a valid token")
        .claims
}

#[test]
fn a_token_lets_its_holder_join_one_room() {
    let claims = verified(&printed(&["token", "--dev", "--room", "demo", "--identity", "alice"]), "secret");
    assert_eq!(claims["iss"], "devkey");
    assert_eq!(claims["sub"], "alice");
    let video = &claims["video"];
    assert_eq!((&video["room"], &video["roomJoin"]), (&Value::from("demo"), &Value::from(true)));
    // LiveKit's rule: what is not said may be done, except administration.
    for may in ["canPublish", "canSubscribe", "canPublishData"] {
        assert_ne!(video[may], false, "{claims}");
    }
    assert_ne!(video["roomAdmin"], true, "{claims}");
    assert!(claims.get("name").is_none());
}

#[test]
fn a_token_carries_name_moderation_and_life_time() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    let key = format!("portal:{STRONG}");
    let token = printed(&[
        "token",
        "--room",
        "r",
        "--identity",
        "i",
        "--name",
        "Ada Süß",
        "--admin",
        "--valid-for",
        "1h30m",
        "--api-key",
        &key,
    ]);
    let claims = verified(&token, STRONG);
    assert_eq!((&claims["iss"], &claims["name"]), (&Value::from("portal"), &Value::from("Ada Süß")));
    assert_eq!(claims["video"]["roomAdmin"], true);
    let times = ["iat", "nbf", "exp"].map(|claim| claims[claim].as_f64().expect("a time") as u64);
    assert!((now..now + 60).contains(&times[0]), "{claims}");
    assert_eq!((times[1], times[2]), (times[0], times[0] + 5_400));
}

#[test]
fn a_token_is_signed_with_the_key_of_the_settings_file() {
    let file = settings_file("token.toml", &format!("[api_keys]\na = '{STRONG}'\nb = 'b{STRONG}'\n"));
    let base = ["token", "--config", &file, "--room", "r", "--identity", "i"];
    assert!(refused(&base).contains("choose one with --key"));
    let token = printed(&[&base[..], &["--key", "b"]].concat());
    assert_eq!(verified(&token, &format!("b{STRONG}"))["iss"], "b");
}

#[test]
fn a_link_leads_to_the_room_with_the_token_where_no_server_logs_it() {
    let base = ["token", "--dev", "--room", "Haus 7", "--identity", "i"];
    let link = printed(&[&base[..], &["--link"]].concat());
    let (address, token) = link.split_once("#token=").expect("a token in the fragment");
    assert_eq!(address, "http://127.0.0.1:7880/m/Haus%207");
    assert_eq!(verified(token, "secret")["video"]["room"], "Haus 7");
    let link = printed(&[
        "token",
        "--api-key",
        &format!("k:{STRONG}"),
        "--http",
        "0.0.0.0:9",
        "--room",
        "r",
        "--identity",
        "i",
        "--link",
    ]);
    assert!(link.starts_with("http://127.0.0.1:9/m/r#"), "nobody can open {link}");
    let link = printed(&[&base[..], &["--link=https://saal.example.org/"]].concat());
    assert!(link.starts_with("https://saal.example.org/m/Haus%207#token="), "{link}");
}

#[test]
fn without_a_key_there_is_no_token() {
    let said = refused(&["token", "--room", "r", "--identity", "i"]);
    assert!(said.contains("no API key") && said.lines().count() == 1, "{said}");
}

#[test]
fn a_server_with_a_weak_secret_does_not_start() {
    let said = refused(&["serve", "--api-key", "portal:secret"]);
    assert!(said.contains("api_keys.portal (--api-key)"), "{said}");
    assert!(said.contains("openssl rand -base64 32") && said.lines().count() == 1, "{said}");
    assert!(!said.contains(":secret"), "{said}");
}

#[test]
fn a_server_without_any_secret_does_not_start() {
    let said = refused(&["serve"]);
    assert!(said.contains("openssl rand -base64 32") && said.lines().count() == 1, "{said}");
}

#[test]
fn development_does_not_open_to_the_network() {
    let said = refused(&["serve", "--dev", "--http", "0.0.0.0:0"]);
    assert!(said.contains("http.listen (--http)") && said.contains("loopback"), "{said}");
}

#[test]
fn settings_are_printed_without_their_secrets() {
    let file = settings_file("hidden.toml", &format!("[api_keys]\nportal = '{STRONG}'\n"));
    let shown = printed(&["config", "--config", &file, "--http", "127.0.0.1:9"]);
    assert!(!shown.contains(STRONG), "{shown}");
    assert!(shown.contains("portal = \"(hidden)\"") && shown.contains("listen = \"127.0.0.1:9\""), "{shown}");
}

#[test]
fn printed_settings_name_every_key_of_the_sample() {
    let sample = include_str!("../saal.sample.toml");
    let assignments = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.to_owned()).collect()
    };
    assert_eq!(assignments(&printed(&["config"])), assignments(sample));
}

#[test]
fn bad_settings_are_told_all_at_once_with_key_and_place() {
    let file = settings_file("bad.toml", "colour = 'red'\n[media]\nlisten = 'everywhere'\n");
    let output = saal(&["config", "--config", &file]).env("SAAL_MEDIA__SHARDS", "-1").output().expect("running saal");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.starts_with("saal: 3 settings do not work:"), "{said}");
    assert!(said.contains(&format!("colour ({file}): there is no such setting")), "{said}");
    assert!(said.contains(&format!("media.listen ({file}): \"everywhere\" is no address")), "{said}");
    assert!(said.contains("media.shards (SAAL_MEDIA__SHARDS in the environment)"), "{said}");
}

#[test]
fn a_reader_that_has_gone_is_no_panic() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = saal(&["config"]).stdout(writer).stderr(Stdio::piped()).spawn().expect("starting saal");
    let output = output.wait_with_output().expect("its end");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device that is always full");
    let output = saal(&["config"]).stdout(full).stderr(Stdio::piped()).spawn().expect("starting saal");
    let output = output.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("saal: writing to standard output"), "{output:?}");
}

#[test]
fn the_usual_file_is_read_without_being_asked_for() {
    let folder = empty_folder("usual");
    std::fs::write(folder.join("saal.toml"), "[rooms]\nmax_participants = 7\n").expect("writing saal.toml");
    let output = saal_in(&folder, &["config"]).output().expect("running saal");
    assert!(String::from_utf8_lossy(&output.stdout).contains("max_participants = 7"), "{output:?}");
}

#[test]
fn a_taken_port_is_one_sentence() {
    let http = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = http.local_addr().expect("an address").to_string();
    let said = refused(&["serve", "--dev", "--http", &address, "--media", "127.0.0.1:0"]);
    assert!(said.contains("already taken") && said.contains("http.listen"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");

    let media = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = media.local_addr().expect("an address").to_string();
    let said = refused(&["serve", "--dev", "--http", "127.0.0.1:0", "--media", &address]);
    assert!(said.contains("already taken") && said.contains("media.listen"), "{said}");
}

#[test]
fn an_api_token_is_printed_and_opens_the_api() {
    let folder = empty_folder("api-token");
    let (server, ready) = start(saal_in(&folder, &SERVE));
    let create = ["api-token", "create", "--name", "test", "--scopes", "tokens:admin"];
    let output = saal_in(&folder, &create).output().expect("running saal");
    assert!(output.status.success(), "{output:?}");
    let token = String::from_utf8(output.stdout).expect("text");
    let address = ready.trim().rsplit_once("http://").expect("an address").1;
    let mut stream = std::net::TcpStream::connect(address).expect("connected");
    let request = format!(
        "GET /api/v1/api_tokens HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        token.trim()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"prefix\":\"saal_"), "{answer}");
    drop(server);
    let said = refused(&["api-token", "create", "--name", "test", "--scopes", "everything"]);
    assert!(said.contains("\"everything\" is no scope; known: meetings:read, "), "{said}");
    let elsewhere = ["api-token", "create", "--name", "test", "--scopes", "audit:read", "--tenant", "nowhere"];
    let said = refusal(saal_in(&folder, &elsewhere));
    assert!(said.contains("there is no such tenant"), "{said}");
}

#[test]
fn health_without_a_server_is_a_failure() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").to_string();
    let said = refused(&["health", "--http", &free]);
    assert!(said.contains("no answer from"), "{said}");
}

#[test]
fn sigterm_and_ctrl_c_end_a_server_cleanly() {
    for signal in ["-TERM", "-INT"] {
        let (server, ready) = start(saal(&SERVE));
        assert!(ready.contains("http://127.0.0.1:"), "{ready}");
        let asked = Instant::now();
        let kill = Command::new("kill").args([signal, &server.0.id().to_string()]).status().expect("running kill");
        assert!(kill.success());
        let status = server.wait();
        assert!(status.success(), "{signal}: {status}");
        assert!(asked.elapsed() < Duration::from_secs(5), "{signal} took {:?}", asked.elapsed());
    }
}

#[test]
fn a_machine_without_certificates_of_authorities_is_no_reason_not_to_start() {
    let mut serve = saal(&SERVE);
    serve.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/dev/null");
    serve.env("SAAL_OIDC__ISSUER", "https://login.example.org");
    let (_server, ready) = start(serve);
    assert!(ready.contains("http://127.0.0.1:"), "{ready}");
}

/// A server on ports that nobody uses.
const SERVE: [&str; 6] = ["serve", "--dev", "--http", "127.0.0.1:0", "--media", "127.0.0.1:0"];

/// The server, and the line in which it says that it is ready.
fn start(mut serve: Command) -> (Server, String) {
    let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starting saal");
    let stdout = child.stdout.take().expect("its output");
    let server = Server(child);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    (server, line)
}

/// Ends with the test, however that ends.
struct Server(Child);

impl Server {
    fn wait(mut self) -> ExitStatus {
        self.0.wait().expect("its end")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command with something on its standard input: whether it succeeded, and all it said.
fn told(arguments: &[&str], input: &str) -> (bool, String) {
    let mut command = saal(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("running saal");
    child.stdin.take().expect("an input").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("an end");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).expect("text"))
}

#[test]
fn accounts_are_managed_from_the_command_line() {
    let folder = empty_folder("accounts").display().to_string();
    let user = |arguments: &[&str], input: &str| {
        let all = [&["user"], arguments, &["--data-dir", &folder]].concat();
        told(&all, input)
    };
    let refused = |arguments: &[&str], input: &str, why: &str| {
        let (is_done, said) = user(arguments, input);
        assert!(!is_done && said.starts_with("saal: ") && said.contains(why), "{arguments:?}: {said}");
    };
    let (is_done, id) = user(&["create", "--role", "system_admin", "Ann@Example.org"], "correct horse battery\n");
    assert!(is_done, "{id}");
    refused(&["create", "ann@example.org"], "correct horse battery\n", "already");
    refused(&["create", "bob@example.org"], "short\n", "at least 12");
    refused(&["create", "bob@example.org"], "bob@example.org\n", "easy to guess");
    refused(&["create", "bob@example.org"], "", "no password");
    refused(&["create", "bob"], "correct horse battery\n", "no e-mail address");
    refused(&["create", "--role", "king", "bob@example.org"], "correct horse battery\n", "known: system_admin");
    assert!(user(&["create", "--no-password", "bob@example.org"], "").0);
    let (_, list) = user(&["list"], "");
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines[0], [id.trim(), "ann@example.org", "system_admin", "password"]);
    assert_eq!(lines[1][1..], ["bob@example.org", "participant", "no password"]);
    refused(&["disable", id.trim()], "", "last system administrator");
    refused(&["set-role", "ann@example.org", "organizer"], "", "last system administrator");
    refused(&["delete", "nobody@example.org"], "", "no such account");
    assert!(user(&["set-role", "bob@example.org", "system_admin"], "").0);
    assert!(user(&["set-password", "bob@example.org"], "another good one\r\n").0);
    assert!(user(&["disable", "ann@example.org"], "").0);
    assert!(user(&["list"], "").1.contains("\tdisabled"));
    assert!(user(&["enable", "ann@example.org"], "").0);
    assert!(user(&["delete", "ann@example.org"], "").0);
    assert_eq!(user(&["list"], "").1.lines().count(), 1);
}
