// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { ParticipantView } from '../conference/model';
import { fill, t } from '../i18n';
import { Button, IconButton } from '../ui/Button';
import { VideoView } from '../ui/VideoView';
import type { Rect } from './grid';
import { placement } from './placement';

interface ShareViewProps {
  person: ParticipantView;
  rect: Rect;
  /** Everybody who shares a screen at the moment, this person included. */
  others: readonly ParticipantView[];
  onChoose: (identity: string) => void;
}

/** A shared screen, whole and sharp. */
export function ShareView({ person, rect, others, onChoose }: ShareViewProps) {
  const words = t.value.room;
  const frame = useRef<HTMLElement>(null);
  const { isFullscreen, toggleFullscreen } = useFullscreen(frame);
  const source = person.screen.value;
  const title = fill(words.screenOf, { name: person.name.value });
  return (
    <section
      class="share"
      style={placement(rect)}
      ref={frame}
      aria-label={title}
      data-testid="screen-share"
      data-participant={person.identity}
    >
      {source !== null && <VideoView key={source.id} source={source} testId="screen-share-video" />}
      <div class="share-bar">
        <span class="share-title">{title}</span>
        {others.length > 1 && (
          <div class="share-choice" role="group" aria-label={words.otherScreens}>
            {others.map((other) => (
              <Button
                key={other.identity}
                kind="quiet"
                aria-pressed={other.identity === person.identity}
                onClick={() => onChoose(other.identity)}
              >
                {other.name.value}
              </Button>
            ))}
          </div>
        )}
        {document.fullscreenEnabled && (
          <IconButton
            icon={isFullscreen ? 'fullscreenExit' : 'fullscreen'}
            label={isFullscreen ? words.leaveFullscreen : words.fullscreen}
            data-testid="fullscreen"
            onClick={toggleFullscreen}
          />
        )}
      </div>
    </section>
  );
}

function useFullscreen(element: { readonly current: HTMLElement | null }) {
  const isFullscreen = useSignal(false);
  useEffect(() => {
    const onChange = () => {
      isFullscreen.value = document.fullscreenElement === element.current;
    };
    document.addEventListener('fullscreenchange', onChange);
    return () => document.removeEventListener('fullscreenchange', onChange);
  }, [element, isFullscreen]);
  const toggleFullscreen = () => {
    const change = isFullscreen.value ? document.exitFullscreen() : element.current?.requestFullscreen();
    // Refused by the browser: the screen stays as large as it is.
    void change?.catch(() => undefined);
  };
  return { isFullscreen: isFullscreen.value, toggleFullscreen };
}
