// SPDX-License-Identifier: EUPL-1.2
//! Which account somebody has of whom the provider tells, and what it says about them: tenant, role, name, address and
//! telephone number.

use chrono::{DateTime, Utc};
use store::Tx;

use super::claims::Claims;
use super::page::Refusal;
use super::settings::Settings;
use crate::api::ids::{TenantId, UserId};
use crate::api::problem::Code;
use crate::identity::roles::Role;
use crate::identity::users::model::{User, UserInput, tidy_email};
use crate::identity::users::{check_system_admin_remains, lock_system_admins, table};
use crate::identity::{sessions, tenants};
use crate::phone::caller_number::E164;
use crate::records::audit::Event;

/// The account, brought up to date or made, and what was done to it.
pub(super) async fn resolve(
    tx: &mut Tx,
    settings: &Settings,
    claims: &Claims,
    now: DateTime<Utc>,
) -> Result<(User, Vec<Event>), Refusal> {
    let subject = claims.text("sub").ok_or(Refusal::BadToken)?;
    let tenant = tenant(tx, settings, claims).await?;
    let role = role(settings, claims)?;
    let email = email(settings, claims);
    let known = table::by_subject(tx, &settings.issuer, subject).await?;
    let mut events = Vec::new();
    let user = match (known, email) {
        (Some(user), _) => user,
        (None, None) => return Err(Refusal::NoAddress),
        (None, Some(email)) => {
            let same_address = table::by_email(tx, Some(tenant), &email).await?.pop();
            let user = match same_address {
                // Somebody else had the address before; who it belongs to now is for people to say.
                Some(user) if user.is_known_to_provider => return Err(Refusal::NoAccount),
                Some(user) => user,
                None if settings.create_users => {
                    let user = new_user(tenant, settings, claims, email, role, now);
                    table::insert(tx, &user, None).await?;
                    events.push(Event::new("user.create", user.id).with("role", user.input.role.as_str().into()));
                    user
                }
                None => return Err(Refusal::NoAccount),
            };
            if user.input.role == Role::SystemAdmin {
                lock_system_admins(tx).await?;
            }
            table::set_subject(tx, user.id, &settings.issuer, subject).await?;
            // Whoever made the account may have given it a password, which must not open what the provider protects.
            take_over(tx, user.id, now, &mut events).await?;
            table::find(tx, None, user.id).await?.ok_or(Refusal::NoAccount)?
        }
    };
    if user.tenant_id != tenant {
        return Err(Refusal::OtherTenant);
    }
    if user.input.disabled {
        return Err(Refusal::Disabled);
    }
    let user = update(tx, user, settings, claims, role, now, &mut events).await?;
    Ok((user, events))
}

/// Where the provider sends them. Without a claim for it there is one tenant.
async fn tenant(tx: &mut Tx, settings: &Settings, claims: &Claims) -> Result<TenantId, Refusal> {
    if settings.tenant_claim.is_empty() {
        return tenants::named(tx, None).await?.ok_or(Refusal::NoTenant);
    }
    for value in claims.texts(&settings.tenant_claim) {
        if let Some(tenant) = tenants::by_oidc_claim(tx, value).await? {
            return Ok(tenant);
        }
    }
    Err(Refusal::NoTenant)
}

/// The highest role that the provider names; none when roles are not its business.
fn role(settings: &Settings, claims: &Claims) -> Result<Option<Role>, Refusal> {
    if settings.role_claim.is_empty() {
        return Ok(None);
    }
    let said = claims.texts(&settings.role_claim);
    let named = settings.role_mapping.iter().filter(|(name, _)| said.contains(&name.as_str())).map(|(_, role)| *role);
    let rank = |role: &Role| Role::ALL.iter().position(|known| known == role);
    match named.min_by_key(rank).or(settings.default_role) {
        Some(role) => Ok(Some(role)),
        None => Err(Refusal::NoRole),
    }
}

/// Their address, if the provider has seen that it is theirs.
fn email(settings: &Settings, claims: &Claims) -> Option<String> {
    let email = tidy_email(claims.text(&settings.email_claim)?);
    let is_theirs = settings.trust_email || claims.is_true("email_verified");
    let is_address = email.len() <= 254
        && email.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !host.contains('@') && !email.contains(char::is_whitespace)
        });
    (is_theirs && is_address).then_some(email)
}

/// Their telephone number (OpenID Connect Core §5.1), unless the provider says that it has not seen that it is theirs, which it
/// can of the standard's claim alone. What is none of the public network, such as an extension, says nothing.
fn phone(settings: &Settings, claims: &Claims) -> Option<String> {
    if settings.phone_claim == "phone_number" && claims.is_false("phone_number_verified") {
        return None;
    }
    E164::written(claims.text(&settings.phone_claim)?).map(|number| number.as_str().to_owned())
}

fn new_user(
    tenant_id: TenantId,
    settings: &Settings,
    claims: &Claims,
    email: String,
    role: Option<Role>,
    now: DateTime<Utc>,
) -> User {
    let name = claims.text(&settings.name_claim).unwrap_or(&email).chars().take(200).collect();
    let role = role.or(settings.default_role).unwrap_or(Role::Participant);
    User {
        id: UserId::new(),
        tenant_id,
        input: UserInput { email, name, role, language: None, phone_e164: phone(settings, claims), disabled: false },
        has_password: false,
        is_known_to_provider: false,
        last_sign_in_at: None,
        revision: 1,
        created_at: now,
        updated_at: now,
    }
}

