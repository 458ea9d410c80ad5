// SPDX-License-Identifier: EUPL-1.2
//! How far a transport got on its way from the server's answer to media that plays.

use std::time::Instant;

/// How a client joins the work of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// When checks began: the answer had come.
    pub(crate) started: Option<Instant>,
    /// The server answered a check.
    pub(crate) is_answered: bool,
    /// When DTLS was up.
    pub(crate) connected: Option<Instant>,
    /// When each kind of stream first brought something that could be played, in order.
    pub(crate) first_audio: Option<Instant>,
    pub(crate) first_video: Option<Instant>,
    /// How many streams the server has announced.
    pub(crate) announced: usize,
    /// Of how many of them anything has come.
    pub(crate) arriving: usize,
    /// How many streams play.
    pub(crate) streams: usize,
    /// A packet came that could not be decrypted.
    pub(crate) has_undecryptable: bool,
    /// A packet came that belongs to no stream that was announced.
    pub(crate) has_stray: bool,
    /// Why it cannot go on.
    pub(crate) failed: Option<String>,
}

impl Progress {
    /// The next thing that is missing to somebody who should receive `wanted` streams, in words.
    pub(crate) fn lack(&self, wanted: usize) -> String {
        if let Some(reason) = &self.failed {
            return reason.clone();
        }
        let Self { announced, arriving, streams, .. } = self;
        let words = match self {
            Self { started: None, .. } => "the server has not answered yet".to_owned(),
            Self { is_answered: false, .. } => "no ICE check is answered".to_owned(),
            Self { connected: None, .. } => "ICE is up, DTLS is not".to_owned(),
            _ if *announced < wanted => format!("DTLS is up, {announced} of {wanted} streams are announced"),
            _ if *arriving < wanted => format!("DTLS is up, packets of {arriving} of {wanted} streams have come"),
            _ if *streams < wanted => {
                format!("packets of all streams have come, {streams} of {wanted} play: the others lack a keyframe")
            }
            _ => return format!("{streams} of {wanted} streams play"),
        };
        match (self.has_undecryptable, self.has_stray) {
            (true, _) => format!("{words}; some packets cannot be decrypted"),
            (false, true) => format!("{words}; some packets are of streams that were not announced"),
            (false, false) => words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_the_next_step_that_was_not_reached() {
        let now = Some(Instant::now());
        let mut progress = Progress::default();
        let mut words = vec![progress.lack(2)];
        progress.started = now;
        words.push(progress.lack(2));
        progress.is_answered = true;
        words.push(progress.lack(2));
        progress.connected = now;
        words.push(progress.lack(2));
        progress.announced = 2;
        words.push(progress.lack(2));
        progress.arriving = 2;
        words.push(progress.lack(2));
        progress.failed = Some("it fell over".to_owned());
        words.push(progress.lack(2));
        let expected = [
            "the server has not answered yet",
            "no ICE check is answered",
            "ICE is up, DTLS is not",
            "DTLS is up, 0 of 2 streams are announced",
            "DTLS is up, packets of 0 of 2 streams have come",
            "packets of all streams have come, 0 of 2 play: the others lack a keyframe",
            "it fell over",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn packets_that_are_of_no_use_are_told_from_none() {
        let connected = Progress { started: Some(Instant::now()), is_answered: true, ..Progress::default() };
        let connected = Progress { connected: connected.started, announced: 1, ..connected };
        let lack = Progress { has_undecryptable: true, ..connected.clone() }.lack(1);
        assert_eq!(lack, "DTLS is up, packets of 0 of 1 streams have come; some packets cannot be decrypted");
        let lack = Progress { has_stray: true, ..connected }.lack(1);
        assert!(lack.ends_with("; some packets are of streams that were not announced"), "{lack}");
    }
}
