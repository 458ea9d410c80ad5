// SPDX-License-Identifier: EUPL-1.2
import { Go } from '../Shell';
import { withTenant, type Api } from './api';
import { fillPath } from './resources';
import { a, resourceTitle } from './words';

/** What belongs to a thing: lists, reports and files. */
export function Below({ api, paths, values }: { api: Api; paths: readonly string[]; values: Readonly<Record<string, string>> }) {
  const words = a.value;
  if (paths.length === 0) return null;
  return (
    <nav aria-label={words.below} class="actions" data-testid="below">
      {paths.map((path) => {
        const resource = api.resources.get(path);
        const to = fillPath(path, values);
        if (resource === undefined || to === null) return null;
        const title = resourceTitle(resource);
        return resource.get?.isFile === true ? (
          <a key={path} class="button button-secondary" href={`/api/v1${withTenant(to)}`} download>
            {title}
          </a>
        ) : (
          <Go key={path} to={`/admin${to}`} class="button button-secondary" testId={`below-${resource.name}`}>
            {title}
          </Go>
        );
      })}
    </nav>
  );
}
