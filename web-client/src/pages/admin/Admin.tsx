// SPDX-License-Identifier: EUPL-1.2
// The administration: sections beside, and the page that the address means. What there is comes from the server's OpenAPI
// document; order, names and columns from `curation` and `words`.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { PagesProps } from '../../app/LazyPages';
import { ScreenHeading } from '../../ui/PageFrame';
import { get, type Page } from '../api/client';
import { Go, Shell } from '../Shell';
import { Loading } from '../ui/Dialog';
import { Choice } from '../ui/fields';
import { Lost } from '../ui/Lost';
import { Trouble } from '../ui/Trouble';
import { chooseTenant, chosenTenant, isOpen, loadApi, looksAfterTenants, PlaceValues, type Api } from './api';
import { Breadcrumbs } from './Breadcrumbs';
import { sections } from './curation';
import { FormPage } from './FormPage';
import { ItemPage } from './ItemPage';
import { ListPage } from './ListPage';
import { placeOf, type Place } from './resources';
import { ViewPage } from './ViewPage';
import { a, oneOf, resourceText, resourceTitle } from './words';
import './admin.css';

/** The page. */
export function Admin({ config, path, query }: PagesProps) {
  const words = a.value;
  const api = useSignal<Api | null>(null);
  const problem = useSignal<unknown>(null);
  const load = () => {
    problem.value = null;
    loadApi().then(
      (loaded) => (api.value = loaded),
      (error: unknown) => (problem.value = error),
    );
  };
  useEffect(load, []);
  const asked = path.replace(/^\/admin/, '').replace(/\/$/, '');
  const place = api.value === null || asked === '' ? null : placeOf(asked, api.value.resources);
  const title = place === null ? words.title : titleOf(place);
  return (
    <Shell config={config} title={title}>
      {problem.value !== null && <Trouble problem={problem.value} onRetry={load} />}
      {api.value === null && problem.value === null && <Loading />}
      {api.value !== null && (
        <div class="admin">
          <Sections api={api.value} asked={asked} isOverview={asked === ''} />
          <div class="admin-main" data-testid="admin-main" data-kind={place?.resource.kind ?? 'overview'}>
            {asked === '' && <Overview api={api.value} />}
            {asked !== '' && place === null && <Lost />}
            {place !== null && (
              <PlaceValues.Provider value={place.values}>
                <Breadcrumbs api={api.value} path={asked} />
                <PageOf key={`${asked} ${chosenTenant.value}`} api={api.value} place={place} path={asked} query={query} />
              </PlaceValues.Provider>
            )}
          </div>
        </div>
      )}
    </Shell>
  );
}

/** What the page is called. */
function titleOf({ resource }: Place): string {
  return resource.kind === 'item' ? oneOf(resource) : resourceTitle(resource);
}

interface PageOfProps {
  api: Api;
  place: Place;
  path: string;
  query: string;
}

function PageOf(props: PageOfProps) {
  const { resource } = props.place;
  if (!isOpen(resource)) return <p class="notice notice-warning">{a.value.notAllowed}</p>;
  switch (resource.kind) {
    case 'list':
      return <ListPage {...props} />;
    case 'item':
      return <ItemPage {...props} />;
    case 'view':
      return <ViewPage {...props} />;
    case 'form':
      return <FormPage {...props} />;
  }
}

function Sections({ api, asked, isOverview }: { api: Api; asked: string; isOverview: boolean }) {
  const words = a.value;
  return (
    <div class={`admin-side ${isOverview ? 'admin-side-overview' : ''}`}>
      {looksAfterTenants() && <TenantChoice />}
      <nav aria-label={words.sections} data-testid="admin-nav">
        {sections(api, isOpen).map(({ group, resources }) => (
          <div key={group} class="admin-group">
            <p class="admin-group-name" id={`group-${group}`}>
              {words.groups[group]}
            </p>
            <ul aria-labelledby={`group-${group}`}>
              {resources.map((resource) => (
                <li key={resource.path}>
                  <Go
                    to={`/admin${resource.path}`}
                    class="admin-link"
                    isCurrent={asked === resource.path}
                    testId={`admin-nav-${resource.path.slice(1).replaceAll('/', '-')}`}
                  >
                    {resourceTitle(resource)}
                  </Go>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
    </div>
  );
}

/** Who looks after the installation says which tenant it is about. */
function TenantChoice() {
  const words = a.value;
  const tenants = useSignal<readonly { id: string; name: string }[]>([]);
  useEffect(() => {
    get<Page<{ id: string; name: string }>>('/tenants?limit=200').then(
      ({ body }) => (tenants.value = body.items),
      () => undefined,
    );
  }, []);
  return (
    <Choice
      label={words.tenant}
      value={chosenTenant.value}
      options={[{ value: '', label: words.allTenants }, ...tenants.value.map(({ id, name }) => ({ value: id, label: name }))]}
      testId="admin-tenant"
      onChange={chooseTenant}
    />
  );
}

function Overview({ api }: { api: Api }) {
  const words = a.value;
  return (
    <div class="stack" data-testid="admin-overview">
      <ScreenHeading>{words.title}</ScreenHeading>
      <p>{words.intro}</p>
      {sections(api, isOpen).map(({ group, resources }) => (
        <section key={group} class="stack">
          <h2>{words.groups[group]}</h2>
          <ul class="admin-cards">
            {resources.map((resource) => (
              <li key={resource.path} class="card admin-card">
                <Go to={`/admin${resource.path}`}>{resourceTitle(resource)}</Go>
                {resourceText(resource) !== undefined && <span class="fine">{resourceText(resource)}</span>}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}
