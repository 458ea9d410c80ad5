// SPDX-License-Identifier: EUPL-1.2
import type { PagesProps } from '../../app/LazyPages';
import { Shell } from '../Shell';

export function Admin({ config }: PagesProps) {
  return <Shell config={config} title="">…</Shell>;
}
