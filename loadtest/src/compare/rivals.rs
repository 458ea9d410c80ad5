// SPDX-License-Identifier: EUPL-1.2
//! Brings the rivals into a state in which they can be started: Janus's configuration, and the SFU on pion, which is
//! built from Debian's packages without anything from the network.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::namespaces::Namespaces;

const JANUS_FILES: [(&str, &str); 3] = [
    ("janus.jcfg", include_str!("../../rivals/janus/janus.jcfg")),
    ("janus.transport.http.jcfg", include_str!("../../rivals/janus/janus.transport.http.jcfg")),
    ("janus.plugin.videoroom.jcfg", include_str!("../../rivals/janus/janus.plugin.videoroom.jcfg")),
];
const PION_SOURCE: &str = include_str!("../../rivals/pion/main.go");

/// Where Debian's Go libraries are.
const DEBIAN_GOPATH: &str = "/usr/share/gocode";
/// Debian's Go, which another one on the path must not stand in for.
pub(super) const DEBIAN_GO: &str = "/usr/lib/go/bin/go";

/// Janus's HTTP API.
pub(super) const JANUS_PORT: u16 = 8_088;

/// Writes Janus's configuration into a folder below `out`, and gives that.
pub(super) fn configure_janus(out: &Path) -> Result<PathBuf> {
    let folder = out.join("janus");
    fs::create_dir_all(&folder)?;
    for (name, template) in JANUS_FILES {
        let text = template
            .replace("@folder@", &folder.to_string_lossy())
            .replace("@address@", &Namespaces::SERVER.to_string())
            .replace("@port@", &JANUS_PORT.to_string());
        fs::write(folder.join(name), text)?;
    }
    Ok(folder)
}

/// Builds the SFU on pion below `out`, and gives the program.
pub(super) async fn build_pion(out: &Path) -> Result<PathBuf> {
    let root = out.join("pion");
    let (source, program) = (root.join("src/pionsfu"), root.join("pionsfu"));
    fs::create_dir_all(&source)?;
    fs::write(source.join("main.go"), PION_SOURCE)?;
    // Without modules Go finds an import path that ends in /v3 only from within a folder that has a go.mod.
    fs::write(source.join("go.mod"), "module pionsfu\n")?;
    let output = Command::new(DEBIAN_GO)
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(&source)
        .env("GO111MODULE", "off")
        .env("GOPATH", format!("{}:{DEBIAN_GOPATH}", root.display()))
        .env("GOCACHE", root.join("cache"))
        .env_remove("GOROOT")
        .env_remove("GOFLAGS")
        .output()
        .await
        .context("Go is missing: install Debian's golang-go and golang-github-pion-webrtc.v3-dev")?;
    if !output.status.success() {
        bail!("the SFU on pion cannot be built: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_open_in_the_configuration() {
        let out = std::env::temp_dir().join(format!("loadtest-janus-{}", std::process::id()));
        let folder = configure_janus(&out).unwrap();
        for (name, _) in JANUS_FILES {
            let text = fs::read_to_string(folder.join(name)).unwrap();
            assert!(!text.contains('@'), "{text}");
        }
        fs::remove_dir_all(out).unwrap();
    }
}
