// SPDX-License-Identifier: EUPL-1.2
import type { ParticipantView } from '../conference/model';
import { fill, t } from '../i18n';
import { inRoom } from '../i18n/room';
import { PersonAvatar } from '../ui/Avatar';
import { Icon } from '../ui/Icon';
import { VideoView } from '../ui/VideoView';
import type { Rect } from './grid';
import { placement } from './placement';

interface TileProps {
  person: ParticipantView;
  rect: Rect;
  /** Where the raised hand stands in the queue; null while it is down. */
  handPlace: number | null;
  /** Lies on top of another tile. */
  isInset: boolean;
}

/** Below this width there is only room for the essentials. */
const SMALL_TILE_WIDTH = 180;

/** One person: picture or initials, name, and what a reader needs to know in words as well as in colour. */
export function Tile({ person, rect, handPlace, isInset }: TileProps) {
  const words = t.value.room;
  const camera = person.camera.value;
  const name = person.name.value;
  const microphone = person.microphone.value;
  const isSmall = rect.width < SMALL_TILE_WIDTH;
  // Somebody who is muted cannot be heard, whatever the last report of speakers says.
  const isSpeaking = person.isSpeaking.value && microphone === 'on';
  const isCaller = person.phone.value !== null;
  const isOnHold = person.phone.value?.isOnHold === true;
  const callerWords = `${words.byPhone}, ${inRoom.value.callers.unencrypted}`;
  const classes = [
    'tile',
    isSpeaking && 'tile-is-speaking',
    isInset && 'tile-inset',
    isSmall && 'tile-small',
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
      data-phone={isCaller}
    >
      {camera === null ? (
        <div class="tile-empty">
          <PersonAvatar person={person} />
        </div>
      ) : (
        <VideoView key={camera.id} source={camera} testId="tile-video" />
      )}
      <div class="tile-plate" title={isCaller ? callerWords : undefined}>
        {isCaller && <Icon name={isOnHold ? 'callPaused' : 'call'} />}
        {microphone !== 'on' && <Icon name="micOff" class="tile-muted" />}
        {isSpeaking && <Icon name="speaking" class="tile-speaks" />}
        <span class="tile-name">{person.isLocal ? ownName(name, isInset) : name}</span>
        {isCaller && <span class="visually-hidden">, {callerWords}</span>}
        {isOnHold && <OnHold isSmall={isSmall} />}
        {microphone !== 'on' && <span class="visually-hidden">, {words.muted}</span>}
        {person.screen.value !== null && <span class="visually-hidden">, {words.sharing}</span>}
      </div>
      {handPlace !== null && <Hand place={handPlace} />}
      <Link person={person} />
    </li>
  );
}

/** Neither hears nor is heard for now. */
function OnHold({ isSmall }: { isSmall: boolean }) {
  const words = t.value.room.onHold;
  return (
    <>
      <span class="visually-hidden">, {words}</span>
      {!isSmall && (
        <span class="tile-note" aria-hidden="true">
          {words}
        </span>
      )}
    </>
  );
}

/** Wants to speak, and how many want to before. */
function Hand({ place }: { place: number }) {
  const text = fill(t.value.people.handUp, { n: place });
  return (
    <div class="tile-hand" title={text} data-testid="tile-hand">
      <Icon name="hand" />
      <span aria-hidden="true">{place}</span>
      <span class="visually-hidden">, {text}</span>
    </div>
  );
}

/** A connection that is not as it should be. A telephone's is none of the internet. */
function Link({ person }: { person: ParticipantView }) {
  const words = t.value.room;
  const link = person.link.value;
  if (link !== 'poor' && link !== 'lost') return null;
  const isCaller = person.phone.value !== null;
  const [poor, lost] = isCaller ? [words.poorCall, words.lostCall] : [words.poorConnection, words.lostConnection];
  const text = link === 'poor' ? poor : lost;
  return (
    <div class="tile-link" title={text} data-testid="tile-link">
      <Icon name={isCaller ? 'weakCall' : 'weakSignal'} />
      <span class="visually-hidden">, {text}</span>
    </div>
  );
}

/** The small picture in the corner would vanish behind a whole name. */
function ownName(name: string, isInset: boolean): string {
  return isInset ? t.value.room.you : fill(t.value.room.youNamed, { name });
}
