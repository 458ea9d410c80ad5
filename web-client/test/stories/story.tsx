// SPDX-License-Identifier: EUPL-1.2
// Screens that need a conference, with made-up people instead of one. `npm run dev`, then for example
// /test/stories/?people=6&share=1&chat=1&banner=1 or ?people=4&callers=3&moderator=1&calls=6&invite=1 or ?people=3&telephone=both or /test/stories/?ended=lost or /test/stories/?unsupported=1
import '../../src/theme/fonts.css';
import '../../src/theme/tokens.css';
import '../../src/theme/base.css';
import '../../src/ui/controls.css';
import '../../src/ui/picture.css';
import '../../src/theme/forced-colors.css';
import { render } from 'preact';
import { appearance, APPEARANCES, language } from '../../src/app/preferences';
import { Ended } from '../../src/screens/Ended';
import { Lobby } from '../../src/screens/Lobby';
import { NotSupported } from '../../src/screens/NotSupported';
import { RefusedScreen } from '../../src/screens/Refused';
import { Room } from '../../src/screens/Room';
import { ServerProblem } from '../../src/screens/ServerProblem';
import { screenKind, startAppearance } from '../../src/theme/appearance';
import { LiveRegions } from '../../src/ui/LiveRegion';
import { drawnScreen, drawnVideo, fakeCall, fakeCaller, fakeConference, fakeModeration, fakeParticipant } from './fake-conference';

const NAMES = [
  'Ada Lovelace', 'Bärbel Schröder', 'Cem Yıldız', 'Dr. Dorothea Erxleben', 'Emil Nowak', 'Friederike Marie von Hohenstein-Wernigerode',
  'Grace Hopper', 'Hạnh Nguyễn', 'Ines Łukasiewicz', 'Jörg Ümit', 'Konrad Zuse', 'Lise Meitner', 'Max Müller',
];

const END_REASONS = ['left', 'removed', 'replaced', 'closed', 'shutdown', 'no-media', 'lost'] as const;

const SOUND_NOTICES = ['by-telephone', 'reminder', 'both', 'gone', 'ended'] as const;

const query = new URLSearchParams(location.search);
const number = (key: string, fallback: number) => Number(query.get(key) ?? fallback);

language.value = query.get('lang') === 'en' ? 'en' : 'de';
appearance.value = APPEARANCES.find((value) => value === query.get('appearance')) ?? 'system';
screenKind.value = query.has('ended') || query.has('lobby') || query.has('refused') || query.has('unsupported') || query.has('server') ? 'page' : 'room';
startAppearance();

