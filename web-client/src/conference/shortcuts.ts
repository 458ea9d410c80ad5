// SPDX-License-Identifier: EUPL-1.2
// Keys for the controls used most. Always with a modifier: a single letter would fire while somebody dictates to
// their computer or works through the page with a screen reader.

export type ShortcutAction = 'microphone' | 'camera';

/** The letter that goes with Control (Command on a Mac) for each action. */
export const SHORTCUTS: Readonly<Record<ShortcutAction, string>> = { microphone: 'd', camera: 'e' };

/** Which action a key press asks for. */
export function shortcutAction(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'repeat'>,
  isMac: boolean,
): ShortcutAction | null {
  const hasModifier = isMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
  if (!hasModifier || event.altKey || event.shiftKey || event.repeat) return null;
  const key = event.key.toLowerCase();
  if (key === SHORTCUTS.microphone) return 'microphone';
  return key === SHORTCUTS.camera ? 'camera' : null;
}

/** Whether shortcuts go with the Command key here. */
function isMacKeyboard(): boolean {
  return /^(mac|iphone|ipad)/i.test(navigator.platform);
}

/** Runs an action when its keys are pressed. Returns how to stop. */
export function watchShortcuts(run: (action: ShortcutAction) => void): () => void {
  const isMac = isMacKeyboard();
  const onKey = (event: KeyboardEvent) => {
    const action = shortcutAction(event, isMac);
    if (action === null) return;
    // Otherwise the browser would set a bookmark.
    event.preventDefault();
    run(action);
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}

/** The keys as they are written on the keyboard; `control` is the word on the Control key. */
export function shortcutLabel(action: ShortcutAction, control: string): string {
  const letter = SHORTCUTS[action].toUpperCase();
  return isMacKeyboard() ? `⌘${letter}` : `${control}+${letter}`;
}

/** The keys in the form of the `aria-keyshortcuts` attribute, which is the same in every language. */
export function ariaKeys(action: ShortcutAction): string {
  return `${isMacKeyboard() ? 'Meta' : 'Control'}+${SHORTCUTS[action].toUpperCase()}`;
}
