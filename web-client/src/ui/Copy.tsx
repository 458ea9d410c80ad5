// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import { announcer } from '../conference/announcer';
import { t } from '../i18n';
import { Button } from './Button';
import type { IconName } from './icons';

/** How long it shows that something was copied. */
const DONE_MS = 1500;

/** What is to be copied, or in words why there is nothing. */
export type Copied = { readonly text: string } | { readonly problem: string };

interface CopyProps {
  /** What has to be asked for first is asked for when somebody wants it; that never rejects. */
  text: string | (() => Promise<Copied>);
  label: string;
  icon?: IconName;
  kind?: 'secondary' | 'quiet';
  /** What screen readers hear, when the label alone does not say of what. */
  name?: string;
  testId?: string;
}

/** Copies, and shows for a moment that it did, or else why not. */
export function CopyButton({ text, label, icon, kind = 'quiet', name, testId }: CopyProps) {
  const isDone = useSignal(false);
  const problem = useSignal<string | null>(null);
  const copy = async () => {
    problem.value = null;
    const found = typeof text === 'string' ? { text } : await text();
    if ('problem' in found) problem.value = found.problem;
    else if (await write(found.text)) {
      announcer.say(t.peek().copy.done);
      isDone.value = true;
      setTimeout(() => (isDone.value = false), DONE_MS);
    } else problem.value = t.peek().copy.failed;
  };
  return (
    <>
      <Button
        kind={kind}
        {...(icon === undefined ? {} : { icon })}
        aria-label={name}
        data-testid={testId}
        data-copied={isDone.value}
        onClick={() => void copy()}
      >
        {label}
      </Button>
      <span class="field-error copy-problem" role="alert">
        {problem.value}
      </span>
    </>
  );
}

/** Puts a text on the clipboard. Whether that worked: browsers may forbid it. */
async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