const local = fakeParticipant('me', 'Katharina Weiß', true);
local.camera.value = drawnVideo('me', 'Katharina Weiß', true);
const others = Array.from({ length: number('people', 5) - 1 }, (_, i) => {
  const name = NAMES[i % NAMES.length] ?? '';
  const person = fakeParticipant(`p${i}`, i < NAMES.length ? name : `${name} ${i}`);
  if (i % 4 !== 1) person.camera.value = drawnVideo(`v${i}`, `${name}${i}`);
  if (i % 3 === 1) person.microphone.value = 'muted';
  if (i % 7 === 4) person.link.value = 'poor';
  return person;
});
const CALLERS = [
  fakeCaller('c0', 'Telefon …123', '…123'),
  fakeCaller('c1', 'Hannelore Brückner-Wallenstein', '…789'),
  fakeCaller('c2', 'Unbekannte Nummer', null),
];
const callers = CALLERS.slice(0, number('callers', 0));
callers.forEach((caller, i) => {
  if (i !== 1) caller.microphone.value = 'muted';
  if (i === 1) caller.isSpeaking.value = true;
  if (i === 2) caller.link.value = 'poor';
  if (i === 0) caller.hand.value = 998;
  if (i === 2) caller.phone.value = { number: null, isNamed: false, isOnHold: true, recordingConsent: null };
});
const CALLS = [
  fakeCall('p0', 'ringing', { name: 'Bernd Beispiel', number: '…210' }),
  fakeCall('p1', 'answered', { name: '', number: '…567' }),
  fakeCall('p2', 'in_meeting', { name: 'Hannelore Brückner-Wallenstein', number: '…789' }),
  fakeCall('p3', 'ended', { name: 'Sekretariat des Oberbürgermeisters', ending: 'not_confirmed' }),
  fakeCall('p4', 'ended', { name: 'Ada Lovelace', ending: 'busy', isOwn: false }),
  fakeCall('p5', 'dialling', { name: 'Katharina Weiß', number: '…42' }),
];
const conference = fakeConference(local, [...callers, ...others]);
const speaker = others[number('speaker', 0)];
if (speaker !== undefined) speaker.isSpeaking.value = true;
for (let i = 0; i < number('share', 0); i += 1) {
  const sharer = others[i + 1];
  if (sharer !== undefined) sharer.screen.value = drawnScreen(`screen${i}`);
}
if (query.has('recorded')) conference.isRecording.value = true;
if (query.has('banner')) {
  conference.connection.value = 'reconnecting';
  conference.isSoundBlocked.value = true;
}
if (query.has('moderator')) {
  const waiting = ['Olga Petrowa', 'P. Gast', 'Telefon …456'].map((name, i) => ({ id: `w${i}`, name, isGuest: i === 1, isPhone: i === 2, sinceMs: Date.now() - 60_000 }));
  conference.moderation = fakeModeration(waiting, CALLS.slice(0, number('calls', 0)));
  if (query.has('banned')) conference.moderation.banned.value = ['Gunther Gast', 'Telefon …321'].map((name, i) => ({ id: `b${i}`, name }));
  conference.moderation.phoneCalls.isAllowed.value = !query.has('nocalls');
  others.slice(0, 2).forEach((person, i) => (person.hand.value = 1000 - i));
  others.slice(1, 2).forEach((person) => (person.maySpeak.value = false));
}
if (query.has('telephone')) {
  const { telephone } = conference;
  const kind = SOUND_NOTICES.find((known) => known === query.get('telephone')) ?? 'by-telephone';
  telephone.isIn.value = kind !== 'gone' && kind !== 'ended';
  telephone.isByTelephone.value = kind === 'by-telephone' || kind === 'reminder';
  telephone.notice.value = { kind };
  telephone.calls.value = ['p2'];
  local.microphone.value = query.has('speaking') ? 'on' : 'muted';
}
if (query.has('invite')) {
  const numbers = [{ e164: '+4936112345678', label: 'Erfurt' }, { e164: '+4930123456' }];
  const dialIn = { numbers, conference_id: '491234567', pin: query.get('invite') === 'nopin' ? null : '73914420' };
  conference.invitation = async () => (query.get('invite') === 'hidden' ? 'hidden' : { joinUrl: 'https://conf.example.org/m/4cS9kQ2LrTvX7bNzPq8wYd', dialIn });
}
if (query.has('problem')) conference.controlProblem.value = { control: 'camera', problem: 'denied' };
if (query.has('muted')) {
  local.microphone.value = 'muted';
  local.camera.value = null;
}
if (query.has('chat')) {
  const now = Date.now();
  const say = (id: number, senderName: string, text: string, ago: number) =>
    conference.chat.receive({ id: `m${id}`, senderName, text, atMs: now - ago });
  say(1, 'Ada Lovelace', 'Guten Morgen zusammen!', 400_000);
  say(2, 'Ada Lovelace', 'Die Unterlagen liegen hier: https://cloud.example/haushalt-2027?seite=12.', 395_000);
  say(3, 'Cem Yıldız', 'Danke. Ich teile gleich meinen Bildschirm, dann gehen wir die Titel durch.', 120_000);
  void conference.chat.send('Sehr gern, ich führe das Protokoll.', 'Katharina Weiß');
  say(4, 'Dr. Dorothea Erxleben', 'Bitte auch Titel 114 besprechen.', 4_000);
}

declare global {
  interface Window {
    story: typeof conference;
  }
}
window.story = conference;

function Story() {
  const reason = END_REASONS.find((known) => known === query.get('ended'));
  if (reason !== undefined) return <Ended reason={reason} onRejoin={() => undefined} />;
  if (query.has('unsupported')) return <NotSupported missing={['webrtc', 'media']} />;
  if (query.has('lobby')) {
    const waiting = { kind: 'waiting', entryId: 'e', ticket: 't', waitsFor: 'admission', position: 3, state: '' } as const;
    const times = { sinceMs: Date.now() - 75_000, startsAtMs: null };
    return <Lobby title="Haushaltsausschuss" waiting={{ ...waiting, ...times }} onLeave={() => undefined} />;
  }
  if (query.has('refused')) return <RefusedScreen reason="meeting-locked" onRetry={() => undefined} />;
  if (query.has('server')) return <ServerProblem />;
  return <Room room="Haushaltsausschuss" conference={conference} />;
}

const root = document.getElementById('app');
if (root !== null) {
  render(
    <>
      <Story />
      <LiveRegions />
    </>,
    root,
  );
}
