// SPDX-License-Identifier: EUPL-1.2
// The times of a series: each can be moved or cancelled alone.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { announcer } from '../../conference/announcer';
import { fill } from '../../i18n';
import { Button } from '../../ui/Button';
import { ask, get, query, type Page } from '../api/client';
import type { Entry } from '../day/entries';
import { Confirm, Dialog, Loading } from '../ui/Dialog';
import { Input } from '../ui/fields';
import { fieldErrors, Trouble } from '../ui/Trouble';
import { w } from '../words';
import { dateAndTime, longDate, timeOfDay } from '../words/dates';
import type { Meeting } from './draft';
import { instant, ownZone, wallTime } from './zone';

type Occurrence = Pick<Entry, 'recurrence_id' | 'starts_at' | 'ends_at' | 'status' | 'is_exception'>;

interface OccurrencesProps {
  meeting: Meeting;
  etag: string | null;
  mayChange: boolean;
  onChanged: () => void;
}

/** Times on a page. */
const PAGE = 10;

/** The list, from today on. */
export function Occurrences({ meeting, etag, mayChange, onChanged }: OccurrencesProps) {
  const { meeting: words, day, form } = w.value;
  const items = useSignal<readonly Occurrence[] | null>(null);
  const cursor = useSignal<string | null>(null);
  const problem = useSignal<unknown>(null);
  const cancels = useSignal<Occurrence | null>(null);
  const moves = useSignal<Occurrence | null>(null);
  const load = async (isMore: boolean) => {
    problem.value = null;
    try {
      const wanted = { limit: PAGE, starts_after: new Date(Date.now() - 86_400_000).toISOString(), cursor: isMore ? cursor.value : null };
      const { body } = await get<Page<Occurrence>>(`/meetings/${meeting.id}/occurrences${query(wanted)}`);
      items.value = isMore ? [...(items.value ?? []), ...body.items] : body.items;
      cursor.value = body.next_cursor ?? null;
    } catch (error) {
      problem.value = error;
    }
  };
  // Whatever changes has another ETag.
  useEffect(() => void load(false), [etag]);
  const zone = ownZone();
  const cancel = async (one: Occurrence) => {
    problem.value = null;
    try {
      await ask('DELETE', `/meetings/${meeting.id}/occurrences/${one.recurrence_id}`, { etag });
      cancels.value = null;
      announcer.say(words.done);
      onChanged();
    } catch (error) {
      problem.value = error;
    }
  };
  return (
    <section class="card section" data-testid="occurrences">
      <h2>{words.occurrences}</h2>
      {problem.value !== null && <Trouble problem={problem.value} onRetry={() => void load(false)} />}
      {items.value === null && problem.value === null && <Loading />}
      <ul class="people">
        {items.value?.map((one) => {
          const date = longDate(Date.parse(one.starts_at), zone);
          const isCancelled = one.status === 'cancelled';
          return (
            <li key={one.recurrence_id} class="people-row" data-testid="occurrence" data-status={one.status}>
              <span class={`people-name ${isCancelled ? 'is-cancelled' : ''}`}>
                {date}, {timeOfDay(Date.parse(one.starts_at), zone)}
              </span>
              <span class="people-facts">
                {isCancelled && <span class="badge badge-danger">{words.cancelled}</span>}
                {!isCancelled && one.is_exception && <span class="badge badge-warning">{words.moved}</span>}
                {mayChange && !isCancelled && (
                  <>
                    <Button kind="quiet" aria-label={fill(words.moveOne, { date })} data-testid="move-occurrence" onClick={() => (moves.value = one)}>
                      {words.move}
                    </Button>
                    <Button kind="quiet" aria-label={fill(words.cancelOne, { date })} data-testid="cancel-occurrence" onClick={() => (cancels.value = one)}>
                      {words.cancelDate}
                    </Button>
                  </>
                )}
              </span>
            </li>
          );
        })}
      </ul>
      {items.value?.length === 0 && <p>{form.noDates}</p>}
      {cursor.value !== null && (
        <p>
          <Button onClick={() => void load(true)}>{day.more}</Button>
        </p>
      )}
      {cancels.value !== null && (
        <Confirm
          title={words.cancelOneTitle}
          text={<p>{fill(words.cancelOneText, { date: dateAndTime(Date.parse(cancels.value.starts_at), zone) })}</p>}
          confirm={words.doCancel}
          keep={words.keep}
          isDanger
          error={problem.value === null ? undefined : <Trouble problem={problem.value} />}
          onConfirm={() => cancels.value !== null && void cancel(cancels.value)}
          onClose={() => (cancels.value = null)}
        />
      )}
      {moves.value !== null && (
        <Move
          meeting={meeting}
          one={moves.value}
          etag={etag}
          onMoved={() => {
            moves.value = null;
            announcer.say(words.done);
            onChanged();
          }}
          onClose={() => (moves.value = null)}
        />
      )}
    </section>
  );
}

interface MoveProps {
  meeting: Meeting;
  one: Occurrence;
  etag: string | null;
  onMoved: () => void;
  onClose: () => void;
}

function Move({ meeting, one, etag, onMoved, onClose }: MoveProps) {
  const { meeting: words, form } = w.value;
  const start = wallTime(Date.parse(one.starts_at), meeting.time_zone);
  const date = useSignal(start.date);
  const time = useSignal(start.time);
  const problem = useSignal<unknown>(null);
  const save = async () => {
    const atMs = instant({ date: date.value, time: time.value }, meeting.time_zone);
    if (Number.isNaN(atMs)) return;
    problem.value = null;
    try {
      const path = `/meetings/${meeting.id}/occurrences/${one.recurrence_id}`;
      await ask('PATCH', path, { etag, body: { starts_at: new Date(atMs).toISOString().replace('.000', '') } });
      onMoved();
    } catch (error) {
      problem.value = error;
    }
  };
  const errors = fieldErrors(problem.value);
  return (
    <Dialog title={words.moveTitle} onClose={onClose} testId="move">
      {problem.value !== null && <Trouble problem={problem.value} />}
      <form
        class="stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Input label={form.date} type="date" value={date.value} error={errors.get('/starts_at')} testId="move-date" onInput={(text) => (date.value = text)} />
        <Input label={form.time} type="time" value={time.value} testId="move-time" onInput={(text) => (time.value = text)} />
        <div class="actions">
          <Button onClick={onClose}>{form.discard}</Button>
          <Button kind="primary" type="submit" data-testid="move-save">
            {words.move}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
