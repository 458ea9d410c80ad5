// SPDX-License-Identifier: EUPL-1.2
//! IMA ADPCM as WAV files have it, one channel: four bits a sample (Microsoft, "Multimedia Data Standards Update", 1994,
//! section "IMA ADPCM Wave Type"). Only read here: `prompts/make.py` writes it.

/// A step of the quantiser for each index.
const STEPS: [i32; 89] = [
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107,
    118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963,
    1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894,
    6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794,
    32767,
];

/// How the index moves after a code, by the code's size without its sign.
const INDEX_CHANGES: [i32; 8] = [-1, -1, -1, -1, 2, 4, 6, 8];

/// The samples of a block: one in its header, then two in each byte, the low half first. A block cut short gives what is
/// there.
pub(super) fn decode_block(block: &[u8], samples: &mut Vec<i16>) {
    let &[low, high, index, _, ref codes @ ..] = block else { return };
    let mut state = State { predicted: i32::from(i16::from_le_bytes([low, high])), index: i32::from(index).min(88) };
    samples.push(state.sample());
    for byte in codes {
        for code in [byte & 0x0f, byte >> 4] {
            state.advance(code);
            samples.push(state.sample());
        }
    }
}

struct State {
    predicted: i32,
    index: i32,
}

impl State {
    fn advance(&mut self, code: u8) {
        let step = usize::try_from(self.index).ok().and_then(|index| STEPS.get(index)).copied().unwrap_or(7);
        let mut change = step >> 3;
        for (bit, part) in [(4, step), (2, step >> 1), (1, step >> 2)] {
            if code & bit != 0 {
                change += part;
            }
        }
        let change = if code & 8 == 0 { change } else { -change };
        self.predicted = (self.predicted + change).clamp(i32::from(i16::MIN), i32::from(i16::MAX));
        let moved = INDEX_CHANGES.get(usize::from(code & 7)).copied().unwrap_or(0);
        self.index = (self.index + moved).clamp(0, 88);
    }

    fn sample(&self) -> i16 {
        i16::try_from(self.predicted).unwrap_or(0)
    }
}
