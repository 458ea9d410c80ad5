// SPDX-License-Identifier: EUPL-1.2
// Makes a meeting, or changes one. What somebody typed is never lost: not by an error, not by signing in again, not by
// somebody else's change.
import { useSignal } from '@preact/signals';
import type { TargetedEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { navigate, replaceRoute } from '../../app/router';
import type { Config } from '../../app/config';
import { announcer } from '../../conference/announcer';
import { fill } from '../../i18n';
import { Button } from '../../ui/Button';
import { ScreenHeading } from '../../ui/PageFrame';
import { ask, get, newKey } from '../api/client';
import { ApiProblem } from '../../app/problem';
import { Shell } from '../Shell';
import { Loading } from '../ui/Dialog';
import { focusFirstError } from '../ui/fields';
import { fieldErrors, Trouble } from '../ui/Trouble';
import { w } from '../words';
import { creation, checkDraft, draftOf, emptyDraft, isSame, patch, type Draft, type Meeting } from './draft';
import { Fields } from './Fields';
import { Stale } from './Stale';
import { ownZone, wallTime } from './zone';
import './schedule.css';

interface Loaded {
  readonly meeting: Meeting;
  readonly etag: string | null;
}

/** The page. Without an id it makes a new meeting. */
export function Schedule({ config, id }: { config: Config; id: string | null }) {
  const words = w.value.form;
  const loaded = useSignal<Loaded | null>(null);
  const problem = useSignal<unknown>(null);
  const load = () => {
    if (id === null) return;
    problem.value = null;
    loadMeeting(id).then(
      (found) => (loaded.value = found),
      (error: unknown) => (problem.value = error),
    );
  };
  useEffect(load, [id]);
  const title = id === null ? words.titleNew : words.titleEdit;
  return (
    <Shell config={config} title={title}>
      {problem.value !== null && <Trouble problem={problem.value} onRetry={load} />}
      {id !== null && loaded.value === null && problem.value === null && <Loading />}
      {(id === null || loaded.value !== null) && <Form title={title} id={id} first={loaded.value} />}
    </Shell>
  );
}

async function loadMeeting(id: string): Promise<Loaded> {
  const { body, etag } = await get<Meeting>(`/meetings/${id}?expand=invitees`);
  return { meeting: body, etag };
}

interface FormProps {
  title: string;
  id: string | null;
  first: Loaded | null;
}

function Form({ title, id, first }: FormProps) {
  const words = w.value.form;
  const form = useRef<HTMLFormElement>(null);
  const [start] = useState(() => (first === null ? emptyDraft(Date.now(), ownZone()) : draftOf(first.meeting)));
  const draft = useSignal<Draft>(start);
  /** As the server has it, as far as this page knows. */
  const base = useSignal<{ draft: Draft; etag: string | null }>({ draft: start, etag: first?.etag ?? null });
  const isBusy = useSignal(false);
  const problem = useSignal<unknown>(null);
  const ownErrors = useSignal<ReadonlyMap<string, string>>(new Map());
  const stale = useSignal<Loaded | null>(null);
  // The same key until it is saved: pressing twice, or again after a lost answer, makes one meeting.
  const key = useRef({ value: newKey(), body: '' });
  const isSaved = useRef(false);

  const isDirty = () => !isSaved.current && !isSame(draft.peek(), base.peek().draft);
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => {
      if (isDirty()) event.preventDefault();
    };
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, []);

  const change = (with_: Partial<Draft>) => {
    draft.value = { ...draft.peek(), ...with_ };
    if (ownErrors.peek().size > 0) ownErrors.value = ownWords(draft.peek());
  };
  const showErrors = () => requestAnimationFrame(() => focusFirstError(form.current));

  const save = async (status: 'draft' | 'scheduled') => {
    if (isBusy.value) return;
    ownErrors.value = ownWords(draft.value);
    problem.value = null;
    if (ownErrors.value.size > 0) {
      showErrors();
      return;
    }
    isBusy.value = true;
    try {
      const saved = await send(id, draft.value, base.value, status, key.current);
      isSaved.current = true;
      announcer.say(fill(words.saved, { title: draft.value.title }));
      replaceRoute(`/meetings/${saved}`);
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 412 && id !== null) {
        // Somebody was quicker: their version is shown beside what was typed.
        stale.value = await loadMeeting(id).catch(() => null);
        if (stale.value === null) problem.value = error;
      } else problem.value = error;
      showErrors();
    } finally {
      isBusy.value = false;
    }
  };

  const submit = (event: TargetedEvent<HTMLFormElement>) => {
    event.preventDefault();
    void save('scheduled');
  };
  const errors = new Map([...fieldErrors(problem.value), ...ownErrors.value]);
  const leave = () => {
    // oxlint-disable-next-line no-alert -- the browser's own question is the one it asks when the tab is closed
    if (isDirty() && !window.confirm(words.leaveAnyway)) return;
    isSaved.current = true;
    navigate(id === null ? '/meetings' : `/meetings/${id}`);
  };
  const isQuiet = draft.value.delivery !== 'mail';
  return (
    <form class="schedule" ref={form} noValidate onSubmit={submit} data-testid="schedule-form">
      <ScreenHeading>{title}</ScreenHeading>
      {problem.value !== null && <Trouble problem={problem.value} />}
      {problem.value instanceof ApiProblem && problem.value.code === 'capacity-exhausted' && (
        <Alternatives problem={problem.value} zone={draft.value.zone} onChoose={(at) => change(wallTime(at, draft.value.zone))} />
      )}
      <Fields draft={draft.value} id={id} errors={errors} onChange={change} />
      <div class="actions schedule-actions">
        <Button kind="primary" type="submit" data-testid="save" aria-disabled={isBusy.value}>
          {isBusy.value ? words.saving : isQuiet || id !== null ? words.saveQuietly : words.save}
        </Button>
        {id === null && (
          <Button data-testid="save-draft" aria-disabled={isBusy.value} onClick={() => void save('draft')}>
            {words.draft}
          </Button>
        )}
        <Button kind="quiet" data-testid="discard" onClick={leave}>
          {words.discard}
        </Button>
      </div>
      {stale.value !== null && (
        <Stale
          before={base.value.draft}
          now={draftOf(stale.value.meeting)}
          onKeepMine={() => {
            if (stale.value === null) return;
            // My changes, on top of theirs: what I did not touch becomes theirs.
            const theirs = draftOf(stale.value.meeting);
            const mine = draft.value;
            const before = base.value.draft;
            const names = Object.keys(mine) as (keyof Draft)[];
            const untouched = names.filter((name) => isSame(mine[name], before[name]));
            draft.value = { ...mine, ...Object.fromEntries(untouched.map((name) => [name, theirs[name]])) };
            base.value = { draft: theirs, etag: stale.value.etag };
            stale.value = null;
            void save('scheduled');
          }}
          onTakeTheirs={() => {
            if (stale.value === null) return;
            const theirs = draftOf(stale.value.meeting);
            base.value = { draft: theirs, etag: stale.value.etag };
            draft.value = theirs;
            stale.value = null;
          }}
          onClose={() => (stale.value = null)}
        />
      )}
    </form>
  );
}

