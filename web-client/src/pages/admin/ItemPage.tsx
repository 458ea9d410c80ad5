// SPDX-License-Identifier: EUPL-1.2
// One thing: everything about it, what can be done with it, and what belongs to it.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { navigate, replaceRoute } from '../../app/router';
import { announcer } from '../../conference/announcer';
import { fill } from '../../i18n';
import { Button } from '../../ui/Button';
import { ScreenHeading } from '../../ui/PageFrame';
import { Confirm, Loading } from '../ui/Dialog';
import { Trouble } from '../ui/Trouble';
import { ActionButtons } from './actions';
import { forgetChoices, isAllowed, isOpen, nameOf, request, type Api } from './api';
import { Below } from './Below';
import { firstFields } from './curation';
import { Editor } from './Editor';
import type { JsonObject } from './form';
import type { Place } from './resources';
import { Facts } from './Value';
import { a, oneOf, removalOf } from './words';

interface ItemPageProps {
  api: Api;
  place: Place;
  path: string;
  query: string;
}

/** The page. */
export function ItemPage({ api, place, path, query }: ItemPageProps) {
  const words = a.value;
  const { resource, values } = place;
  const found = useSignal<{ thing: JsonObject; etag: string | null } | null>(null);
  const problem = useSignal<unknown>(null);
  const asksToRemove = useSignal(false);
  const removalProblem = useSignal<unknown>(null);
  const load = async () => {
    problem.value = null;
    try {
      const { body, etag } = await request<JsonObject>('GET', path);
      found.value = { thing: body, etag };
    } catch (error) {
      problem.value = error;
    }
  };
  useEffect(() => void load(), [path]);
  if (problem.value !== null) return <Trouble problem={problem.value} onRetry={() => void load()} />;
  if (found.value === null || resource.get === null) return <Loading />;
  const { thing, etag } = found.value;
  const shape = api.schemas.shape(resource.get.answer ?? undefined);
  const change = resource.patch ?? resource.put;
  if (new URLSearchParams(query).has('edit') && change !== null) {
    // A patch's schema lets everything be left out; that of the whole knows what is needed.
    const operation = resource.put === null || resource.patch === null ? change : { ...resource.patch, body: resource.put.body };
    return (
      <Editor
        api={api}
        title={fill(words.editTitle, { thing: oneOf(resource) })}
        operation={operation}
        path={path}
        known={shape}
        thing={thing}
        etag={etag}
        onDone={() => {
          found.value = null;
          replaceRoute(`/admin${path}`);
          void load();
        }}
        onCancel={() => navigate(`/admin${path}`)}
      />
    );
  }
  const remove = async () => {
    removalProblem.value = null;
    try {
      await request('DELETE', path, resource.remove?.needsEtag === true ? { etag } : {});
      forgetChoices();
      announcer.say(words.removed);
      navigate(`/admin${path.replace(/\/[^/]+$/, '')}`);
    } catch (error) {
      removalProblem.value = error;
    }
  };
  const name = nameOf(thing);
  const removal = removalOf(resource);
  return (
    <div class="stack" data-testid="item-page">
      <div class="day-head">
        <div class="stack-small">
          <p class="fine">{oneOf(resource)}</p>
          <ScreenHeading>{name}</ScreenHeading>
        </div>
        <div class="actions">
          {change !== null && isAllowed(change) && (
            <Button data-testid="edit" onClick={() => navigate(`/admin${path}?edit=1`)}>
              {words.edit}
            </Button>
          )}
          {isAllowed(resource.remove) && (
            <Button kind="danger" data-testid="remove" onClick={() => (asksToRemove.value = true)}>
              {removal.do}
            </Button>
          )}
        </div>
      </div>
      {resource.actions.some(isAllowed) && (
        <section class="stack-small">
          <h2 class="visually-hidden">{words.actions}</h2>
          <div class="actions">
            <ActionButtons api={api} actions={resource.actions.filter(isAllowed)} values={values} subject={thing} onDone={() => void load()} />
          </div>
        </section>
      )}
      <Below api={api} paths={resource.below.filter((one) => isOpen(api.resources.get(one) ?? resource))} values={values} />
      <section class="card section">
        <h2>{words.details}</h2>
        <Facts api={api} thing={thing} shape={shape} first={firstFields(resource)} />
      </section>
      {asksToRemove.value && (
        <Confirm
          title={fill(words.removeTitle, { thing: oneOf(resource), name, do: removal.do })}
          text={<p>{removal.text}</p>}
          confirm={removal.do}
          keep={words.cancel}
          isDanger
          error={removalProblem.value === null ? undefined : <Trouble problem={removalProblem.value} />}
          onConfirm={() => void remove()}
          onClose={() => (asksToRemove.value = false)}
        />
      )}
    </div>
  );
}
