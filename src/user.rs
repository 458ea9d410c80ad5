// SPDX-License-Identifier: EUPL-1.2

//! `saal user`: accounts of people, with a running server or without one. A password never stands on the command line,
//! where others on the machine could read it.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::{Context as _, Result, ensure};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use signaling::commands::{NewUser, UserChange, change_user, create_user, list_users};
use store::Store;

use crate::cli::SettingsFlags;
use crate::config::Purpose;
use crate::database::{self, Tables};
use crate::output;

/// What can be done with accounts.
#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Make an account; its password is asked for, or read from standard input
    Create(CreateFlags),
    /// List accounts: id, address, role, state
    List(ListFlags),
    /// Give an account a password, which is asked for or read from standard input
    SetPassword(UserFlags),
    /// Give an account a role
    SetRole(RoleFlags),
    /// Keep an account's owner from signing in
    Disable(UserFlags),
    /// Let an account's owner sign in again
    Enable(UserFlags),
    /// Remove an account
    Delete(UserFlags),
}

/// What `saal user create` takes.
#[derive(Args)]
pub(crate) struct CreateFlags {
    /// Address of the account
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    email: String,
    /// Name that others see; the address without it
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// system_admin, tenant_admin, organizer or participant
    #[arg(long, default_value = "participant")]
    role: String,
    /// Make it without a password: its owner signs in with the identity provider
    #[arg(long)]
    no_password: bool,
    #[command(flatten)]
    place: Place,
}

/// What `saal user list` takes.
#[derive(Args)]
pub(crate) struct ListFlags {
    #[command(flatten)]
    place: Place,
}

/// Which account a command is about.
#[derive(Args)]
pub(crate) struct UserFlags {
    /// Address or id of the account
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    user: String,
    #[command(flatten)]
    place: Place,
}

/// What `saal user set-role` takes.
#[derive(Args)]
pub(crate) struct RoleFlags {
    /// Address or id of the account
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    user: String,
    /// system_admin, tenant_admin, organizer or participant
    role: String,
    #[command(flatten)]
    place: Place,
}

/// Where the account is.
#[derive(Args)]
struct Place {
    /// Its tenant, by slug or id
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    settings: SettingsFlags,
}

/// Does what the command says.
pub(crate) fn run(command: &UserCommand) -> Result<()> {
    match command {
        UserCommand::Create(flags) => create(flags),
        UserCommand::List(flags) => list(&flags.place),
        UserCommand::SetPassword(flags) => {
            let password = password()?;
            change(&flags.user, &flags.place, UserChange::Password(&password))
        }
        UserCommand::SetRole(flags) => change(&flags.user, &flags.place, UserChange::Role(&flags.role)),
        UserCommand::Disable(flags) => change(&flags.user, &flags.place, UserChange::Disable),
        UserCommand::Enable(flags) => change(&flags.user, &flags.place, UserChange::Enable),
        UserCommand::Delete(flags) => change(&flags.user, &flags.place, UserChange::Delete),
    }
}

fn create(flags: &CreateFlags) -> Result<()> {
    let password = if flags.no_password { None } else { Some(password()?) };
    let id = with_store(&flags.place, async |store| {
        let wanted = NewUser {
            email: &flags.email,
            name: flags.name.as_deref(),
            role: &flags.role,
            tenant: flags.place.tenant.as_deref(),
            password: password.as_deref(),
        };
        Ok(create_user(store, &wanted).await?)
    })?;
    output::print(id)
}

fn list(place: &Place) -> Result<()> {
    let mut lines = Vec::new();
    with_store(place, async |store| {
        list_users(store, place.tenant.as_deref(), |user| {
            let state = match (user.is_disabled, user.has_password) {
                (true, _) => "disabled",
                (false, true) => "password",
                (false, false) => "no password",
            };
            lines.push(format!("{}\t{}\t{}\t{state}", user.id, user.email, user.role));
        })
        .await?;
        Ok(())
    })?;
    lines.into_iter().try_for_each(output::print)
}

fn change(user: &str, place: &Place, change: UserChange<'_>) -> Result<()> {
    with_store(place, async |store| Ok(change_user(store, user, place.tenant.as_deref(), change).await?))
}

fn with_store<T>(place: &Place, work: impl AsyncFnOnce(&Store) -> Result<T>) -> Result<T> {
    let settings = place.settings.settings(Purpose::Read)?;
    database::with(&settings, Tables::UpToDate, work)
}

/// Asks for a password twice without showing it, or reads the first line that a program sends.
fn password() -> Result<String> {
    if std::io::stdin().is_terminal() {
        let password = rpassword::prompt_password("Password: ").context("asking for the password")?;
        let again = rpassword::prompt_password("Once more: ").context("asking for the password")?;
        ensure!(password == again, "the two passwords differ");
        return Ok(password);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("reading the password from standard input")?;
    let password = line.trim_end_matches(['\n', '\r']);
    ensure!(!password.is_empty(), "there is no password on standard input");
    Ok(password.to_owned())
}
