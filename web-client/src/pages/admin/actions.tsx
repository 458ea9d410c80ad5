// SPDX-License-Identifier: EUPL-1.2
// What can be done with a thing: a button each. What takes details asks for them, and what cannot be undone asks whether it
// is meant.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { announcer } from '../../conference/announcer';
import { Button } from '../../ui/Button';
import { newKey } from '../api/client';
import { Dialog } from '../ui/Dialog';
import { focusFirstError, type Option } from '../ui/fields';
import { fieldErrors, Trouble } from '../ui/Trouble';
import { forgetChoices, nameOf, request, type Api } from './api';
import { initial, isObject, missing, said, type Json, type JsonObject } from './form';
import { Field, SchemaForm, type Offers } from './SchemaForm';
import { fillPath, missingValues, type Operation } from './resources';
import { SecretFields, secretsIn } from './secrets';
import { Facts } from './Value';
import { a, actionWords } from './words';

interface ActionButtonsProps {
  api: Api;
  actions: readonly Operation[];
  /** Values for the placeholders of their paths. */
  values: Readonly<Record<string, string>>;
  /** What they are done to. */
  subject: JsonObject | null;
  onDone: () => void;
}

/** The last word of a path, or its last placeholder. */
function wordOf(path: string): string {
  return path.split('/').at(-1) ?? '';
}

/** What ends something for people, and is red. */
const HARSH = new Set(['end', 'remove', 'erasures']);

/** The buttons. */
export function ActionButtons({ api, actions, values, subject, onDone }: ActionButtonsProps) {
  const open = useSignal<Operation | null>(null);
  return (
    <>
      {actions.map((action) => {
        const word = wordOf(action.path);
        return (
          <Button
            key={`${action.verb} ${action.path}`}
            kind={HARSH.has(word) ? 'danger' : 'secondary'}
            data-testid={`action-${word.replaceAll(/[{}]/g, '')}`}
            onClick={() => (open.value = action)}
          >
            {actionWords(word, action.summary).do}
          </Button>
        );
      })}
      {open.value !== null && (
        <ActionDialog
          api={api}
          action={open.value}
          values={values}
          subject={subject}
          onClose={() => (open.value = null)}
          onDone={() => {
            open.value = null;
            onDone();
          }}
        />
      )}
    </>
  );
}

interface ActionDialogProps {
  api: Api;
  action: Operation;
  values: Readonly<Record<string, string>>;
  subject: JsonObject | null;
  onClose: () => void;
  onDone: () => void;
}

