// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import { navigate } from '../../app/router';
import { announcer } from '../../conference/announcer';
import { dialInText, type DialIn } from '../../conference/dial-in';
import { fill, plural } from '../../i18n';
import { Button } from '../../ui/Button';
import { ask, get } from '../api/client';
import { Go } from '../Shell';
import { CopyButton } from '../../ui/Copy';
import { Trouble } from '../ui/Trouble';
import { w } from '../words';
import { dateAndTime, timeOfDay } from '../words/dates';
import type { Live } from './calendar';
import { nearness, titleOf, type Entry, type Response } from './entries';

interface EntryCardProps {
  entry: Entry;
  zone: string;
  nowMs: number;
  live: Live | null;
  onAnswered: (response: Response) => void;
}

/** One meeting of a day. */
export function EntryCard({ entry, zone, nowMs, live, onAnswered }: EntryCardProps) {
  const words = w.value.day;
  const near = nearness(entry, nowMs);
  const isLive = live !== null && near !== 'over';
  const isNear = isLive || near === 'running' || near === 'soon';
  const title = titleOf(entry);
  const [start, end] = [Date.parse(entry.starts_at), Date.parse(entry.ends_at)];
  return (
    <li class={`entry card ${isNear ? 'entry-near' : ''} ${near === 'over' ? 'entry-over' : ''}`} data-testid="entry" data-meeting={entry.meeting_id}>
      <p class="entry-time">
        <time dateTime={entry.starts_at} class="entry-start">
          {timeOfDay(start, zone)}
        </time>
        <span class="visually-hidden"> – </span>
        <time dateTime={entry.ends_at} class="entry-end">
          {end - start >= 86_400_000 ? dateAndTime(end, zone) : timeOfDay(end, zone)}
        </time>
      </p>
      <div class="entry-what">
        <h3 class="entry-title">
          <Go to={`/meetings/${entry.meeting_id}`} label={fill(words.details, { title })} testId="entry-details">
            {title}
          </Go>
        </h3>
        <p class="entry-facts">
          <span>{entry.own?.is_organizer === true ? words.own : fill(words.invitedBy, { name: entry.organizer_name })}</span>
          <Nearness entry={entry} nowMs={nowMs} live={live} />
          {entry.is_exception && <span class="badge">{words.series}</span>}
        </p>
        {entry.own !== null && entry.own.response_status !== null && !entry.own.is_organizer && (
          <Answer entry={entry} isOpen={near !== 'over'} onAnswered={onAnswered} />
        )}
      </div>
      {near !== 'over' && (
        <div class="entry-actions">
          <Button
            kind={isNear ? 'primary' : 'secondary'}
            data-testid="entry-join"
            aria-label={fill(words.joinNamed, { title })}
            onClick={() => navigate(new URL(entry.join_url, location.origin).pathname)}
          >
            {words.join}
          </Button>
          <CopyButton text={entry.join_url} label={words.copyLink} name={`${words.copyLink}: ${title}`} testId="entry-copy" />
          <CopyDialIn entry={entry} title={title} />
        </div>
      )}
    </li>
  );
}

function Nearness({ entry, nowMs, live }: { entry: Entry; nowMs: number; live: Live | null }) {
  const words = w.value.day;
  const near = nearness(entry, nowMs);
  if (live !== null && near !== 'over') {
    const inside = live.current_participants > 0 ? ` · ${plural(words.peopleInside, live.current_participants)}` : '';
    return (
      <span class="badge badge-live" data-testid="entry-live">
        {words.running}
        {inside}
      </span>
    );
  }
  if (near === 'running') return <span class="badge badge-live">{words.running}</span>;
  if (near !== 'soon') return null;
  const minutes = Math.ceil((Date.parse(entry.starts_at) - nowMs) / 60_000);
  return <span class="badge badge-soon">{minutes <= 1 ? words.soon : plural(words.startsIn, minutes)}</span>;
}

const CHOICES = ['accepted', 'tentative', 'declined'] as const;

/** What somebody answers to an invitation; it holds for the whole series. */
function Answer({ entry, isOpen, onAnswered }: { entry: Entry; isOpen: boolean; onAnswered: (response: Response) => void }) {
  const words = w.value.day;
  const problem = useSignal<unknown>(null);
  const given = entry.own?.response_status ?? 'needs_action';
  if (!isOpen) return <p class="entry-facts">{words.answers[given]}</p>;
  const answer = async (response: (typeof CHOICES)[number]) => {
    problem.value = null;
    try {
      await ask('PUT', `/meetings/${entry.meeting_id}/response`, { body: { response_status: response } });
      onAnswered(response);
      announcer.say(fill(words.answered, { answer: words.answers[response] }));
    } catch (error) {
      problem.value = error;
    }
  };
  return (
    <>
      <div class="answer" role="group" aria-label={fill(words.answer, { title: titleOf(entry) })}>
        {CHOICES.map((choice) => (
          <button
            key={choice}
            type="button"
            class="answer-choice"
            aria-pressed={given === choice}
            data-testid={`answer-${choice}`}
            onClick={() => void answer(choice)}
          >
            {given === choice ? words.answers[choice] : words.answering[choice]}
          </button>
        ))}
      </div>
      {problem.value !== null && <Trouble problem={problem.value} />}
    </>
  );
}

/** The number is with the meeting, not with each of its times: it is asked for when somebody wants it. */
function CopyDialIn({ entry, title }: { entry: Entry; title: string }) {
  const words = w.value.day;
  const find = async () => {
    try {
      const { body } = await get<{ dial_in: DialIn }>(`/meetings/${entry.meeting_id}`);
      const text = dialInText(body.dial_in);
      return text === null ? { problem: words.noDialIn } : { text };
    } catch {
      return { problem: w.peek().problems.unreachable };
    }
  };
  return <CopyButton text={find} label={words.copyDialIn} name={`${words.copyDialIn}: ${title}`} testId="entry-dial-in" />;
}
