// SPDX-License-Identifier: EUPL-1.2
import { Go } from '../Shell';
import type { Api } from './api';
import { placeOf } from './resources';
import { a, oneOf, resourceTitle } from './words';

/** The way from the overview to here. */
export function Breadcrumbs({ api, path }: { api: Api; path: string }) {
  const words = a.value;
  const segments = path.split('/').filter((segment) => segment !== '');
  const steps = segments.flatMap((_, index) => {
    const here = `/${segments.slice(0, index + 1).join('/')}`;
    const place = placeOf(here, api.resources);
    if (place === null) return [];
    const { resource } = place;
    return [{ here, title: resource.kind === 'item' ? oneOf(resource) : resourceTitle(resource) }];
  });
  return (
    <nav aria-label={words.path}>
      <ol class="crumbs">
        <li>
          <Go to="/admin">{words.title}</Go>
        </li>
        {steps.map(({ here, title }, index) => (
          <li key={here}>
            {index === steps.length - 1 ? (
              <span aria-current="page">{title}</span>
            ) : (
              <Go to={`/admin${here}`}>{title}</Go>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}
