// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import type { Conference, ParticipantView } from '../conference/model';
import { fill, plural, t } from '../i18n';
import { Avatar } from '../ui/Avatar';
import { TextField } from '../ui/Field';
import { Icon } from '../ui/Icon';
import { language } from '../app/preferences';
import { Panel } from './Panel';

/** From this many people on, looking for somebody is easier by typing. */
const SEARCH_FROM = 9;

/** Who is in the room, and who can be heard and seen. */
export function PeoplePanel({ conference, onClose }: { conference: Conference; onClose: () => void }) {
  const words = t.value.people;
  const search = useSignal('');
  const remotes = sortByName(conference.remotes.value);
  const count = remotes.length + 1;
  const wanted = search.value.trim().toLocaleLowerCase(language.value);
  const shown = [conference.local, ...remotes].filter((person) =>
    person.name.value.toLocaleLowerCase(language.value).includes(wanted),
  );
  return (
    <Panel title={words.title} testId="people-panel" onClose={onClose}>
      <div class="people">
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
            <Person key={person.identity} person={person} />
          ))}
        </ul>
        <p role="status">{shown.length === 0 && words.noMatch}</p>
      </div>
    </Panel>
  );
}

function Person({ person }: { person: ParticipantView }) {
  const words = t.value.people;
  const name = person.name.value;
  const microphone = person.microphone.value;
  const hasCamera = person.camera.value !== null;
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
    >
      <Avatar name={name} seed={person.identity} />
      <span class="person-name">
        {person.isLocal ? fill(t.value.room.youNamed, { name }) : name}
        {person.screen.value !== null && <span class="person-note">{t.value.room.sharing}</span>}
      </span>
      <State icon={hasCamera ? 'videocam' : 'videocamOff'} isOn={hasCamera} label={hasCamera ? words.cameraOn : words.cameraOff} />
      {isSpeaking ? (
        <State icon="speaking" isOn label={`${microphoneWords}, ${t.value.room.speaking}`} isSpeaking />
      ) : (
        <State icon={microphone === 'on' ? 'mic' : 'micOff'} isOn={microphone === 'on'} label={microphoneWords} />
      )}
    </li>
  );
}

interface StateProps {
  icon: 'mic' | 'micOff' | 'videocam' | 'videocamOff' | 'speaking';
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

function sortByName(people: readonly ParticipantView[]): ParticipantView[] {
  const collator = new Intl.Collator(language.value);
  return [...people].sort((a, b) => collator.compare(a.name.value, b.name.value));
}
