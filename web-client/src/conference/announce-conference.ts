// SPDX-License-Identifier: EUPL-1.2
// Which events of a conference are read out. Speaking is not among them: it would never be quiet.
import { effect, untracked } from '@preact/signals';
import { fill, plural, t } from '../i18n';
import { inRoom } from '../i18n/room';
import type { Announcer } from './announcer';
import type { Conference, ParticipantView } from './model';
import { calledName, callWords, refusalWords, type PlacedCall } from './placed-call';

/** A longer message is read in the chat. */
const MAX_CHARS_READ = 200;

/** Has the events of a conference read out. Returns how to stop. */
export function announceConference(conference: Conference, announcer: Announcer): () => void {
  const others = conference.remotes.peek().length;
  const words = t.peek().announcements;
  announcer.say(others === 0 ? words.joinedAlone : plural(words.joinedRoom, others));
  const stops = [
    announcePeople(conference, announcer),
    announceHands(conference, announcer),
    announceScreens(conference, announcer),
    announceConnection(conference, announcer),
    announceSilence(conference, announcer),
    announceMessages(conference, announcer),
    announcePhoneCalls(conference, announcer),
    announceRefusals(conference, announcer),
    announceRecording(conference, announcer),
  ];
  return () => {
    for (const stop of stops) stop();
    announcer.reset();
  };
}

function announcePeople(conference: Conference, announcer: Announcer): () => void {
  let known = namesOf(conference.remotes.peek());
  return effect(() => {
    const present = conference.remotes.value;
    // Who is really gone is only known once the connection is back.
    if (conference.connection.value === 'reconnecting') return;
    untracked(() => {
      const now = namesOf(present);
      for (const [identity, name] of now) if (!known.has(identity)) announcer.joined(identity, name);
      for (const [identity, name] of known) if (!now.has(identity)) announcer.left(identity, name);
      known = now;
    });
  });
}

/** Whoever lowers a hand has nothing to say. */
function announceHands(conference: Conference, announcer: Announcer): () => void {
  let known: ReadonlySet<string> | null = null;
  return effect(() => {
    const raised = conference.remotes.value.filter((person) => person.hand.value !== null);
    if (conference.connection.value === 'reconnecting') return;
    untracked(() => {
      const now = new Set(raised.map((person) => person.identity));
      // Those who had raised their hands before this person came wait already.
      for (const person of known === null ? [] : raised) {
        if (known?.has(person.identity) === false) announcer.raisedHand(person.identity, person.name.peek());
      }
      for (const identity of known ?? []) if (!now.has(identity)) announcer.loweredHand(identity);
      known = now;
    });
  });
}

function announceScreens(conference: Conference, announcer: Announcer): () => void {
  let sharing = new Map<string, string>();
  return effect(() => {
    const now = new Map(
      conference.remotes.value
        .filter((person) => person.screen.value !== null)
        .map((person) => [person.identity, person.name.peek()]),
    );
    const words = t.peek().announcements;
    for (const [identity, name] of now) if (!sharing.has(identity)) announcer.say(fill(words.shareStarted, { name }));
    for (const [identity, name] of sharing) {
      if (!now.has(identity)) announcer.say(fill(words.shareStopped, { name }));
    }
    sharing = now;
  });
}

function announceConnection(conference: Conference, announcer: Announcer): () => void {
  let before = conference.connection.peek();
  return effect(() => {
    const now = conference.connection.value;
    const wasBroken = before === 'reconnecting';
    const isBroken = now === 'reconnecting';
    before = now;
    if (wasBroken === isBroken) return;
    const words = t.peek().announcements;
    announcer.say(isBroken ? words.reconnecting : words.reconnected, 'assertive');
  });
}

/** Whoever cannot see the banner would take the silence of a paused browser for the others'. */
function announceSilence(conference: Conference, announcer: Announcer): () => void {
  return effect(() => {
    // Nothing is to be heard here while the sound goes by the telephone.
    if (conference.isSoundBlocked.value && !conference.telephone.isByTelephone.value) announcer.say(t.peek().banners.soundBlocked, 'assertive');
  });
}

function announceMessages(conference: Conference, announcer: Announcer): () => void {
  let last = conference.chat.messages.peek().at(-1)?.id;
  return effect(() => {
    const messages = conference.chat.messages.value;
    const start = messages.findIndex((message) => message.id === last) + 1;
    last = messages.at(-1)?.id;
    for (const { isOwn, senderName, text } of messages.slice(start)) {
      if (isOwn) continue;
      const short = text.length > MAX_CHARS_READ ? `${text.slice(0, MAX_CHARS_READ)} …` : text;
      announcer.say(fill(t.peek().announcements.message, { name: senderName, text: short }));
    }
  });
}

/** How calls stand that were made from this page. That somebody came in by one, or left, is said of everybody. */
function announcePhoneCalls(conference: Conference, announcer: Announcer): () => void {
  let known: ReadonlyMap<string, PlacedCall> = new Map();
  return effect(() => {
    const calls = (conference.moderation?.phoneCalls.calls.value ?? []).filter(({ isOwn }) => isOwn);
    untracked(() => {
      for (const call of calls) {
        const before = known.get(call.id)?.state;
        if (before === call.state || before === 'in_meeting' || call.state === 'in_meeting') continue;
        announcer.say(fill(inRoom.peek().phoneCalls.announced, { name: calledName(call), state: callWords(call) }));
      }
      known = new Map(calls.map((call) => [call.id, call]));
    });
  });
}

/**
 * Why something did not happen to a call stands with that call in the list, and perhaps in the banner of somebody's own telephone, too.
 * What is said of a call that was to be made is in the form, which reads it out itself.
 */
function announceRefusals(conference: Conference, announcer: Announcer): () => void {
  return effect(() => {
    const refusal = conference.moderation?.phoneCalls.refusal.value ?? null;
    if (refusal === null || refusal.callId === null) return;
    untracked(() => announcer.say(refusalWords(refusal), 'assertive'));
  });
}

/** Whoever comes into a meeting that is recorded hears of it, too. */
function announceRecording(conference: Conference, announcer: Announcer): () => void {
  let before = false;
  return effect(() => {
    const now = conference.isRecording.value;
    if (now === before) return;
    before = now;
    const words = t.peek().announcements;
    announcer.say(now ? words.recordingStarted : words.recordingStopped);
  });
}

function namesOf(people: readonly ParticipantView[]): Map<string, string> {
  return new Map(people.map((person) => [person.identity, person.name.peek()]));
}
