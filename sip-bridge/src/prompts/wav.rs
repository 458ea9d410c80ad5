// SPDX-License-Identifier: EUPL-1.2
//! Reads WAV files: 16,000 samples a second, one channel, as 16-bit PCM or as IMA ADPCM.

use super::adpcm;
use crate::audio::SAMPLE_RATE_HZ;

/// A minute: the longest prompt takes less than half of one, and a whole piece of music is no prompt.
const MAX_SAMPLES: usize = 60 * SAMPLE_RATE_HZ as usize;

const PCM: u16 = 1;
const IMA_ADPCM: u16 = 0x11;
/// The format's number stands in the extension then, as the first two bytes of a GUID.
const EXTENSIBLE: u16 = 0xfffe;

/// Why a file is not one of our recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    /// No RIFF file with `fmt ` and `data`.
    #[error("it is no WAV file")]
    NoWav,
    /// Neither PCM nor IMA ADPCM.
    #[error("its encoding (number {0}) is neither PCM nor IMA ADPCM")]
    Encoding(u16),
    /// Another sample rate.
    #[error("it has {0} samples a second instead of 16000")]
    SampleRate(u32),
    /// Stereo and more.
    #[error("it has {0} channels instead of one")]
    Channels(u16),
    /// PCM of another width.
    #[error("its samples have {0} bits instead of 16")]
    BitsPerSample(u16),
    /// Nothing in it.
    #[error("it has no sound in it")]
    Empty,
    /// More than a minute.
    #[error("it lasts longer than a minute")]
    TooLong,
}

/// The samples of a WAV file.
pub(super) fn parse(file: &[u8]) -> Result<Vec<i16>, WavError> {
    let chunks = file.strip_prefix(b"RIFF").and_then(|rest| rest.get(4..)).and_then(|rest| rest.strip_prefix(b"WAVE"));
    let mut chunks = chunks.ok_or(WavError::NoWav)?;
    let (mut format, mut length) = (None, None);
    while let Some((name, body, rest)) = next_chunk(chunks) {
        match name {
            b"fmt " => format = Some(Format::parse(body)?),
            b"fact" => length = u32_at(body, 0),
            b"data" => return format.ok_or(WavError::NoWav)?.samples(body, length),
            _ => {}
        }
        chunks = rest;
    }
    Err(WavError::NoWav)
}

/// A chunk's name and body, and what follows it. Bodies are padded to an even length; one that is cut short counts as far
/// as it goes, since some programs write a length of `data` that they only guessed.
fn next_chunk(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, rest) = bytes.split_at_checked(4)?;
    let length = usize::try_from(u32_at(rest, 0)?).ok()?;
    let body = rest.get(4..)?;
    let (body, rest) = body.split_at(length.min(body.len()));
    Some((name, body, if length % 2 == 1 { rest.get(1..).unwrap_or_default() } else { rest }))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

enum Format {
    Pcm,
    Adpcm { block_bytes: usize },
}

impl Format {
    fn parse(body: &[u8]) -> Result<Self, WavError> {
        let mut encoding = u16_at(body, 0).ok_or(WavError::NoWav)?;
        if encoding == EXTENSIBLE {
            encoding = u16_at(body, 24).ok_or(WavError::NoWav)?;
        }
        let channels = u16_at(body, 2).ok_or(WavError::NoWav)?;
        let sample_rate_hz = u32_at(body, 4).ok_or(WavError::NoWav)?;
        let block_bytes = usize::from(u16_at(body, 12).ok_or(WavError::NoWav)?);
        let bits = u16_at(body, 14).ok_or(WavError::NoWav)?;
        if channels != 1 {
            return Err(WavError::Channels(channels));
        }
        if sample_rate_hz != SAMPLE_RATE_HZ {
            return Err(WavError::SampleRate(sample_rate_hz));
        }
        match encoding {
            PCM if bits == 16 => Ok(Self::Pcm),
            PCM => Err(WavError::BitsPerSample(bits)),
            IMA_ADPCM if bits == 4 && block_bytes > 4 => Ok(Self::Adpcm { block_bytes }),
            other => Err(WavError::Encoding(other)),
        }
    }

    /// `length` is how many samples there are, where the last block is filled up.
    fn samples(&self, data: &[u8], length: Option<u32>) -> Result<Vec<i16>, WavError> {
        let samples = match self {
            Self::Pcm if data.len() / 2 > MAX_SAMPLES => return Err(WavError::TooLong),
            Self::Adpcm { .. } if data.len() * 2 > MAX_SAMPLES => return Err(WavError::TooLong),
            Self::Pcm => data.as_chunks().0.iter().copied().map(i16::from_le_bytes).collect(),
            Self::Adpcm { block_bytes } => {
                let mut samples = Vec::with_capacity(data.len() * 2);
                data.chunks(*block_bytes).for_each(|block| adpcm::decode_block(block, &mut samples));
                samples.truncate(length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX));
                samples
            }
        };
        if samples.is_empty() { Err(WavError::Empty) } else { Ok(samples) }
    }
}
