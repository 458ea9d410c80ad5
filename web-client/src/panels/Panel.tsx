// SPDX-License-Identifier: EUPL-1.2
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { t } from '../i18n';
import { IconButton } from '../ui/Button';
import './panel.css';

interface PanelProps {
  title: string;
  testId: string;
  onClose: () => void;
  /** The panel puts the focus where it is wanted itself. */
  hasOwnFocus?: boolean;
  children: ComponentChildren;
}

/** The frame of a side panel. Takes the focus when it opens; Escape closes it. */
export function Panel({ title, testId, onClose, hasOwnFocus = false, children }: PanelProps) {
  const id = useId();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!hasOwnFocus) heading.current?.focus();
  }, [hasOwnFocus]);
  return (
    // Listens for what bubbles up from the controls inside.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <aside
      class="panel"
      aria-labelledby={id}
      data-testid={testId}
      onKeyDown={(event) => {
        // While an input method is composing a character, Escape gives that up, not the panel.
        if (event.key !== 'Escape' || event.isComposing) return;
        event.stopPropagation();
        onClose();
      }}
    >
      <div class="panel-header">
        <h2 id={id} ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <IconButton icon="close" label={t.value.panels.close} data-testid="close-panel" onClick={onClose} />
      </div>
      {children}
    </aside>
  );
}