/// Takes over what the provider says. An address that another account has, and the role of the last system administrator,
/// stay as they are: nobody is to be locked out by that.
async fn update(
    tx: &mut Tx,
    user: User,
    settings: &Settings,
    claims: &Claims,
    role: Option<Role>,
    now: DateTime<Utc>,
    events: &mut Vec<Event>,
) -> Result<User, Refusal> {
    let mut input = user.input.clone();
    if let Some(name) = claims.text(&settings.name_claim) {
        input.name = name.chars().take(200).collect();
    }
    if let Some(email) = email(settings, claims)
        && email != input.email
        && table::by_email(tx, Some(user.tenant_id), &email).await?.is_empty()
    {
        input.email = email;
    }
    // Where it says nothing, what an administrator has written stays.
    if let Some(number) = phone(settings, claims) {
        input.phone_e164 = Some(number);
    }
    if let Some(role) = role {
        let changed = UserInput { role, ..input.clone() };
        match check_system_admin_remains(tx, &user, Some(&changed)).await {
            Ok(()) => input = changed,
            Err(problem) if problem.code() == Code::Conflict => {}
            Err(problem) => return Err(problem.into()),
        }
    }
    if input == user.input {
        return Ok(user);
    }
    // Somebody else was quicker. What the provider says of the role must not be left undone.
    if !table::update(tx, &user, &input, now).await? {
        return Err(Refusal::Unavailable);
    }
    let (before, after) = (user.input.role.scopes(), input.role.scopes());
    let mut event =
        Event::new("user.update", user.id).changing(&user.input.changed(&input)).with("by", "provider".into());
    if input.role != user.input.role {
        event = event.with("role", input.role.as_str().into());
    }
    events.push(event);
    if before.intersection(&after) != after {
        take_over(tx, user.id, now, events).await?;
    }
    Ok(User { input, revision: user.revision + 1, updated_at: now, ..user })
}

/// From here on the account is opened by the provider alone: a password that somebody has given it is no more, and whoever is
/// signed in signs in anew.
async fn take_over(tx: &mut Tx, id: UserId, now: DateTime<Utc>, events: &mut Vec<Event>) -> Result<(), Refusal> {
    let had_password = table::forget_password(tx, id, now).await?;
    sessions::table::end_all(tx, id, None).await?;
    if had_password {
        events.push(Event::new("user.password", id).with("by", "provider".into()).with("removed", true.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Oidc;
    use serde_json::{Value, json};

    fn settings() -> Settings {
        let role_mapping = [("admins", "tenant_admin"), ("staff", "organizer")];
        let role_mapping = role_mapping.map(|(said, role)| (said.to_owned(), role.to_owned())).into();
        let config = Oidc { role_claim: "groups".into(), role_mapping, ..Oidc::default() };
        Settings::new(&config).expect("good settings")
    }

    fn claims(json: Value) -> Claims {
        match json {
            Value::Object(claims) => Claims(claims),
            _ => panic!("no object"),
        }
    }

    #[test]
    fn the_highest_role_counts() {
        let role = |groups: Value| role(&settings(), &claims(json!({ "groups": groups })));
        assert_eq!(role(json!(["staff", "admins", "other"])), Ok(Some(Role::TenantAdmin)));
        assert_eq!(role(json!("staff")), Ok(Some(Role::Organizer)));
        assert_eq!(role(json!([])), Ok(Some(Role::Participant)), "the default");
        let strict = Settings { default_role: None, ..settings() };
        assert_eq!(super::role(&strict, &claims(json!({}))), Err(Refusal::NoRole));
    }

    #[test]
    fn only_an_address_that_the_provider_vouches_for_counts() {
        let of = |settings: &Settings, json| email(settings, &claims(json));
        let ann = json!({ "email": " Ann@Example.ORG ", "email_verified": true });
        assert_eq!(of(&settings(), ann).as_deref(), Some("ann@example.org"));
        assert_eq!(of(&settings(), json!({ "email": "ann@example.org" })), None);
        assert_eq!(of(&settings(), json!({ "email": "ann@example.org", "email_verified": false })), None);
        let trusting = Settings { trust_email: true, ..settings() };
        assert!(of(&trusting, json!({ "email": "ann@example.org" })).is_some());
        for bad in ["ann", "@x", "ann@", "a b@x", "a@b@c"] {
            assert_eq!(of(&trusting, json!({ "email": bad })), None, "{bad}");
        }
    }

    #[test]
    fn a_number_counts_unless_the_provider_doubts_it() {
        let of = |settings: &Settings, json| phone(settings, &claims(json));
        let desk = "+49 (30) 123-456";
        let read = Some("+4930123456".to_owned());
        assert_eq!(of(&settings(), json!({ "phone_number": desk })), read);
        for (verified, expected) in
            [(json!(true), &read), (json!("true"), &read), (json!(false), &None), (json!("false"), &None)]
        {
            let said = json!({ "phone_number": desk, "phone_number_verified": &verified });
            assert_eq!(of(&settings(), said), *expected, "{verified}");
        }
        for none in
            [json!("+1 (604) 555-1234;ext=5678"), json!("4711"), json!("030 123456"), json!(493_012_345), json!("")]
        {
            assert_eq!(of(&settings(), json!({ "phone_number": &none })), None, "{none}");
        }
        let other = Settings { phone_claim: "telephone".into(), ..settings() };
        let said = json!({ "phone_number": "+49301", "phone_number_verified": false, "telephone": desk });
        assert_eq!(of(&other, said), read, "it doubts another number");
        let off = Settings { phone_claim: String::new(), ..settings() };
        assert_eq!(of(&off, json!({ "phone_number": desk })), None);
    }
}
