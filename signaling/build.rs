// SPDX-License-Identifier: EUPL-1.2

//! Provides the browser client for `src/web_client.rs` to embed, so that `cargo build` is all there is to do.
//!
//! In this order: a folder somebody built before (`SAAL_WEB_CLIENT_DIST`, for packagers and machines without network),
//! a fresh build with Node.js, and, in debug builds only, a page that says what is missing. Writes to `OUT_DIR` and to
//! `web-client/node_modules`, nowhere else.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What a build of the client depends on, below `web-client/`. Not the tests, so that a change to them costs nothing.
const SOURCES: [&str; 8] =
    [".npmrc", "index.html", "package-lock.json", "package.json", "public", "scripts", "src", "vite.config.ts"];

/// Read by the `RustEmbed` derive in `src/web_client.rs`.
const EMBED_VARIABLE: &str = "SAAL_WEB_CLIENT_EMBED";

const DIST_VARIABLE: &str = "SAAL_WEB_CLIENT_DIST";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={DIST_VARIABLE}");
    let folder = match env::var_os(DIST_VARIABLE) {
        Some(dist) => prebuilt(Path::new(&dist)),
        None => built_or_placeholder(),
    };
    println!("cargo:rustc-env={EMBED_VARIABLE}={}", folder.display());
}

/// The folder somebody names. A relative one is relative to the workspace, where people call cargo.
fn prebuilt(dist: &Path) -> PathBuf {
    let folder = workspace().join(dist);
    assert!(
        folder.join("index.html").is_file(),
        "{DIST_VARIABLE} has to name a folder with a built web client, but {} holds no index.html.",
        folder.display()
    );
    println!("cargo:rerun-if-changed={}", folder.display());
    folder
}

fn built_or_placeholder() -> PathBuf {
    let client = workspace().join("web-client");
    let folder = out_dir().join("web-client");
    let Err(reason) = prepare_tools(&client) else {
        for source in SOURCES {
            println!("cargo:rerun-if-changed={}", client.join(source).display());
        }
        build(&client, &folder);
        return folder;
    };
    let fix = format!(
        "The web client could not be built ({reason}): install Node.js 20.19 or newer with npm, or set {DIST_VARIABLE} \
         to the folder that `npm ci && npm run build` in web-client/ makes on another machine."
    );
    assert!(env::var("PROFILE").as_deref() != Ok("release"), "{fix}");
    println!("cargo:warning={fix}");
    // A file that never exists makes cargo look again next time, when Node.js may be there.
    println!("cargo:rerun-if-changed={}", out_dir().join("no-such-file").display());
    placeholder(&folder, &fix);
    folder
}

/// Makes sure that Node.js is new enough and that `node_modules` is what the lockfile says. The error is half a sentence.
fn prepare_tools(client: &Path) -> Result<(), String> {
    let version = run(Command::new("node").arg("--version")).map_err(|_| "Node.js was not found".to_owned())?;
    if !is_new_enough(version.trim()) {
        return Err(format!("Node.js {} is too old", version.trim()));
    }
    let lockfile = fs::read(client.join("package-lock.json")).map_err(|error| format!("no lockfile: {error}"))?;
    // npm has no quick way to tell whether what is installed is what the lockfile asks for.
    let installed = client.join("node_modules/.saal-lockfile");
    if fs::read(&installed).is_ok_and(|known| known == lockfile) {
        return Ok(());
    }
    run(Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(client))
        .map_err(|output| format!("npm ci failed: {}", first_errors(&output)))?;
    fs::write(&installed, lockfile).map_err(|error| format!("{} cannot be written: {error}", installed.display()))
}

/// Vite 8 runs on Node.js 20.19 and later 20s, and from 22.12 on.
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    match major {
        0..=19 | 21 => false,
        20 => minor >= 19,
        22 => minor >= 12,
        _ => true,
    }
}

fn build(client: &Path, folder: &Path) {
    let vite = ["node_modules/vite/bin/vite.js", "build", "--emptyOutDir", "--logLevel", "warn", "--outDir"];
    for arguments in [&vite[..], &["scripts/compress.mjs"]] {
        let mut command = Command::new("node");
        command.args(arguments).arg(folder).current_dir(client);
        // With Node.js and the packages in place, what fails is the client's own code.
        if let Err(output) = run(&mut command) {
            panic!("building the web client failed:\n{output}");
        }
    }
}

/// A page that says what to do, in place of the client.
fn placeholder(folder: &Path, fix: &str) {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Saal</title><h1>No web client</h1><p>{}</p></html>",
        fix.replace('&', "&amp;").replace('<', "&lt;")
    );
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(folder.join("index.html"), page));
    assert!(written.is_ok(), "{} cannot be written: {written:?}", folder.display());
}

/// Runs a command. Gives its output; on failure that, or why it could not be started, is the error.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() { Ok(text) } else { Err(text) }
}

/// What npm says of the cause, on one line: cargo shows no more of a warning.
fn first_errors(output: &str) -> String {
    let lines = output.lines().filter_map(|line| line.strip_prefix("npm error ")).map(str::trim);
    lines.filter(|line| !line.is_empty()).take(3).collect::<Vec<_>>().join(" / ")
}

fn workspace() -> PathBuf {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    package.parent().expect("this crate lies in the workspace").to_path_buf()
}

fn out_dir() -> PathBuf {
    PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"))
}
