// SPDX-License-Identifier: EUPL-1.2
//! In which directions sound flows (RFC 3264 §5.1 and §6.1).

use super::description::{Media, SessionDescription};

/// In which directions sound flows, seen by the one who writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// Only away.
    SendOnly,
    /// Only here.
    RecvOnly,
    /// Not at all.
    Inactive,
}

impl Direction {
    /// As an attribute's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// Whether its writer sends.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether its writer receives.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    const fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// The same seen from the other side.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self::of(self.receives(), self.sends())
    }

    /// What both allow, written by the same side.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self::of(self.sends() && other.sends(), self.receives() && other.receives())
    }

    /// What a section says, or the session for all of them. Nothing said means both ways (RFC 8866 §6.7).
    pub(super) fn of_section(description: &SessionDescription, media: &Media) -> Self {
        const ALL: [Direction; 4] =
            [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];
        let of_media = ALL.into_iter().find(|direction| media.has(direction.as_str()));
        let of_session = || ALL.into_iter().find(|direction| description.attribute(direction.as_str()).is_some());
        of_media.or_else(of_session).unwrap_or_default()
    }
}
