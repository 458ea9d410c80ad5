// SPDX-License-Identifier: EUPL-1.2
import { useEffect } from 'preact/hooks';
import type { Waiting } from '../app/joining';
import { announcer } from '../conference/announcer';
import { clockTime, fill, t } from '../i18n';
import { Button } from '../ui/Button';
import { Elapsed } from './Elapsed';
import { Message } from './Message';

interface LobbyProps {
  title: string;
  waiting: Waiting;
  onLeave: () => void;
}

/** Before the door: what is waited for, since when, and the way out. */
export function Lobby({ title, waiting, onLeave }: LobbyProps) {
  const words = t.value.lobby;
  const what = words.waitsFor[waiting.waitsFor];
  const startsAt = waiting.startsAtMs === null ? '' : clockTime(waiting.startsAtMs);
  const text = waiting.startsAtMs === null && waiting.waitsFor === 'start' ? words.waitsFor.host : what;
  // What changes while somebody waits is read out.
  useEffect(() => announcer.say(fill(text, { time: startsAt })), [text, startsAt]);
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
        {fill(text, { time: startsAt })}
      </p>
      <p data-testid="lobby-position">{fill(words.position, { n: waiting.position })}</p>
      <p>
        {words.since} <Elapsed sinceMs={waiting.sinceMs} />
      </p>
      <p>{words.next}</p>
    </Message>
  );
}
