// SPDX-License-Identifier: EUPL-1.2
import { useEffect, useRef } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { watchLevel } from '../conference/level';
import { t } from '../i18n';

const BARS = 16;

/** Speech reaches this level, a quiet room does not. */
const HEARD = 0.3;

/**
 * A microphone's level as bars, and in words for those who cannot see them; `withoutTrack` says why there is none.
 * The bars bypass Preact: they change thirty times a second.
 */
export function LevelBars({ track, withoutTrack }: { track: MediaStreamTrack | null; withoutTrack: string }) {
  const bars = useRef<HTMLDivElement>(null);
  const wasHeard = useSignal(false);
  useEffect(() => {
    const show = (level: number) => {
      const lit = Math.round(level * BARS);
      const children = bars.current?.children;
      for (let i = 0; i < BARS; i += 1) children?.[i]?.classList.toggle('level-bar-lit', i < lit);
      if (level > HEARD) wasHeard.value = true;
    };
    wasHeard.value = false;
    show(0);
    return track === null ? undefined : watchLevel(track, show);
  }, [track, wasHeard]);

  const words = t.value.devices;
  const heard = wasHeard.value ? words.levelHeard : words.levelSilent;
  return (
    <div class="level">
      <div class="level-bars" ref={bars} aria-hidden="true">
        {Array.from({ length: BARS }, (_, i) => (
          <span class="level-bar" key={i} />
        ))}
      </div>
      <p class="level-words" role="status" data-testid="mic-level">
        <span class="visually-hidden">{words.level}: </span>
        {track === null ? withoutTrack : heard}
      </p>
    </div>
  );
}
