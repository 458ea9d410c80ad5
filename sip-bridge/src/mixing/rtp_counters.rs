// SPDX-License-Identifier: EUPL-1.2
//! RTP's counters that wrap (RFC 3550 §5.1), made into ones that do not: each is read as the nearest to the newest before it.
//! Those of telephones (`media/rtp/numbers.rs`) stay as they came, which tells why there are two.

/// Sequence numbers of one stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SeqNos {
    newest: Option<i64>,
}

impl SeqNos {
    /// What this one is without wrapping.
    pub(super) fn extend(&mut self, seq_no: u16) -> i64 {
        let newest = self.newest.unwrap_or_else(|| i64::from(seq_no));
        let extended = newest.saturating_add(i64::from(seq_no.wrapping_sub(newest as u16) as i16));
        self.newest = Some(newest.max(extended));
        extended
    }

    /// Whether an extended one is further than this from the newest.
    pub(super) fn is_far(&self, extended: i64, distance: i64) -> bool {
        self.newest.is_some_and(|newest| newest.abs_diff(extended) > distance.unsigned_abs())
    }
}

/// Time stamps of one stream, in ticks of 1/48,000 s.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RtpTimes {
    newest: Option<i64>,
}

impl RtpTimes {
    /// What this one is without wrapping.
    pub(super) fn extend(&mut self, timestamp: u32) -> i64 {
        let newest = self.newest.unwrap_or_else(|| i64::from(timestamp));
        let extended = newest.saturating_add(i64::from(timestamp.wrapping_sub(newest as u32) as i32));
        self.newest = Some(newest.max(extended));
        extended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_go_on_after_wrapping() {
        let mut seq_nos = SeqNos::default();
        assert_eq!(
            [65_534, 65_535, 1, 0, 2].map(|seq_no| seq_nos.extend(seq_no)),
            [65_534, 65_535, 65_537, 65_536, 65_538]
        );
    }

    #[test]
    fn time_stamps_go_on_after_wrapping() {
        let mut times = RtpTimes::default();
        let start = u32::MAX - 959;
        assert_eq!(times.extend(start), i64::from(start));
        assert_eq!(times.extend(0), i64::from(start) + 960);
        assert_eq!(times.extend(start.wrapping_sub(960)), i64::from(start) - 960);
    }
}
