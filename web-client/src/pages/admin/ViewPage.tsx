// SPDX-License-Identifier: EUPL-1.2
// Something to look at that is no list: a report with parameters, one's own account, an invitation.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { navigate, replaceRoute } from '../../app/router';
import { announcer } from '../../conference/announcer';
import { Button } from '../../ui/Button';
import { ScreenHeading } from '../../ui/PageFrame';
import { query as queryOf } from '../api/client';
import { signOut } from '../api/session';
import { Confirm, Loading } from '../ui/Dialog';
import { fieldErrors, Trouble } from '../ui/Trouble';
import { ActionButtons } from './actions';
import { isAllowed, isOpen, request, withTenant, type Api } from './api';
import { Below } from './Below';
import { firstFields, NO_FILTERS } from './curation';
import { Filters } from './Filters';
import type { JsonObject } from './form';
import type { Place } from './resources';
import { Facts } from './Value';
import { a, removalOf, resourceText, resourceTitle } from './words';

interface ViewPageProps {
  api: Api;
  place: Place;
  path: string;
  query: string;
}

/** The page. */
export function ViewPage({ api, place, path, query }: ViewPageProps) {
  const words = a.value;
  const { resource, values } = place;
  const thing = useSignal<JsonObject | null>(null);
  const problem = useSignal<unknown>(null);
  const asksToRemove = useSignal(false);
  const given = new URLSearchParams(query);
  const parameters = resource.get?.parameters.filter(({ name }) => !NO_FILTERS.has(name)) ?? [];
  const set = Object.fromEntries(parameters.map(({ name }) => [name, given.get(name) ?? '']));
  const isReady = parameters.every(({ name, required }) => required !== true || set[name] !== '');
  const key = queryOf(set);
  const load = async () => {
    if (!isReady || resource.get?.isFile === true) return;
    problem.value = null;
    try {
      const { body } = await request<JsonObject>('GET', `${path}${key}`);
      thing.value = body;
    } catch (error) {
      problem.value = error;
    }
  };
  useEffect(() => void load(), [path, key]);
  if (resource.get === null) return null;
  const shape = api.schemas.shape(resource.get.answer ?? undefined);
  const title = resourceTitle(resource);
  const errors = fieldErrors(problem.value);
  const removal = removalOf(resource);
  const remove = async () => {
    try {
      // Ending one's own sign-in is done as everywhere else.
      if (resource.path === '/session') {
        location.assign(await signOut());
        return;
      }
      await request('DELETE', path);
      announcer.say(words.removed);
      navigate('/admin');
    } catch (error) {
      asksToRemove.value = false;
      problem.value = error;
    }
  };
  return (
    <div class="stack" data-testid="view-page">
      <div class="day-head">
        <ScreenHeading>{title}</ScreenHeading>
        <div class="actions">
          <ActionButtons api={api} actions={resource.actions.filter(isAllowed)} values={values} subject={thing.value ?? {}} onDone={() => void load()} />
          {resource.remove !== null && isAllowed(resource.remove) && (
            <Button kind="danger" onClick={() => (asksToRemove.value = true)}>
              {removal.do}
            </Button>
          )}
        </div>
      </div>
      {resourceText(resource) !== undefined && <p>{resourceText(resource)}</p>}
      <Below api={api} paths={resource.below.filter((one) => isOpen(api.resources.get(one) ?? resource))} values={values} />
      {parameters.length > 0 && (
        <Filters api={api} parameters={parameters} set={set} submit={words.show} errors={errors} onChange={(chosen) => replaceRoute(`/admin${path}${queryOf(chosen)}`)} />
      )}
      {problem.value !== null && <Trouble problem={problem.value} onRetry={() => void load()} />}
      {resource.get.isFile && (
        <p>
          <a class="button button-primary" href={`/api/v1${withTenant(path)}`} download>
            {words.download}
          </a>
        </p>
      )}
      {thing.value === null && problem.value === null && isReady && !resource.get.isFile && <Loading />}
      {thing.value !== null && (
        <>
          {typeof thing.value['is_intact'] === 'boolean' && (
            <p role="status" class={`notice ${thing.value['is_intact'] ? '' : 'notice-warning'}`}>
              {thing.value['is_intact'] ? words.intact : words.broken}
            </p>
          )}
          <section class="card section">
            <Facts api={api} thing={thing.value} shape={shape} first={firstFields(resource)} />
          </section>
        </>
      )}
      {asksToRemove.value && (
        <Confirm
          title={`${removal.do}?`}
          confirm={removal.do}
          keep={words.cancel}
          isDanger
          onConfirm={() => void remove()}
          onClose={() => (asksToRemove.value = false)}
        />
      )}
    </div>
  );
}
