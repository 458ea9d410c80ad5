// SPDX-License-Identifier: EUPL-1.2
//! Which meetings somebody sees, and which they may change: administrators and software that acts for nobody all of the
//! tenant's, others those that they organise or co-host, and those that they are invited to.

use store::{Statement, StoreError, Tx};

use super::model::{InviteeRole, Meeting};
use super::{invited, people, table};
use crate::api::context::Context;
use crate::api::ids::{MeetingId, TenantId, UserId};
use crate::api::problem::{Code, Problem};

/// Whose eyes look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Viewer {
    /// Sees all meetings of that tenant; of all tenants without one.
    All(Option<TenantId>),
    /// Sees their own.
    Person { tenant: TenantId, id: UserId },
}

impl Viewer {
    /// Who asks.
    pub(crate) async fn of(context: &Context, tx: &mut Tx) -> Result<Self, Problem> {
        if context.caller.sees_whole_tenant() {
            return Ok(Self::All(context.tenant_filter()?));
        }
        Self::person(context, tx).await
    }

    /// Who asks, as a person like any other.
    pub(super) async fn person(context: &Context, tx: &mut Tx) -> Result<Self, Problem> {
        let (tenant, id) = (context.tenant()?, context.caller.person().ok_or(Code::Forbidden)?);
        people::by_id(tx, tenant, id).await?.ok_or(Code::Forbidden)?;
        Ok(Self::Person { tenant, id })
    }

    /// Who asks for a list, which is one tenant's: no index leads through those of all.
    pub(super) async fn of_list(context: &Context, tx: &mut Tx) -> Result<Self, Problem> {
        match Self::of(context, tx).await? {
            Self::All(_) => Ok(Self::All(Some(context.tenant()?))),
            person => Ok(person),
        }
    }

    /// The tenant whose meetings they are, when it is one.
    pub(super) fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::All(tenant) => *tenant,
            Self::Person { tenant, .. } => Some(*tenant),
        }
    }

    /// A meeting that they see.
    pub(crate) async fn see(&self, tx: &mut Tx, id: MeetingId) -> Result<Meeting, Problem> {
        let meeting = table::find(tx, self.tenant(), id).await?.ok_or(Code::NotFound)?;
        if self.organizes(&meeting) || self.invited_as(tx, &meeting).await?.is_some() {
            Ok(meeting)
        } else {
            Err(Code::NotFound.into())
        }
    }

    /// A meeting that they may change. One that they only see is not theirs.
    pub(crate) async fn change(&self, tx: &mut Tx, id: MeetingId) -> Result<Meeting, Problem> {
        let meeting = table::find(tx, self.tenant(), id).await?.ok_or(Code::NotFound)?;
        if self.organizes(&meeting) {
            return Ok(meeting);
        }
        match self.invited_as(tx, &meeting).await? {
            Some(InviteeRole::CoHost) => Ok(meeting),
            Some(_) => Err(Code::Forbidden.into()),
            None => Err(Code::NotFound.into()),
        }
    }

    fn organizes(&self, meeting: &Meeting) -> bool {
        match self {
            Self::All(_) => true,
            Self::Person { id, .. } => meeting.organizer_id == Some(*id),
        }
    }

    async fn invited_as(&self, tx: &mut Tx, meeting: &Meeting) -> Result<Option<InviteeRole>, StoreError> {
        match self {
            Self::All(_) => Ok(None),
            Self::Person { id, .. } => invited::role(tx, meeting.id, *id).await,
        }
    }

    /// Narrows a statement over meetings down to those they see. `id` is what the meeting's id is called there.
    pub(super) fn narrow(&self, select: &mut Statement, column: MeetingColumn) {
        match self {
            Self::All(None) => {}
            Self::All(Some(tenant)) => {
                select.push_bound(column.tenant(), *tenant);
            }
            Self::Person { tenant, id } => {
                select.push_bound(column.tenant(), *tenant).push(column.id()).push(" IN ");
                invited::push_theirs(select, *tenant, *id);
            }
        }
    }
}

/// Where a statement has the meeting's id and tenant.
#[derive(Clone, Copy, Debug)]
pub(super) enum MeetingColumn {
    /// In `meetings`.
    Meetings,
    /// In `occurrences`.
    Occurrences,
}

impl MeetingColumn {
    const fn tenant(self) -> &'static str {
        match self {
            Self::Meetings => " AND meetings.tenant_id = ",
            Self::Occurrences => " AND occurrences.tenant_id = ",
        }
    }

    const fn id(self) -> &'static str {
        match self {
            Self::Meetings => " AND meetings.id",
            Self::Occurrences => " AND occurrences.meeting_id",
        }
    }
}
