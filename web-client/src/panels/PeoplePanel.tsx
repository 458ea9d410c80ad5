// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import type { Conference, Moderation, ParticipantView } from '../conference/model';
import { fill, plural, t } from '../i18n';
import { Avatar } from '../ui/Avatar';
import { Button, IconButton } from '../ui/Button';
import { TextField } from '../ui/Field';
import { Icon } from '../ui/Icon';
import { language } from '../app/preferences';
import { Panel } from './Panel';
import { WaitingTime } from './WaitingTime';

/** From this many people on, looking for somebody is easier by typing. */
const SEARCH_FROM = 9;

/** Who is in the room, and who can be heard and seen. */
export function PeoplePanel({ conference, onClose }: { conference: Conference; onClose: () => void }) {
  const words = t.value.people;
  const search = useSignal('');
  const { moderation } = conference;
  const remotes = sortByName(conference.remotes.value);
  const count = remotes.length + 1;
  const wanted = search.value.trim().toLocaleLowerCase(language.value);
  const shown = handsFirst([conference.local, ...remotes]).filter((person) =>
    person.name.value.toLocaleLowerCase(language.value).includes(wanted),
  );
  return (
    <Panel title={words.title} testId="people-panel" onClose={onClose}>
      <div class="people">
        {moderation !== null && <Waiting moderation={moderation} />}
        {moderation !== null && <ForAll moderation={moderation} />}
        <p class="people-count">{plural(t.value.room.inRoom, count)}</p>
        {count >= SEARCH_FROM && (
          <TextField
            label={words.search}
            value={search.value}
            autoComplete="off"
            testId="people-search"
            onInput={(text) => (search.value = text)}
          />
        )}
        <ul class="people-list">
          {shown.map((person) => (
            <Person key={person.identity} person={person} moderation={moderation} />
          ))}
        </ul>
        <p role="status">{shown.length === 0 && words.noMatch}</p>
      </div>
    </Panel>
  );
}

