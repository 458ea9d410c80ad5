// SPDX-License-Identifier: EUPL-1.2
import { announcer } from '../conference/announcer';
import { t } from '../i18n';
import { Button } from './Button';
import type { IconName } from './icons';

/** Puts a text on the clipboard, and says whether that worked. */
export async function copyText(text: string): Promise<boolean> {
  const words = t.peek().copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    announcer.say(words.failed, 'assertive');
    return false;
  }
  announcer.say(words.done);
  return true;
}

async function copyTo(button: HTMLElement, text: string): Promise<void> {
  if (!(await copyText(text))) return;
  button.dataset['copied'] = 'true';
  setTimeout(() => delete button.dataset['copied'], 1500);
}

interface CopyProps {
  text: string;
  label: string;
  icon?: IconName;
  kind?: 'secondary' | 'quiet';
  /** What screen readers hear, when the label alone does not say of what. */
  name?: string;
  testId?: string;
}

/** Copies, and shows for a moment that it did. */
export function CopyButton({ text, label, icon, kind = 'quiet', name, testId }: CopyProps) {
  return (
    <Button
      kind={kind}
      {...(icon === undefined ? {} : { icon })}
      aria-label={name}
      data-testid={testId}
      onClick={(event) => {
        const button = event.currentTarget as HTMLElement;
        void copyTo(button, text);
      }}
    >
      {label}
    </Button>
  );
}
