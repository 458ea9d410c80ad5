// SPDX-License-Identifier: EUPL-1.2
// A question over the page. The browser's own dialog keeps the focus inside, closes with Escape and gives the focus back.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Button } from '../../ui/Button';
import { Icon } from '../../ui/Icon';
import { w } from '../words';

interface DialogProps {
  title: string;
  onClose: () => void;
  testId?: string;
  isWide?: boolean;
  children: ComponentChildren;
}

/** Open as long as it is there. */
export function Dialog({ title, onClose, testId, isWide = false, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={`dialog ${isWide ? 'dialog-wide' : ''}`}
      aria-labelledby={id}
      data-testid={testId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <h2 class="dialog-title" id={id}>
        {title}
      </h2>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  text?: ComponentChildren;
  confirm: string;
  keep: string;
  isDanger?: boolean;
  isBusy?: boolean;
  error?: ComponentChildren;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that cannot be undone. The focus begins on the harmless answer. */
export function Confirm({ title, text, confirm, keep, isDanger = false, isBusy = false, error, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose} testId="confirm">
      {text !== undefined && <div class="dialog-text">{text}</div>}
      {error}
      <div class="actions">
        <Button data-testid="confirm-no" onClick={onClose}>
          {keep}
        </Button>
        <Button kind={isDanger ? 'danger' : 'primary'} data-testid="confirm-yes" aria-disabled={isBusy} onClick={() => !isBusy && onConfirm()}>
          {confirm}
        </Button>
      </div>
    </Dialog>
  );
}

/** While something is loading that takes longer than a moment. */
export function Loading() {
  return (
    <p class="loading" data-testid="loading">
      <Icon name="hourglass" /> {w.value.shell.loading}
    </p>
  );
}
