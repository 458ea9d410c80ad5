// SPDX-License-Identifier: EUPL-1.2
// Makes a thing, or changes one. Nothing typed is lost: not by a complaint, not by somebody else's change.
import { useSignal } from '@preact/signals';
import { useRef, useState } from 'preact/hooks';
import { announcer } from '../../conference/announcer';
import { Button } from '../../ui/Button';
import { ScreenHeading } from '../../ui/PageFrame';
import { newKey } from '../api/client';
import { ApiProblem } from '../../app/problem';
import { focusFirstError } from '../ui/fields';
import { StaleDialog } from '../ui/StaleDialog';
import { fieldErrors, Trouble } from '../ui/Trouble';
import { chosenTenant, forgetChoices, looksAfterTenants, request, type Api } from './api';
import { isOfInstallation } from './curation';
import type { Shape } from './document';
import { initial, isObject, mergePatch, missing, pick, said, type JsonObject } from './form';
import type { Operation } from './resources';
import { SchemaForm } from './SchemaForm';
import { SecretsOf, secretsIn } from './secrets';
import { a, fieldName } from './words';

interface EditorProps {
  api: Api;
  title: string;
  operation: Operation;
  path: string;
  /** What pages show of such a thing: what an answer has beyond it is shown once. */
  known: Shape;
  /** The thing that is changed. */
  thing?: JsonObject;
  etag?: string | null;
  onDone: (made: JsonObject) => void;
  onCancel: () => void;
}

/** The form as a page. */
export function Editor({ api, title, operation, path, known, thing, etag = null, onDone, onCancel }: EditorProps) {
  const words = a.value;
  const form = useRef<HTMLFormElement>(null);
  const shape = api.schemas.shape(operation.body?.schema);
  const [first] = useState(() => (thing === undefined ? initial(shape, api.schemas) : pick(thing, shape)));
  const base = useSignal<{ value: JsonObject; etag: string | null }>({ value: first, etag });
  const value = useSignal<JsonObject>(first);
  const problem = useSignal<unknown>(null);
  const ownErrors = useSignal<ReadonlyMap<string, string>>(new Map());
  const isBusy = useSignal(false);
  const stale = useSignal<{ value: JsonObject; etag: string | null } | null>(null);
  const made = useSignal<JsonObject | null>(null);
  const key = useRef({ value: newKey(), body: '' });

  const save = async () => {
    if (isBusy.value) return;
    problem.value = null;
    // A merge patch has the shape of the whole, in which nothing is required.
    const wanting = missing(value.value, shape, api.schemas);
    ownErrors.value = new Map(wanting.map((pointer) => [pointer, words.required]));
    if (wanting.length > 0) {
      requestAnimationFrame(() => focusFirstError(form.current));
      return;
    }
    isBusy.value = true;
    try {
      const whole = (said(value.value) ?? {}) as JsonObject;
      const body = operation.verb === 'patch' ? mergePatch(base.value.value, whole) : whole;
      const text = JSON.stringify(body);
      if (key.current.body !== text) key.current = { value: newKey(), body: text };
      const method = operation.verb.toUpperCase() as 'POST' | 'PUT' | 'PATCH';
      const answer = await request<JsonObject | undefined>(method, path, {
        body,
        ...(operation.needsEtag ? { etag: base.value.etag } : {}),
        ...(operation.takesKey ? { idempotencyKey: key.current.value } : {}),
      });
      forgetChoices();
      announcer.say(thing === undefined ? words.created : words.saved);
      const found = answer.body ?? {};
      // What is shown only once must be seen before the page moves on.
      if (thing === undefined && secretsIn(found, known).length > 0) made.value = found;
      else onDone(found);
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 412 && thing !== undefined) {
        const now = await request<JsonObject>('GET', path).catch(() => null);
        if (now === null) problem.value = error;
        else stale.value = { value: pick(now.body, shape), etag: now.etag };
      } else problem.value = error;
      requestAnimationFrame(() => focusFirstError(form.current));
    } finally {
      isBusy.value = false;
    }
  };

  const { value: secret } = made;
  if (secret !== null) return <SecretsOf api={api} made={secret} known={known} onDone={() => onDone(secret)} />;
  const errors = new Map([...fieldErrors(problem.value), ...ownErrors.value]);
  const changed = stale.value === null ? [] : Object.keys(mergePatch(base.value.value, stale.value.value));
  return (
    <form
      class="stack admin-form"
      ref={form}
      noValidate
      data-testid="editor"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <ScreenHeading>{title}</ScreenHeading>
      {problem.value !== null && <Trouble problem={problem.value} />}
      {isAboutNoTenant(operation) && <p class="notice notice-warning">{words.tenantNeeded}</p>}
      <div class="card section">
        <SchemaForm api={api} errors={errors} offers={{}} shape={shape} value={value.value} onChange={(changed) => (value.value = changed)} />
      </div>
      <div class="actions schedule-actions">
        <Button kind="primary" type="submit" data-testid="save" aria-disabled={isBusy.value}>
          {words.save}
        </Button>
        <Button onClick={onCancel} data-testid="cancel">
          {words.cancel}
        </Button>
      </div>
      {stale.value !== null && (
        <StaleDialog
          isSame={changed.length === 0}
          onKeepMine={() => {
            if (stale.value === null) return;
            // My changes on top of theirs.
            const mine = mergePatch(base.value.value, (said(value.value) ?? {}) as JsonObject);
            value.value = applied(stale.value.value, mine);
            base.value = stale.value;
            stale.value = null;
            void save();
          }}
          onTakeTheirs={() => {
            if (stale.value === null) return;
            base.value = stale.value;
            value.value = stale.value.value;
            stale.value = null;
          }}
          onClose={() => (stale.value = null)}
        >
          {changed.length > 0 && <p>{changed.map((name) => fieldName(shape.name, name)).join(', ')}</p>}
        </StaleDialog>
      )}
    </form>
  );
}

/** What is made belongs to a tenant, and whoever looks after several has not said to which. */
function isAboutNoTenant({ verb, path }: Operation): boolean {
  return verb === 'post' && !isOfInstallation(path) && looksAfterTenants() && chosenTenant.value === '';
}

/** A merge patch put into effect (RFC 7396 §2). */
function applied(target: JsonObject, patch: JsonObject): JsonObject {
  const result: Record<string, JsonObject[string]> = { ...target };
  for (const [name, member] of Object.entries(patch)) {
    const old = result[name];
    if (member === null) delete result[name];
    else if (isObject(member)) result[name] = applied(isObject(old) ? old : {}, member);
    else result[name] = member;
  }
  return result;
}
