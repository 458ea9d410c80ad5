// SPDX-License-Identifier: EUPL-1.2
//! G.711: 8 bits for each sample of 8 kHz, in logarithmic steps (ITU-T G.711, tables 1 and 2).
//!
//! Samples are 16 bits wide. A-law has 13 significant bits and µ-law 14, at the upper end.

/// What A-law's 256 codes mean.
pub const ALAW: [i16; 256] = table(Law::A);

/// What µ-law's 256 codes mean.
pub const MULAW: [i16; 256] = table(Law::Mu);

/// What µ-law adds to a magnitude, so that its segments begin at powers of two.
const MULAW_BIAS: i32 = 132;

/// The largest magnitude that µ-law knows, before the bias.
const MULAW_CLIP: i32 = 32_635;

/// A-law turns every second bit, so that silence does not look like a line gone dead.
const ALAW_TOGGLE: u8 = 0x55;

enum Law {
    A,
    Mu,
}

const fn table(law: Law) -> [i16; 256] {
    let mut values = [0; 256];
    let mut code = 0;
    while code < 256 {
        values[code] = match law {
            Law::A => expand_alaw(code as u8),
            Law::Mu => expand_mulaw(code as u8),
        };
        code += 1;
    }
    values
}

const fn expand_alaw(code: u8) -> i16 {
    let code = code ^ ALAW_TOGGLE;
    let step = ((code & 0x0f) as i32) << 4;
    let magnitude = match (code >> 4) & 7 {
        0 => step + 8,
        segment => (step + 0x108) << (segment - 1),
    };
    (if code & 0x80 == 0 { -magnitude } else { magnitude }) as i16
}

const fn expand_mulaw(code: u8) -> i16 {
    let code = !code;
    let magnitude = (((((code & 0x0f) as i32) << 3) + MULAW_BIAS) << ((code >> 4) & 7)) - MULAW_BIAS;
    (if code & 0x80 == 0 { magnitude } else { -magnitude }) as i16
}

/// What a code means, by one of the tables here.
pub fn expand(table: &[i16; 256], code: u8) -> i16 {
    table[usize::from(code)]
}

/// The nearest A-law code.
pub fn compress_alaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0 } else { 0x80 };
    // One's complement, so that both signs have segments of the same size.
    let magnitude = (if sample < 0 { !sample } else { sample }) as u16 >> 4;
    let code = if magnitude < 32 {
        // The first two segments have the same step.
        magnitude as u8
    } else {
        let segment = 12 - magnitude.leading_zeros() as u8;
        (segment << 4) | ((magnitude >> (segment - 1)) & 0x0f) as u8
    };
    (code | sign) ^ ALAW_TOGGLE
}

/// The nearest µ-law code.
pub fn compress_mulaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = (i32::from(sample).abs().min(MULAW_CLIP) + MULAW_BIAS) as u32;
    let segment = 24 - magnitude.leading_zeros();
    let step = (magnitude >> (segment + 3)) & 0x0f;
    !(sign | ((segment << 4) | step) as u8)
}
