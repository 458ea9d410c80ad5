// SPDX-License-Identifier: EUPL-1.2
import { iconPath, type IconName } from './icons';

/** An icon beside or instead of words. Always hidden from screen readers: the control around it has the name. */
export function Icon({ name, class: extra = '' }: { name: IconName; class?: string }) {
  return (
    <svg class={`icon ${extra}`} viewBox="0 -960 960 960" aria-hidden="true" focusable="false">
      <path d={iconPath(name)} />
    </svg>
  );
}
