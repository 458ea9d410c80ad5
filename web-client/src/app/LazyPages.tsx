// SPDX-License-Identifier: EUPL-1.2
// The way to the pages behind the sign-in. They are loaded when somebody goes there, so that joining a meeting is no slower
// for them.
import { useSignal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { useEffect } from 'preact/hooks';
import { ServerProblem } from '../screens/ServerProblem';
import type { Config } from './config';

export interface PagesProps {
  config: Config;
  /** What the address bar shows. */
  path: string;
  query: string;
}

/** The pages, once they are here. */
export function LazyPages(props: PagesProps) {
  const loaded = useSignal<{ Pages: FunctionComponent<PagesProps> } | 'failed' | null>(null);
  useEffect(() => {
    import('../pages/Pages').then(
      (module) => (loaded.value = module),
      () => (loaded.value = 'failed'),
    );
  }, [loaded]);
  if (loaded.value === 'failed') return <ServerProblem />;
  if (loaded.value === null) return null;
  const { Pages } = loaded.value;
  return <Pages {...props} />;
}
