// SPDX-License-Identifier: EUPL-1.2
import type { ComponentChildren } from 'preact';
import { Icon } from '../ui/Icon';
import type { IconName } from '../ui/icons';
import { PageFrame, ScreenHeading } from '../ui/PageFrame';

interface MessageProps {
  icon: IconName;
  title: string;
  children: ComponentChildren;
  actions?: ComponentChildren;
  testId: string;
}

/** A screen that says one thing and offers what to do next. */
export function Message({ icon, title, children, actions, testId }: MessageProps) {
  return (
    <PageFrame title={title}>
      <div class="message card" data-testid={testId}>
        <div class="message-icon">
          <Icon name={icon} />
        </div>
        <ScreenHeading>{title}</ScreenHeading>
        <div class="message-text">{children}</div>
        {actions !== undefined && <div class="message-actions">{actions}</div>}
      </div>
    </PageFrame>
  );
}