/** Those before the door, the first one first. */
function Waiting({ moderation }: { moderation: Moderation }) {
  const words = t.value.moderation;
  const waiting = moderation.waiting.value;
  if (waiting.length === 0) return null;
  return (
    <section class="people-waiting" aria-labelledby="waiting">
      <h3 id="waiting">{plural(t.value.room.waiting, waiting.length)}</h3>
      <ul class="people-list">
        {waiting.map(({ id, name, isGuest, sinceMs }) => (
          <li key={id} class="person" data-testid="waiting-person">
            <Avatar name={name} seed={id} />
            <span class="person-name">
              {name}
              {isGuest && <span class="person-note">{words.guest}</span>}
              <WaitingTime sinceMs={sinceMs} />
            </span>
            <IconButton
              icon="personAdd"
              label={fill(words.admit, { name })}
              data-testid="admit"
              onClick={() => void moderation.admit(id)}
            />
            <IconButton
              icon="close"
              label={fill(words.deny, { name })}
              data-testid="deny"
              onClick={() => void moderation.deny(id)}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What concerns everybody at once. */
function ForAll({ moderation }: { moderation: Moderation }) {
  const words = t.value.moderation;
  const isLocked = moderation.isLocked.value;
  const isEnding = useSignal(false);
  if (isEnding.value) {
    return (
      <div class="people-actions" role="group" aria-labelledby="end-title">
        <p id="end-title">{words.endTitle}</p>
        <Button kind="danger" data-testid="end-now" onClick={() => void moderation.end()}>
          {words.endNow}
        </Button>
        <Button data-testid="end-cancel" onClick={() => (isEnding.value = false)}>
          {words.cancel}
        </Button>
      </div>
    );
  }
  return (
    <div class="people-actions" role="group" aria-label={words.forAll}>
      <Button icon="micOff" data-testid="mute-all" onClick={() => void moderation.mute(null)}>
        {words.muteAll}
      </Button>
      <Button
        icon={isLocked ? 'lock' : 'lockOpen'}
        aria-pressed={isLocked}
        data-testid="toggle-lock"
        onClick={() => void moderation.setLocked(!isLocked)}
      >
        {isLocked ? words.unlock : words.lock}
      </Button>
      <Button icon="callEnd" data-testid="end-meeting" onClick={() => (isEnding.value = true)}>
        {words.end}
      </Button>
    </div>
  );
}

/** What a moderator can do about one person. Removing asks once more. */
function PersonActions({ person, moderation }: { person: ParticipantView; moderation: Moderation }) {
  const words = t.value.moderation;
  const isRemoving = useSignal(false);
  const { identity } = person;
  const name = person.name.value;
  if (isRemoving.value) {
    return (
      <div class="person-actions" role="group" aria-label={fill(words.removeTitle, { name })}>
        <Button kind="danger" data-testid="remove-only" onClick={() => void moderation.remove(identity, false)}>
          {words.removeOnly}
        </Button>
        <Button kind="danger" data-testid="remove-ban" onClick={() => void moderation.remove(identity, true)}>
          {words.removeBan}
        </Button>
        <Button data-testid="remove-cancel" onClick={() => (isRemoving.value = false)}>
          {words.cancel}
        </Button>
      </div>
    );
  }
  return (
    <div class="person-actions" role="group" aria-label={fill(words.forPerson, { name })}>
      {person.hand.value !== null && (
        <IconButton
          icon="hand"
          label={fill(words.lowerHand, { name })}
          data-testid="lower-hand"
          onClick={() => void moderation.lowerHand(identity)}
        />
      )}
      {person.microphone.value === 'on' && (
        <IconButton
          icon="micOff"
          label={fill(words.mute, { name })}
          data-testid="mute-person"
          onClick={() => void moderation.mute(identity)}
        />
      )}
      <IconButton
        icon="personRemove"
        label={fill(words.remove, { name })}
        data-testid="remove-person"
        onClick={() => (isRemoving.value = true)}
      />
    </div>
  );
}

function Person({ person, moderation }: { person: ParticipantView; moderation: Moderation | null }) {
  const words = t.value.people;
  const name = person.name.value;
  const microphone = person.microphone.value;
  const hasCamera = person.camera.value !== null;
  const hand = person.hand.value;
  const isSpeaking = person.isSpeaking.value && microphone === 'on';
  const microphoneWords = {
    on: words.microphoneOn,
    muted: words.microphoneMuted,
    none: words.noMicrophone,
  }[microphone];
  return (
    <li
      class="person"
      data-testid="person"
      data-participant={person.identity}
      data-microphone={microphone}
      data-camera={hasCamera ? 'on' : 'off'}
      data-hand={hand === null ? 'down' : 'up'}
    >
      <Avatar name={name} seed={person.identity} />
      <span class="person-name">
        {person.isLocal ? fill(t.value.room.youNamed, { name }) : name}
        {person.isGuest.value && <span class="person-note">{t.value.moderation.guest}</span>}
        {person.screen.value !== null && <span class="person-note">{t.value.room.sharing}</span>}
      </span>
      {hand !== null && <State icon="hand" isOn label={words.handUp} />}
      <State icon={hasCamera ? 'videocam' : 'videocamOff'} isOn={hasCamera} label={hasCamera ? words.cameraOn : words.cameraOff} />
      {isSpeaking ? (
        <State icon="speaking" isOn label={`${microphoneWords}, ${t.value.room.speaking}`} isSpeaking />
      ) : (
        <State icon={microphone === 'on' ? 'mic' : 'micOff'} isOn={microphone === 'on'} label={microphoneWords} />
      )}
      {moderation !== null && !person.isLocal && <PersonActions person={person} moderation={moderation} />}
    </li>
  );
}

interface StateProps {
  icon: 'mic' | 'micOff' | 'videocam' | 'videocamOff' | 'speaking' | 'hand';
  isOn: boolean;
  label: string;
  isSpeaking?: boolean;
}

function State({ icon, isOn, label, isSpeaking = false }: StateProps) {
  const classes = ['person-state', !isOn && 'person-state-off', isSpeaking && 'person-state-speaking'];
  return (
    <span class={classes.filter(Boolean).join(' ')} title={label}>
      <Icon name={icon} />
      <span class="visually-hidden">{label}</span>
    </span>
  );
}

/** Whoever wants to speak stands before the others, in the order of the hands. */
function handsFirst(people: readonly ParticipantView[]): ParticipantView[] {
  const place = (person: ParticipantView) => person.hand.value ?? Number.POSITIVE_INFINITY;
  return people.toSorted((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
}

function sortByName(people: readonly ParticipantView[]): ParticipantView[] {
  const collator = new Intl.Collator(language.value);
  return [...people].sort((a, b) => collator.compare(a.name.value, b.name.value));
}
