// SPDX-License-Identifier: EUPL-1.2
// Pages that are loaded when they are first opened.
import { signal } from '@preact/signals';
import type { ComponentType, FunctionComponent } from 'preact';
import { ServerProblem } from '../screens/ServerProblem';

/** A component that loads another one and then is it. */
export function lazyPage<P extends object>(load: () => Promise<FunctionComponent<P>>): FunctionComponent<P> {
  const loaded = signal<{ readonly Page: ComponentType<P> } | 'failed' | null>(null);
  let isLoading = false;
  return function Lazy(props: P) {
    if (!isLoading) {
      isLoading = true;
      load().then(
        (Page) => (loaded.value = { Page }),
        () => (loaded.value = 'failed'),
      );
    }
    if (loaded.value === 'failed') return <ServerProblem />;
    if (loaded.value === null) return null;
    const { Page } = loaded.value;
    return <Page {...props} />;
  };
}
