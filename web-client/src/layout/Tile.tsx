// SPDX-License-Identifier: EUPL-1.2
import type { ParticipantView } from '../conference/model';
import { fill, t } from '../i18n';
import { Avatar } from '../ui/Avatar';
import { Icon } from '../ui/Icon';
import { VideoView } from '../ui/VideoView';
import type { Rect } from './grid';
import { placement } from './placement';

interface TileProps {
  person: ParticipantView;
  rect: Rect;
  /** Lies on top of another tile. */
  isInset: boolean;
}

/** Below this width there is only room for the essentials. */
const SMALL_TILE_WIDTH = 180;

/** One person: picture or initials, name, and what a reader needs to know in words as well as in colour. */
export function Tile({ person, rect, isInset }: TileProps) {
  const words = t.value.room;
  const camera = person.camera.value;
  const name = person.name.value;
  const microphone = person.microphone.value;
  // Somebody who is muted cannot be heard, whatever the last report of speakers says.
  const isSpeaking = person.isSpeaking.value && microphone === 'on';
  const link = person.link.value;
  const classes = [
    'tile',
    isSpeaking && 'tile-is-speaking',
    isInset && 'tile-inset',
    rect.width < SMALL_TILE_WIDTH && 'tile-small',
  ];
  return (
    <li
      class={classes.filter(Boolean).join(' ')}
      style={placement(rect)}
      data-testid="tile"
      data-participant={person.identity}
      data-local={person.isLocal}
      data-microphone={microphone}
      data-camera={camera === null ? 'off' : 'on'}
      data-speaking={isSpeaking}
    >
      {camera === null ? (
        <div class="tile-empty">
          <Avatar name={name} seed={person.identity} />
        </div>
      ) : (
        <VideoView key={camera.id} source={camera} testId="tile-video" />
      )}
      <div class="tile-plate">
        {microphone !== 'on' && <Icon name="micOff" class="tile-muted" />}
        {isSpeaking && <Icon name="speaking" class="tile-speaks" />}
        <span class="tile-name">{person.isLocal ? ownName(name, isInset) : name}</span>
        {microphone !== 'on' && <span class="visually-hidden">, {words.muted}</span>}
        {person.screen.value !== null && <span class="visually-hidden">, {words.sharing}</span>}
      </div>
      {(link === 'poor' || link === 'lost') && (
        <div class="tile-link" title={link === 'poor' ? words.poorConnection : words.lostConnection}>
          <Icon name="weakSignal" />
          <span class="visually-hidden">, {link === 'poor' ? words.poorConnection : words.lostConnection}</span>
        </div>
      )}
    </li>
  );
}

/** The small picture in the corner would vanish behind a whole name. */
function ownName(name: string, isInset: boolean): string {
  return isInset ? t.value.room.you : fill(t.value.room.youNamed, { name });
}
