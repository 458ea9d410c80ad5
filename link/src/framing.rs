// SPDX-License-Identifier: EUPL-1.2
//! Frames on a connection: a byte that tells the kind, the length in four bytes, and the body. Without I/O.

use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

/// Kind and length.
const HEADER_BYTES: usize = 5;

/// The longest that is said before either side has proven who it is.
pub(crate) const LONGEST_GREETING_BYTES: usize = 1_024;

/// The longest afterwards: the configuration of some thousand trunks.
pub(crate) const LONGEST_WORDS_BYTES: usize = 4 * 1_024 * 1_024;

/// A packet of sound with what is told of it.
pub(crate) const LONGEST_SOUND_BYTES: usize = 2_048;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing: its sender is there.
    Alive,
    /// A message, as JSON.
    Words,
    /// A packet of sound.
    Sound,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Alive => 0,
            Self::Words => 1,
            Self::Sound => 2,
        }
    }

    const fn of(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Alive),
            1 => Some(Self::Words),
            2 => Some(Self::Sound),
            _ => None,
        }
    }
}

/// A whole frame. It may hold codes and passwords, and is overwritten when it is dropped.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// What is not as it should be. What exactly it was is not told: it may be what nobody shall see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// No such kind.
    #[error("a frame of an unknown kind")]
    Kind,
    /// Longer than anything that is said here.
    #[error("a frame of {0} bytes")]
    TooLong(usize),
    /// JSON that is none of the messages.
    #[error("a message that cannot be understood")]
    Words,
    /// No packet of sound, or none of the tracks that there may be.
    #[error("a packet of sound that cannot be understood")]
    Sound,
    /// A message that does not fit what was said before.
    #[error("a message that does not belong here")]
    OutOfPlace,
}

/// Takes bytes as they come, and gives whole frames. It grows with what has come, not with what is announced.
#[derive(Debug)]
pub(crate) struct Framing {
    bytes: Vec<u8>,
    /// Of `bytes`, already given.
    taken: usize,
    longest_words: usize,
}

impl Framing {
    pub(crate) const fn new(longest_words: usize) -> Self {
        Self { bytes: Vec::new(), taken: 0, longest_words }
    }

    /// Longer words are taken from now on.
    pub(crate) const fn allow(&mut self, longest_words: usize) {
        self.longest_words = longest_words;
    }

    /// Takes what has come. [`Self::next`] is called until nothing is left before the next call.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, Malformed> {
        let rest = &mut self.bytes[self.taken..];
        let Some((header, rest)) = rest.split_first_chunk_mut::<HEADER_BYTES>() else { return Ok(None) };
        let [kind, length @ ..] = *header;
        let kind = Kind::of(kind).ok_or(Malformed::Kind)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let longest = match kind {
            Kind::Alive => 0,
            Kind::Words => self.longest_words,
            Kind::Sound => LONGEST_SOUND_BYTES,
        };
        if length > longest {
            return Err(Malformed::TooLong(length));
        }
        let Some(body) = rest.get_mut(..length) else { return Ok(None) };
        let frame = Frame { kind, body: Zeroizing::new(body.to_vec()) };
        if kind == Kind::Words {
            body.zeroize();
        }
        self.taken += HEADER_BYTES + length;
        Ok(Some(frame))
    }
}

/// Adds a frame whose body `write` adds. A body is never longer than a `u32` tells: what is written here is far shorter.
pub(crate) fn add(frames: &mut Vec<u8>, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) {
    let begin = frames.len();
    frames.extend_from_slice(&[kind.byte(), 0, 0, 0, 0]);
    write(frames);
    let length = frames.len() - begin - HEADER_BYTES;
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    frames[begin + 1..begin + HEADER_BYTES].copy_from_slice(&length);
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng as _, SeedableRng as _};

    use super::*;

    #[test]
    fn frames_are_the_same_however_they_are_cut() {
        let mut rng = StdRng::seed_from_u64(1);
        let bodies: Vec<(Kind, Vec<u8>)> = (0..200)
            .map(|number| match number % 3 {
                0 => (Kind::Alive, Vec::new()),
                1 => (Kind::Words, vec![b'w'; rng.random_range(0..900)]),
                _ => (Kind::Sound, vec![b's'; rng.random_range(0..=LONGEST_SOUND_BYTES)]),
            })
            .collect();
        let mut bytes = Vec::new();
        for (kind, body) in &bodies {
            add(&mut bytes, *kind, |bytes| bytes.extend_from_slice(body));
        }
        let (mut framing, mut read) = (Framing::new(LONGEST_GREETING_BYTES), Vec::new());
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(rng.random_range(1..=rest.len().min(700)));
            framing.push(chunk);
            while let Some(frame) = framing.next().unwrap() {
                read.push((frame.kind, frame.body.to_vec()));
            }
            rest = after;
        }
        assert_eq!(read, bodies);
    }

    #[test]
    fn what_is_announced_too_long_is_refused_before_it_comes() {
        let mut framing = Framing::new(LONGEST_GREETING_BYTES);
        framing.push(&[1, 0, 0, 4, 1]);
        assert_eq!(framing.next().unwrap_err(), Malformed::TooLong(1_025));
        let mut framing = Framing::new(LONGEST_GREETING_BYTES);
        framing.allow(LONGEST_WORDS_BYTES);
        framing.push(&[1, 0, 0, 4, 1]);
        assert!(framing.next().unwrap().is_none());
        let mut framing = Framing::new(LONGEST_GREETING_BYTES);
        framing.push(&[0, 0, 0, 0, 1]);
        assert_eq!(framing.next().unwrap_err(), Malformed::TooLong(1));
    }

    #[test]
    fn noise_is_refused_and_never_kept() {
        let mut rng = StdRng::seed_from_u64(2);
        for _ in 0..20_000 {
            let mut framing = Framing::new(LONGEST_GREETING_BYTES);
            for _ in 0..4 {
                let mut chunk = vec![0; rng.random_range(0..64)];
                rng.fill(chunk.as_mut_slice());
                framing.push(&chunk);
                while let Ok(Some(_)) = framing.next() {}
                assert!(framing.bytes.len() <= 4 * 64);
            }
        }
    }
}
