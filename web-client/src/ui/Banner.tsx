// SPDX-License-Identifier: EUPL-1.2
import type { ComponentChildren } from 'preact';
import { Icon } from './Icon';
import type { IconName } from './icons';

interface BannerProps {
  kind: 'calm' | 'warning' | 'danger';
  icon?: IconName;
  testId?: string;
  children: ComponentChildren;
  /** Buttons at the end of the line. */
  actions?: ComponentChildren;
}

/** A message across the top that stays until its reason is gone. */
export function Banner({ kind, icon = 'warning', testId, children, actions }: BannerProps) {
  return (
    <div class={`banner banner-${kind}`} data-testid={testId}>
      <Icon name={icon} />
      <div class="banner-text">{children}</div>
      {actions !== undefined && <div class="banner-actions">{actions}</div>}
    </div>
  );
}
