// SPDX-License-Identifier: EUPL-1.2
//! Writes the hold music, and after it the chimes, as a WAV file (16 kHz, one channel), so that one can listen:
//!
//! ```text
//! cargo run -p sip-bridge --example hold_music -- hold-music.wav
//! ```

use std::io::Write;

use sip_bridge::audio::SAMPLE_RATE_HZ;
use sip_bridge::mixing::{Chimes, HoldMusic};

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "hold-music.wav".into());
    let mut samples = HoldMusic::generate().to_vec();
    let Chimes { done, unknown } = Chimes::new();
    for chime in [done, unknown] {
        samples.extend([0; SAMPLE_RATE_HZ as usize]);
        samples.extend_from_slice(&chime);
    }
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path)?);
    write_header(&mut file, samples.len() as u32 * 2)?;
    for sample in &samples {
        file.write_all(&sample.to_le_bytes())?;
    }
    file.flush()?;
    println!("{path}: {} s", samples.len() as f32 / SAMPLE_RATE_HZ as f32);
    Ok(())
}

/// RIFF's header for 16-bit samples.
fn write_header(file: &mut impl Write, data_bytes: u32) -> std::io::Result<()> {
    file.write_all(b"RIFF")?;
    file.write_all(&(36 + data_bytes).to_le_bytes())?;
    file.write_all(b"WAVEfmt ")?;
    file.write_all(&16_u32.to_le_bytes())?;
    file.write_all(&[1, 0, 1, 0])?;
    file.write_all(&SAMPLE_RATE_HZ.to_le_bytes())?;
    file.write_all(&(SAMPLE_RATE_HZ * 2).to_le_bytes())?;
    file.write_all(&[2, 0, 16, 0])?;
    file.write_all(b"data")?;
    file.write_all(&data_bytes.to_le_bytes())
}