/** Asks for what is needed, does it, and shows what comes of it. */
export function ActionDialog({ api, action, values, subject, onClose, onDone }: ActionDialogProps) {
  const words = a.value;
  const form = useRef<HTMLFormElement>(null);
  const word = wordOf(action.path);
  const told = actionWords(word, action.summary);
  const shape = api.schemas.shape(action.body?.schema);
  const wanted = missingValues(action.path, values);
  const own = useSignal<Readonly<Record<string, string>>>({});
  const value = useSignal<JsonObject>(initial(shape, api.schemas));
  const problem = useSignal<unknown>(null);
  const ownErrors = useSignal<ReadonlyMap<string, string>>(new Map());
  const isBusy = useSignal(false);
  const answer = useSignal<JsonObject | null>(null);
  const key = useRef({ value: newKey(), body: '' });
  const offers = useOffers(values, subject);

  const run = async () => {
    if (isBusy.value) return;
    problem.value = null;
    const path = fillPath(action.path, { ...values, ...own.value });
    const wanting = [...(action.body === null ? [] : missing(value.value, shape, api.schemas)), ...wanted.filter((name) => (own.value[name] ?? '') === '').map((name) => `/${name}`)];
    ownErrors.value = new Map(wanting.map((pointer) => [pointer, words.required]));
    if (path === null || wanting.length > 0) {
      requestAnimationFrame(() => focusFirstError(form.current));
      return;
    }
    isBusy.value = true;
    try {
      const body = action.body === null ? undefined : said(value.value);
      const text = JSON.stringify(body ?? null);
      if (key.current.body !== text) key.current = { value: newKey(), body: text };
      const method = action.verb.toUpperCase() as 'POST' | 'PUT';
      const { body: found } = await request<Json | undefined>(method, path, {
        ...(body === undefined ? {} : { body }),
        ...(action.takesKey ? { idempotencyKey: key.current.value } : {}),
      });
      forgetChoices();
      announcer.say(words.done);
      if (isObject(found)) answer.value = found;
      else onDone();
    } catch (error) {
      problem.value = error;
      requestAnimationFrame(() => focusFirstError(form.current));
    } finally {
      isBusy.value = false;
    }
  };

  if (answer.value !== null) {
    const known = { ...api.schemas.shape(undefined), properties: Object.fromEntries(Object.keys(subject ?? {}).map((name) => [name, {}])) };
    const hasSecrets = secretsIn(answer.value, known).length > 0;
    return (
      <Dialog title={hasSecrets ? words.secretTitle : words.done} isWide onClose={onDone} testId="action-answer">
        {hasSecrets && <p class="notice notice-warning">{words.secretText}</p>}
        {hasSecrets ? (
          <SecretFields made={answer.value} known={known} />
        ) : (
          <Facts api={api} thing={answer.value} shape={api.schemas.shape(action.answer ?? undefined)} />
        )}
        <div class="actions">
          <Button kind="primary" data-testid="answer-close" onClick={onDone}>
            {words.close}
          </Button>
        </div>
      </Dialog>
    );
  }
  const errors = new Map([...fieldErrors(problem.value), ...ownErrors.value]);
  const name = subject === null ? '' : nameOf(subject);
  return (
    <Dialog title={name === '' ? told.do : `${told.do}: ${name}`} onClose={onClose} testId="action-dialog" isWide={action.body !== null}>
      {told.ask !== undefined && <p class="dialog-text">{told.ask}</p>}
      {problem.value !== null && <Trouble problem={problem.value} />}
      <form
        class="stack"
        ref={form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        {wanted.map((one) => (
          <Field
            key={one}
            api={api}
            errors={errors}
            offers={offers}
            owner={null}
            name={one}
            schema={{ type: 'string' }}
            isRequired
            pointer={`/${one}`}
            value={own.value[one]}
            onChange={(entered) => (own.value = { ...own.value, [one]: typeof entered === 'string' ? entered : '' })}
          />
        ))}
        {action.body !== null && (
          <SchemaForm api={api} errors={errors} offers={offers} shape={shape} value={value.value} onChange={(changed) => (value.value = changed)} />
        )}
        <div class="actions">
          <Button onClick={onClose} data-testid="action-cancel">
            {words.cancel}
          </Button>
          <Button kind={HARSH.has(word) ? 'danger' : 'primary'} type="submit" data-testid="action-do" aria-disabled={isBusy.value}>
            {told.do}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Who is in a running meeting, who waits, who is banned, and where else somebody could go. */
function useOffers(values: Readonly<Record<string, string>>, subject: JsonObject | null): Offers {
  const offers = useSignal<Offers>({});
  const session = values['session_id'];
  useEffect(() => {
    if (session === undefined || subject === null) return;
    const people = things(subject['participants']).map((person) => ({ value: String(person['identity']), label: nameOf(person) }));
    const bans = things(subject['bans']).map((ban) => ({ value: String(ban['id']), label: nameOf(ban) }));
    const own: Offers = { ...(people.length > 0 ? { identity: people } : {}), ...(bans.length > 0 ? { ban_id: bans } : {}) };
    offers.value = own;
    const load = async () => {
      const [lobby, others] = await Promise.all([
        request<{ items?: Json }>('GET', `/meeting_sessions/${session}/lobby`),
        request<{ items?: Json }>('GET', '/meeting_sessions?status=running&limit=200'),
      ]);
      const option = (thing: JsonObject): Option => ({ value: String(thing['id']), label: nameOf(thing) });
      const waiting = things(lobby.body.items).map(option);
      const elsewhere = things(others.body.items).filter((one) => one['id'] !== session).map(option);
      offers.value = { ...own, ...(waiting.length > 0 ? { entry_id: waiting } : {}), ...(elsewhere.length > 0 ? { to_session_id: elsewhere } : {}) };
    };
    // Without them, ids can be entered by hand.
    load().catch(() => undefined);
  }, [session, subject]);
  return offers.value;
}

function things(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isObject) : [];
}
