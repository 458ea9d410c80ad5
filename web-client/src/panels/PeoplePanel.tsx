// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { handPlaces } from '../conference/hands';
import type { Conference, Moderation, ParticipantView } from '../conference/model';
import { fill, plural, t } from '../i18n';
import { inRoom } from '../i18n/room';
import { PersonAvatar } from '../ui/Avatar';
import { Button } from '../ui/Button';
import { TextField } from '../ui/Field';
import { Icon } from '../ui/Icon';
import { language } from '../app/preferences';
import { BannedList } from './BannedList';
import { CallTelephone } from './CallTelephone';
import { Invite } from './Invite';
import { Panel } from './Panel';
import { PersonActions } from './PersonActions';
import { WaitingList } from './WaitingList';

/** From this many people on, looking for somebody is easier by typing. */
const SEARCH_FROM = 9;

/** Who is in the room, and who can be heard and seen. */
export function PeoplePanel({ conference, onClose }: { conference: Conference; onClose: () => void }) {
  const words = t.value.people;
  const search = useSignal('');
  const counted = useRef<HTMLParagraphElement>(null);
  const { moderation } = conference;
  const remotes = sortByName(conference.remotes.value);
  const count = remotes.length + 1;
  const wanted = search.value.trim().toLocaleLowerCase(language.value);
  const hands = handPlaces([conference.local, ...remotes]);
  const shown = handsFirst([conference.local, ...remotes]).filter((person) =>
    `${person.name.value} ${person.phone.value?.number ?? ''}`.toLocaleLowerCase(language.value).includes(wanted),
  );
  // For what goes together with its button.
  const focusCount = () => counted.current?.focus();
  const lowerHands = (by: Moderation) => {
    focusCount();
    void by.lowerHand(null);
  };
  return (
    <Panel title={words.title} testId="people-panel" onClose={onClose}>
      <div class="people">
        {moderation !== null && <WaitingList moderation={moderation} onEmptied={focusCount} />}
        {moderation !== null && <ForAll moderation={moderation} />}
        {(moderation !== null || conference.invitation !== null) && (
          <div class="people-more">
            {moderation !== null && (
              <CallTelephone phoneCalls={moderation.phoneCalls} ownName={conference.local.name.value} onFocusLost={focusCount} />
            )}
            {conference.invitation !== null && <Invite ask={conference.invitation} />}
          </div>
        )}
        <div class="people-count">
          <p ref={counted} tabIndex={-1} data-testid="people-count">
            {plural(t.value.room.inRoom, count)}
          </p>
          {/* One alone has a button beside the person. */}
          {moderation !== null && hands.size > 1 && (
            <Button kind="quiet" data-testid="lower-hands" onClick={() => lowerHands(moderation)}>
              {t.value.moderation.lowerHands}
            </Button>
          )}
        </div>
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
            <Person
              key={person.identity}
              person={person}
              handPlace={hands.get(person.identity) ?? null}
              isRecording={conference.isRecording.value}
              moderation={moderation}
            />
          ))}
        </ul>
        <p role="status">{shown.length === 0 && words.noMatch}</p>
        {moderation !== null && <BannedList moderation={moderation} onEmptied={focusCount} />}
      </div>
    </Panel>
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

interface PersonProps {
  person: ParticipantView;
  /** Where the raised hand stands in the queue; null while it is down. */
  handPlace: number | null;
  isRecording: boolean;
  moderation: Moderation | null;
}

function Person({ person, handPlace, isRecording, moderation }: PersonProps) {
  const words = t.value.people;
  const name = person.name.value;
  const microphone = person.microphone.value;
  const hasCamera = person.camera.value !== null;
  const call = person.phone.value;
  const isSpeaking = person.isSpeaking.value && microphone === 'on';
  // Where the rules let few people speak, everybody else reads it once too often.
  const isHeldShown = !person.maySpeak.value && (moderation !== null || person.isLocal);
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
      data-hand={handPlace === null ? 'down' : 'up'}
      data-phone={call !== null}
    >
      <PersonAvatar person={person} />
      <span class="person-name">
        {person.isLocal ? fill(t.value.room.youNamed, { name }) : name}
        {call !== null && call.number !== null && !name.includes(call.number) && <span class="person-note">{call.number}</span>}
        {call !== null && <span class="person-note">{inRoom.value.callers.unencrypted}</span>}
        {call?.isOnHold === true && <span class="person-note">{t.value.room.onHold}</span>}
        {call !== null && isRecording && <span class="person-note">{words.recordingConsent[call.recordingConsent ?? 'none']}</span>}
        {isHeldShown && <span class="person-note">{t.value.moderation.mayNotSpeak}</span>}
        {person.isGuest.value && <span class="person-note">{t.value.moderation.guest}</span>}
        {person.screen.value !== null && <span class="person-note">{t.value.room.sharing}</span>}
      </span>
      {handPlace !== null && <State icon="hand" isOn figure={handPlace} label={fill(words.handUp, { n: handPlace })} />}
      {call === null ? (
        <State icon={hasCamera ? 'videocam' : 'videocamOff'} isOn={hasCamera} label={hasCamera ? words.cameraOn : words.cameraOff} />
      ) : (
        <State icon={call.isOnHold ? 'callPaused' : 'call'} isOn={!call.isOnHold} label={t.value.room.byPhone} />
      )}
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
  icon: 'mic' | 'micOff' | 'videocam' | 'videocamOff' | 'speaking' | 'hand' | 'call' | 'callPaused';
  isOn: boolean;
  /** In words, the figure among them. */
  label: string;
  figure?: number;
  isSpeaking?: boolean;
}

function State({ icon, isOn, label, figure, isSpeaking = false }: StateProps) {
  const classes = ['person-state', !isOn && 'person-state-off', isSpeaking && 'person-state-speaking'];
  return (
    <span class={classes.filter(Boolean).join(' ')} title={label}>
      <Icon name={icon} />
      {figure !== undefined && <span aria-hidden="true">{figure}</span>}
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
