// SPDX-License-Identifier: EUPL-1.2
import type { ComponentChildren, Ref } from 'preact';
import { Icon } from './Icon';
import './disclosure.css';

interface DisclosureProps {
  title: string;
  testId: string;
  openTestId: string;
  onToggle?: (isOpen: boolean) => void;
  summaryRef?: Ref<HTMLElement>;
  children: ComponentChildren;
}

/** What is shown to those who want to see it. */
export function Disclosure({ title, testId, openTestId, onToggle, summaryRef, children }: DisclosureProps) {
  return (
    <details class="disclosure" data-testid={testId} onToggle={({ currentTarget }) => onToggle?.(currentTarget.open)}>
      <summary data-testid={openTestId} {...(summaryRef === undefined ? {} : { ref: summaryRef })}>
        <Icon name="chevronRight" class="disclosure-mark" />
        {title}
      </summary>
      <div class="disclosure-body">{children}</div>
    </details>
  );
}
