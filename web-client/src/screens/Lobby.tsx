// SPDX-License-Identifier: EUPL-1.2
import { useEffect } from 'preact/hooks';
import type { Waiting } from '../app/joining';
import { announcer } from '../conference/announcer';
import { clockTime, dayUnlessToday, fill, t } from '../i18n';
import { Button } from '../ui/Button';
import { Elapsed } from './Elapsed';
import { Message } from './Message';

/** What is waited for. */
function whatFor({ waitsFor, startsAtMs }: Waiting): string {
  const words = t.value.lobby.waitsFor;
  if (waitsFor !== 'start') return words[waitsFor];
  if (startsAtMs === null) return words.host;
  const day = dayUnlessToday(startsAtMs);
  return fill(day === null ? words.start : words.startOn, { day: day ?? '', time: clockTime(startsAtMs) });
}

interface LobbyProps {
  title: string;
  waiting: Waiting;
  onLeave: () => void;
}

/** Before the door: what is waited for, since when, and the way out. */
export function Lobby({ title, waiting, onLeave }: LobbyProps) {
  const words = t.value.lobby;
  const text = whatFor(waiting);
  // What changes while somebody waits is read out.
  useEffect(() => announcer.say(text), [text]);
  return (
    <Message
      icon="hourglass"
      title={words.title}
      testId="lobby"
      actions={
        <Button data-testid="leave-lobby" onClick={onLeave}>
          {words.leave}
        </Button>
      }
    >
      <p>{title}</p>
      <p data-testid="lobby-waits-for" data-waits-for={waiting.waitsFor}>
        {text}
      </p>
      <p data-testid="lobby-position">{fill(words.position, { n: waiting.position })}</p>
      <p>
        {words.since} <Elapsed sinceMs={waiting.sinceMs} />
      </p>
      <p>{words.next}</p>
    </Message>
  );
}
