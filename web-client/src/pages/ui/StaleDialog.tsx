// SPDX-License-Identifier: EUPL-1.2
// Somebody else was quicker: the choice between what they saved and what is typed here.
import type { ComponentChildren } from 'preact';
import { Button } from '../../ui/Button';
import { w } from '../words';
import { Dialog } from './Dialog';

export interface StaleChoices {
  onKeepMine: () => void;
  onTakeTheirs: () => void;
  onClose: () => void;
}

interface StaleDialogProps extends StaleChoices {
  /** Whether nothing that the form shows has changed. */
  isSame: boolean;
  isWide?: boolean;
  /** What has. */
  children: ComponentChildren;
}

/** The question. */
export function StaleDialog({ isSame, isWide = false, children, onKeepMine, onTakeTheirs, onClose }: StaleDialogProps) {
  const words = w.value.stale;
  return (
    <Dialog title={words.title} onClose={onClose} testId="stale" isWide={isWide}>
      <div class="dialog-text">
        <p>
          {words.text} {isSame ? words.same : words.changed}
        </p>
        {children}
      </div>
      <div class="actions">
        <Button data-testid="take-theirs" onClick={onTakeTheirs}>
          {words.takeTheirs}
        </Button>
        <Button kind="primary" data-testid="keep-mine" onClick={onKeepMine}>
          {words.keepMine}
        </Button>
      </div>
    </Dialog>
  );
}
