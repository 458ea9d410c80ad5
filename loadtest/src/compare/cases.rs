// SPDX-License-Identifier: EUPL-1.2
//! What is compared: the loads, who meets them, and how often.

/// What meets a load, or the limit that is measured beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contender {
    Saal,
    /// Saal, read by clients that take each datagram with a call of its own. Browsers do; and where client and server
    /// share a machine, the kernel takes runs apart at the server's expense.
    SaalWithoutCoalescing,
    Janus,
    Pion,
    FloorSendmmsg,
    FloorGso,
}

impl Contender {
    /// Its name in the report.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Saal => "saal",
            Self::SaalWithoutCoalescing => "saal_without_gro",
            Self::Janus => "janus",
            Self::Pion => "pion",
            Self::FloorSendmmsg => "floor_sendmmsg",
            Self::FloorGso => "floor_gso",
        }
    }

    pub(super) const fn is_floor(self) -> bool {
        matches!(self, Self::FloorSendmmsg | Self::FloorGso)
    }

    pub(super) const fn is_rival(self) -> bool {
        matches!(self, Self::Janus | Self::Pion)
    }
}

/// The servers, each read in the same way.
pub(super) const SERVERS: &[Contender] = &[Contender::Saal, Contender::Janus, Contender::Pion];

/// A load with all who meet it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// Arguments of `loadtest`.
    pub(super) load: &'static [&'static str],
    pub(super) contenders: &'static [Contender],
    /// The figure that its ratios are of, lower being better.
    pub(super) metric: &'static str,
    /// Rounds where there is little time, and whether system calls are counted even then.
    pub(super) quick_rounds: usize,
    pub(super) counts_syscalls: bool,
}

/// People who watch in the case of which the floor is measured, too.
pub(super) const WATCHERS: usize = 100;

/// The table.
pub(super) const CASES: &[Case] = &[
    Case {
        name: "video_1x100",
        title: "Video, 1 to 100",
        load: &["broadcast", "--subscribers", "100"],
        contenders: &[
            Contender::Saal,
            Contender::SaalWithoutCoalescing,
            Contender::Janus,
            Contender::Pion,
            Contender::FloorSendmmsg,
            Contender::FloorGso,
        ],
        metric: "cpu_us_per_packet",
        quick_rounds: 3,
        counts_syscalls: true,
    },
    Case {
        name: "video_1x50",
        title: "Video, 1 to 50",
        load: &["broadcast", "--subscribers", "50"],
        contenders: SERVERS,
        metric: "cpu_us_per_packet",
        quick_rounds: 1,
        counts_syscalls: false,
    },
    Case {
        name: "audio_3x200",
        title: "Speech, 3 to 200",
        load: &["audio", "--speakers", "3", "--listeners", "200"],
        contenders: SERVERS,
        metric: "cpu_us_per_packet",
        quick_rounds: 2,
        counts_syscalls: true,
    },
    Case {
        name: "meet_25x25_9tiles",
        title: "Meeting of 25, 9 tiles",
        load: &["meet", "--participants", "25", "--tiles", "9", "--camera", "small", "--no-microphones"],
        contenders: SERVERS,
        metric: "cpu_us_per_packet",
        quick_rounds: 2,
        counts_syscalls: true,
    },
    Case {
        name: "idle",
        title: "Memory of an idle participant",
        load: &["idle", "--rooms", "20", "--participants", "10"],
        contenders: SERVERS,
        metric: "kib_per_participant",
        quick_rounds: 2,
        counts_syscalls: false,
    },
    Case {
        name: "storm",
        title: "200 joins in 2 s beside video, 1 to 50",
        load: &["storm", "--subscribers", "50", "--joins", "200", "--within", "2"],
        contenders: SERVERS,
        metric: "p99_ms",
        quick_rounds: 1,
        counts_syscalls: false,
    },
];

/// The case whose joins are the fewest disturbed, and the name under which they are reported.
pub(super) const JOIN_CASE: &str = "idle";
pub(super) const JOIN: Case = Case {
    name: "join",
    title: "CPU of a join",
    load: &[],
    contenders: SERVERS,
    metric: "join_cpu_ms",
    quick_rounds: 0,
    counts_syscalls: false,
};