/** Sends what is new. Returns the meeting's id. */
async function send(
  id: string | null,
  draft: Draft,
  base: { draft: Draft; etag: string | null },
  status: 'draft' | 'scheduled',
  key: { value: string; body: string },
): Promise<string> {
  if (id !== null) {
    const changes = patch(base.draft, draft);
    if (Object.keys(changes).length > 0) await ask('PATCH', `/meetings/${id}`, { body: changes, etag: base.etag });
    return id;
  }
  const body = creation(draft, status);
  const text = JSON.stringify(body);
  // Another body is another wish, and must not have the key of the one before.
  if (key.body !== '' && key.body !== text) key.value = newKey();
  key.body = text;
  const made = await ask<Meeting>('POST', '/meetings', { body, idempotencyKey: key.value });
  return made.body.id;
}

/** What the form itself finds wrong, in words. */
function ownWords(draft: Draft): ReadonlyMap<string, string> {
  const words = w.value.form;
  return new Map([...checkDraft(draft)].map(([pointer, problem]) => [pointer, words[problem]]));
}

function Alternatives({ problem, zone, onChoose }: { problem: ApiProblem; zone: string; onChoose: (atMs: number) => void }) {
  const words = w.value.form;
  const given = problem.document['alternatives'];
  const times = Array.isArray(given) ? given.filter((time): time is string => typeof time === 'string') : [];
  return (
    <div class="actions">
      {times.map((time) => (
        <Button key={time} onClick={() => onChoose(Date.parse(time))}>
          {fill(words.chooseStart, { time: new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short', timeZone: zone }).format(Date.parse(time)) })}
        </Button>
      ))}
    </div>
  );
}
