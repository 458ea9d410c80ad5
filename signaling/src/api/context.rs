// SPDX-License-Identifier: EUPL-1.2
//! What a request's subject works with: who asks, and the way to the database. Writing goes through [`Context::write`] and
//! [`Context::commit`], so that nothing is done twice for a repeated request and nothing without its audit event.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use store::Tx;

use super::answer::Answer;
use super::idempotency;
use super::ids::TenantId;
use super::language::Language;
use super::path::Query;
use super::problem::{Code, Problem};
use crate::app::App;
use crate::identity::caller::{Actor, Caller};
use crate::identity::scopes::Scope;
use crate::records::audit::{self, Cause, Event};

/// What the front door found out.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) request_id: String,
    pub(super) language: Language,
    pub(super) address: Option<IpAddr>,
    pub(super) caller: Option<Caller>,
    pub(super) idempotency: Option<idempotency::Key>,
}

/// A request of anybody.
pub(crate) struct Anyone {
    pub(crate) app: Arc<App>,
    /// In which words to answer.
    pub(crate) language: Language,
    /// Where it comes from.
    pub(crate) address: Option<IpAddr>,
    /// What the log and the answer call it.
    pub(crate) request_id: String,
    /// Who asks, when they are known.
    pub(crate) caller: Option<Caller>,
}

/// A request of somebody who is known.
pub(crate) struct Context {
    pub(crate) app: Arc<App>,
    /// Who asks.
    pub(crate) caller: Caller,
    /// In which words to answer.
    pub(crate) language: Language,
    pub(crate) headers: HeaderMap,
    pub(crate) uri: Uri,
    facts: Arc<Facts>,
    /// The tenant that the query names.
    named_tenant: Option<TenantId>,
}

#[derive(Deserialize)]
struct TenantQuery {
    tenant_id: Option<TenantId>,
}

impl FromRequestParts<Arc<App>> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let facts = parts.extensions.get::<Arc<Facts>>().ok_or(Code::Internal)?;
        Ok(Self {
            app: app.clone(),
            language: facts.language,
            address: facts.address,
            request_id: facts.request_id.clone(),
            caller: facts.caller.clone(),
        })
    }
}

impl FromRequestParts<Arc<App>> for Context {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let facts = parts.extensions.get::<Arc<Facts>>().ok_or(Code::Internal)?.clone();
        let caller = facts.caller.clone().ok_or(Code::Unauthenticated)?;
        let Query(TenantQuery { tenant_id }) = Query::from_request_parts(parts, app).await?;
        Ok(Self {
            app: app.clone(),
            caller,
            language: facts.language,
            headers: parts.headers.clone(),
            uri: parts.uri.clone(),
            facts,
            named_tenant: tenant_id,
        })
    }
}

impl Context {
    /// What the log and the answer call the request.
    pub(crate) fn request_id(&self) -> &str {
        &self.facts.request_id
    }

    /// Where it comes from.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.facts.address
    }

    /// Fails unless the caller has `scope`.
    pub(crate) fn require(&self, scope: Scope) -> Result<(), Problem> {
        self.caller.require(scope)
    }

    /// The tenant that the request is about: the caller's own. Who belongs to the installation names one in the query. A
    /// foreign one is none.
    pub(crate) fn tenant(&self) -> Result<TenantId, Problem> {
        self.check_belongs_somewhere()?;
        match (self.caller.tenant, self.named_tenant) {
            (Some(own), Some(named)) if own != named => Err(Code::NotFound.into()),
            (Some(own), _) => Ok(own),
            (None, Some(named)) => Ok(named),
            (None, None) => Err(Problem::field("query/tenant_id", "required")),
        }
    }

    /// The tenants that a list is about: one, or for the installation all of them unless the query names one.
    pub(crate) fn tenant_filter(&self) -> Result<Option<TenantId>, Problem> {
        self.check_belongs_somewhere()?;
        if self.caller.tenant.is_none() && self.named_tenant.is_none() { Ok(None) } else { self.tenant().map(Some) }
    }

    /// Fails for somebody who is only in a room: they have no tenant, and that must not be taken for the installation.
    fn check_belongs_somewhere(&self) -> Result<(), Problem> {
        match self.caller.actor {
            Actor::Participant { .. } => Err(Code::Forbidden.into()),
            _ => Ok(()),
        }
    }

    /// Begins to read.
    pub(crate) async fn read(&self) -> Result<Tx, Problem> {
        Ok(self.app.store.read().await?)
    }

    /// Begins to write. When the same request was answered before, it ends here with that answer.
    pub(crate) async fn write(&self) -> Result<Tx, Problem> {
        let mut tx = self.app.store.write().await?;
        if let Some(key) = &self.facts.idempotency {
            idempotency::replay(&mut tx, key).await?;
        }
        Ok(tx)
    }

    /// Keeps what was done together with the event that says so, and answers.
    pub(crate) async fn commit(
        &self,
        tx: Tx,
        tenant: Option<TenantId>,
        event: &Event,
        answer: Answer,
    ) -> Result<Response, Problem> {
        self.commit_all(tx, tenant, std::slice::from_ref(event), answer).await
    }

    /// The same with several events.
    pub(crate) async fn commit_all(
        &self,
        mut tx: Tx,
        tenant: Option<TenantId>,
        events: &[Event],
        answer: Answer,
    ) -> Result<Response, Problem> {
        if let Some(key) = &self.facts.idempotency {
            idempotency::keep(&mut tx, key, tenant, &answer).await?;
        }
        let cause = Cause::of(&self.caller, tenant, self.request_id());
        for event in events {
            match self.caller.on_behalf_of {
                Some(person) => {
                    let event = event.clone().with("on_behalf_of", person.to_string().into());
                    audit::append(&mut tx, cause, &event).await?;
                }
                None => audit::append(&mut tx, cause, event).await?,
            }
        }
        tx.commit().await?;
        Ok(answer.into_response())
    }
}
