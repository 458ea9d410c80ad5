// SPDX-License-Identifier: EUPL-1.2
// A list: filters from the query parameters, columns from the schema, page after page.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { navigate, replaceRoute } from '../../app/router';
import { fill, plural } from '../../i18n';
import { Button } from '../../ui/Button';
import { ScreenHeading } from '../../ui/PageFrame';
import { query as queryOf, type Page } from '../api/client';
import { Go } from '../Shell';
import { Dialog, Loading } from '../ui/Dialog';
import { Trouble } from '../ui/Trouble';
import { ActionButtons } from './actions';
import { isAllowed, nameOf, request, shapeOf, type Api } from './api';
import { columnsOf, NO_FILTERS, PRESET } from './curation';
import { Editor } from './Editor';
import { Filters } from './Filters';
import type { JsonObject } from './form';
import { fillPath, type Place } from './resources';
import { a, fieldName, oneOf, resourceText, resourceTitle } from './words';
import { Brief, Facts } from './Value';

interface ListPageProps {
  api: Api;
  place: Place;
  path: string;
  query: string;
}

const PAGE = 50;

/** The page. */
export function ListPage({ api, place, path, query }: ListPageProps) {
  const words = a.value;
  const { resource, values } = place;
  const { get } = resource;
  const items = useSignal<readonly JsonObject[] | null>(null);
  const cursor = useSignal<string | null>(null);
  const isBusy = useSignal(false);
  const problem = useSignal<unknown>(null);
  const shown = useSignal<JsonObject | null>(null);
  const given = new URLSearchParams(query);
  const isNew = given.has('new') && resource.create !== null;
  const filters = get?.parameters.filter(({ name }) => !NO_FILTERS.has(name)) ?? [];
  const set = Object.fromEntries(filters.map(({ name }) => [name, given.get(name) ?? PRESET[resource.name]?.[name] ?? '']));
  const filterKey = queryOf(set);

  const load = async (isMore: boolean) => {
    if (get === null || isBusy.peek()) return;
    isBusy.value = true;
    problem.value = null;
    try {
      const known = get.parameters.some(({ name }) => name === 'limit');
      const wanted = { ...set, ...(known ? { limit: PAGE, cursor: isMore ? cursor.value : null } : {}) };
      const { body } = await request<Page<JsonObject>>('GET', `${path}${queryOf(wanted)}`);
      items.value = isMore ? [...(items.value ?? []), ...body.items] : body.items;
      cursor.value = body.next_cursor ?? null;
    } catch (error) {
      problem.value = error;
    } finally {
      isBusy.value = false;
    }
  };
  useEffect(() => {
    if (!isNew) void load(false);
  }, [path, filterKey, isNew]);

  if (get === null) return null;
  const shape = shapeOf(api, get);
  if (isNew && resource.create !== null) {
    return (
      <Editor
        api={api}
        title={fill(words.create, { thing: oneOf(resource) })}
        operation={resource.create}
        path={path}
        known={shape}
        onDone={(made) => {
          const id = itemPath(api, place, made);
          replaceRoute(`/admin${id ?? path}`);
        }}
        onCancel={() => navigate(`/admin${path}`)}
      />
    );
  }
  const columns = columnsOf(resource, shape, api);
  const found = items.value;
  const isFiltered = filters.some(({ name }) => (set[name] ?? '') !== '' && set[name] !== PRESET[resource.name]?.[name]);
  const itemActions = resource.actions.filter((action) => /\}\/[^/{]+$/.test(action.path) && isAllowed(action));
  const listActions = resource.actions.filter((action) => !itemActions.includes(action) && isAllowed(action));
  const open = (item: JsonObject) => {
    const to = itemPath(api, place, item);
    if (to === null) shown.value = item;
    else navigate(`/admin${to}`);
  };
  return (
    <div class="stack" data-testid="list-page">
      <div class="day-head">
        <ScreenHeading>{resourceTitle(resource)}</ScreenHeading>
        <div class="actions">
          {isAllowed(resource.create) && (
            <Button kind="primary" data-testid="create" onClick={() => navigate(`/admin${path}?new=1`)}>
              {fill(words.create, { thing: oneOf(resource) })}
            </Button>
          )}
          <ActionButtons api={api} actions={listActions} values={values} subject={null} onDone={() => void load(false)} />
        </div>
      </div>
      {resourceText(resource) !== undefined && <p>{resourceText(resource)}</p>}
      {filters.length > 0 && (
        <Filters
          api={api}
          parameters={filters}
          set={set}
          isFiltered={isFiltered}
          onChange={(chosen) => replaceRoute(`/admin${path}${queryOf(chosen)}`)}
        />
      )}
      {problem.value !== null && <Trouble problem={problem.value} onRetry={() => void load(false)} />}
      {found === null && problem.value === null && <Loading />}
      {found !== null && found.length === 0 && <p class="empty card">{isFiltered ? words.emptyFiltered : words.empty}</p>}
      {found !== null && found.length > 0 && (
        <>
          {/* Only as wide as the screen: what does not fit is scrolled inside, also by keyboard. */}
          {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what can be scrolled must be reached by keyboard (WCAG 2.1.1) */}
          <div class="table-frame" role="region" aria-label={resourceTitle(resource)} tabIndex={0}>
            <table class="table" data-testid="table">
              <thead>
                <tr>
                  {columns.map((column) => (
                    <th key={column} scope="col">
                      {fieldName(shape.name, column)}
                    </th>
                  ))}
                  <th scope="col">
                    <span class="visually-hidden">{words.actions}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {found.map((item, index) => (
                  <tr key={String(item['id'] ?? item['recurrence_id'] ?? index)} data-testid="row">
                    {columns.map((column, at) => {
                      const value = <Brief api={api} name={column} value={item[column]} schema={shape.properties[column]} />;
                      return at === 0 ? (
                        <th key={column} scope="row">
                          {value}
                        </th>
                      ) : (
                        <td key={column}>{value}</td>
                      );
                    })}
                    <td class="table-open">
                      <Open to={itemPath(api, place, item)} name={nameOf(item)} onOpen={() => open(item)} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <p class="fine">{plural(cursor.value === null ? words.count : words.countMore, found.length)}</p>
        </>
      )}
      {cursor.value !== null && (
        <p>
          <Button data-testid="more" aria-disabled={isBusy.value} onClick={() => void load(true)}>
            {words.more}
          </Button>
        </p>
      )}
      {shown.value !== null && (
        <Dialog title={nameOf(shown.value)} isWide onClose={() => (shown.value = null)}>
          <Facts api={api} thing={shown.value} shape={shape} first={columns} />
          <div class="actions">
            <ActionButtons
              api={api}
              actions={itemActions}
              values={valuesOf(itemActions[0]?.path ?? '', values, shown.value)}
              subject={shown.value}
              onDone={() => {
                shown.value = null;
                void load(false);
              }}
            />
            <Button onClick={() => (shown.value = null)}>{words.close}</Button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

function Open({ to, name, onOpen }: { to: string | null; name: string; onOpen: () => void }) {
  const words = a.value;
  const label = fill(words.open, { name });
  if (to === null) {
    return (
      <Button kind="quiet" aria-label={label} data-testid="open" onClick={onOpen}>
        {words.details}
      </Button>
    );
  }
  return (
    <Go to={`/admin${to}`} class="button button-quiet" label={label} testId="open">
      {words.details}
    </Go>
  );
}

/** The address of a list's entry, if it has a page: its last placeholder is the entry's own id. */
function itemPath(api: Api, { resource, values }: Place, item: JsonObject): string | null {
  const own = [...api.resources.values()].find((one) => one.kind === 'item' && one.path.replace(/\/\{\w+\}$/, '') === resource.path);
  if (own !== undefined) return fillPath(own.path, valuesOf(own.path, values, item));
  // The calendar names meetings and their times, which have their pages elsewhere.
  const elsewhere = [...api.resources.values()].find((one) => one.kind === 'item' && one.name === resource.name);
  return elsewhere === undefined ? null : fillPath(elsewhere.path, valuesOf(elsewhere.path, values, item));
}

/** Values for a path: those of the place, and the entry's own fields; its `id` is for the last placeholder. */
function valuesOf(path: string, values: Readonly<Record<string, string>>, item: JsonObject): Readonly<Record<string, string>> {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const found = { ...values };
  names.forEach((name, index) => {
    if (found[name] !== undefined) return;
    const own = item[name] ?? (index === names.length - 1 ? item['id'] : undefined);
    if (typeof own === 'string') found[name] = own;
  });
  return found;
}
