#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Speaks the sentences of */texts.toml and keeps them as */NAME.wav, with */made.toml saying of which text each is.

`python3 make.py` makes what is new or changed, `--all` makes everything anew. Needs Python 3.11 or later; the voice comes
from the Python package index, into an environment of its own under `target/`.

The voice is SVOX Pico (Apache-2.0). Each recording is trimmed, brought to one loudness, faded at both ends, given the
pause that its last character asks for, and written as WAV with IMA ADPCM at 16 kHz: four bits a sample, which any player
opens, a quarter of the size, and finer than what a telephone lets through.
"""

import array
import hashlib
import math
import os
import struct
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ENVIRONMENT = FOLDER.parent.parent / "target" / "prompts-python"
PACKAGES = ["py-nanotts==0.1.1"]
VOICES = {"de": "de-DE", "en": "en-GB"}

# A little slower than the voice's own pace, for bad lines. At its own volume it clips, at 0.5 still a few samples; the level is set
# afterwards.
SPEED, VOLUME = 0.95, 0.4

RATE_HZ = 16_000
FRAME = RATE_HZ // 50
LOUDNESS_DBFS = -20.0
# Of a sample; ADPCM overshoots a little.
PEAK = 29_000
FADE_MS = 5
# Kept around the speech: consonants begin and end more quietly than the trimming can see.
LEAD_MS, TAIL_MS = 30, 60
# The pause after a sentence, after a colon with a number to follow, and after a word.
PAUSE_MS = {".": 250, ":": 100}
PAUSE_AFTER_WORD_MS = 60

BLOCK_BYTES = 1024
STEPS = [
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107, 118,
    130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963, 1060,
    1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484, 7132,
    7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
]
STEP_CHANGES = [-1, -1, -1, -1, 2, 4, 6, 8]


def samples(milliseconds):
    return RATE_HZ * milliseconds // 1000


def dbfs(power):
    return 10 * math.log10(max(power, 1e-9) / 32768**2)


def frame_powers(sound):
    frames = [sound[at : at + FRAME] for at in range(0, len(sound), FRAME)]
    return [sum(value * value for value in frame) / len(frame) for frame in frames]


def speech_power(sound):
    """The mean power of the frames that are not pauses: those at most 25 dB below the loudest."""
    powers = frame_powers(sound)
    spoken = [power for power in powers if dbfs(power) > dbfs(max(powers)) - 25]
    return sum(spoken) / len(spoken)


def trimmed(sound):
    powers = frame_powers(sound)
    floor = dbfs(max(powers)) - 40
    spoken = [number for number, power in enumerate(powers) if dbfs(power) > floor]
    first, last = spoken[0] * FRAME - samples(LEAD_MS), (spoken[-1] + 1) * FRAME + samples(TAIL_MS)
    return sound[max(first, 0) : last]


def levelled(sound):
    gain = 10 ** ((LOUDNESS_DBFS - dbfs(speech_power(sound))) / 20)
    loudest = max(abs(value) for value in sound)
    gain = min(gain, PEAK / loudest)
    return [round(value * gain) for value in sound]


def faded(sound):
    length = min(samples(FADE_MS), len(sound) // 2)
    for at in range(length):
        sound[at] = sound[at] * at // length
        sound[-1 - at] = sound[-1 - at] * at // length
    return sound


def adpcm_code(value, predicted, index):
    """The four bits that come nearest to `value`, and what a decoder makes of them."""
    step, difference = STEPS[index], value - predicted
    code, rest, change = (8 if difference < 0 else 0), abs(difference), STEPS[index] >> 3
    for bit, part in ((4, step), (2, step >> 1), (1, step >> 2)):
        if rest >= part:
            code, rest, change = code | bit, rest - part, change + part
    predicted = predicted - change if code & 8 else predicted + change
    index = max(0, min(len(STEPS) - 1, index + STEP_CHANGES[code & 7]))
    return code, max(-32768, min(32767, predicted)), index


def adpcm_block(sound, index):
    predicted = sound[0]
    block = bytearray(struct.pack("<hBB", predicted, index, 0))
    codes = []
    for value in sound[1:]:
        code, predicted, index = adpcm_code(value, predicted, index)
        codes.append(code)
    block += bytes(low | high << 4 for low, high in zip(codes[::2], codes[1::2]))
    return block, index


def wav(sound):
    """A whole file. The last block is filled up with silence, and `fact` says where the sound ends."""
    length = len(sound)
    per_block = (BLOCK_BYTES - 4) * 2 + 1
    sound = sound + [0] * (-length % per_block)
    data, index = bytearray(), 0
    for at in range(0, len(sound), per_block):
        block, index = adpcm_block(sound[at : at + per_block], index)
        data += block
    bytes_per_second = RATE_HZ * BLOCK_BYTES // per_block
    form = struct.pack("<HHIIHHHH", 0x11, 1, RATE_HZ, bytes_per_second, BLOCK_BYTES, 4, 2, per_block)
    chunks = b"WAVE"
    for name, body in ((b"fmt ", form), (b"fact", struct.pack("<I", length)), (b"data", bytes(data))):
        chunks += name + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def recording(engine, language, text):
    spoken = array.array("h", engine.speak(text, voice=VOICES[language], speed=SPEED, volume=VOLUME))
    if sys.byteorder == "big":
        spoken.byteswap()
    sound = faded(levelled(trimmed(list(spoken))))
    return wav(sound + [0] * samples(PAUSE_MS.get(text[-1], PAUSE_AFTER_WORD_MS)))


def digest(content):
    return hashlib.sha256(content).hexdigest()


def make(engine, language, everything):
    folder = FOLDER / language
    texts = tomllib.loads((folder / "texts.toml").read_text(encoding="utf-8"))
    record = folder / "made.toml"
    known = tomllib.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    made = 0
    lines = ["# SPDX-License-Identifier: EUPL-1.2", "# Written by make.py: of which text each recording is, and of what it consists."]
    for name, text in texts.items():
        file, text_digest = folder / f"{name}.wav", digest(text.encode())
        is_current = file.exists() and known.get(name) == {"text": text_digest, "sound": digest(file.read_bytes())}
        if everything or not is_current:
            file.write_bytes(recording(engine, language, text))
            made += 1
        lines.append(f'{name} = {{ text = "{text_digest}", sound = "{digest(file.read_bytes())}" }}')
    record.write_text("\n".join(lines) + "\n", encoding="utf-8")
    stale = [file for file in folder.glob("*.wav") if file.stem not in texts]
    for file in stale:
        file.unlink()
    print(f"{language}: {len(texts)} recordings, {made} of them new, {len(stale)} removed")


def run_in_environment():
    """Starts this script again with the interpreter that has the voice."""
    python = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    inside = {**os.environ, "PROMPTS_ENVIRONMENT": str(ENVIRONMENT)}
    sys.exit(subprocess.run([python, __file__, *sys.argv[1:]], env=inside).returncode)


def main():
    if os.environ.get("PROMPTS_ENVIRONMENT") != str(ENVIRONMENT):
        run_in_environment()
    from py_nanotts import NanoTTS

    unknown = set(sys.argv[1:]) - {"--all"}
    if unknown:
        sys.exit(f"unknown argument: {' '.join(sorted(unknown))}; there is only --all")
    engine = NanoTTS()
    for language in VOICES:
        make(engine, language, "--all" in sys.argv)


if __name__ == "__main__":
    main()
