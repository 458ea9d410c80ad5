// SPDX-License-Identifier: EUPL-1.2
// Tells the style sheets what was chosen, and the browser which language it is reading.
import { effect, signal } from '@preact/signals';
import { appearance, language } from '../app/preferences';

/** Which kind of screen is shown; the room is darker than the others. */
export const screenKind = signal<'page' | 'room'>('page');

/** Keeps the root element's attributes up to date. */
export function startAppearance(): void {
  const root = document.documentElement;
  effect(() => {
    root.lang = language.value;
    root.dataset['appearance'] = appearance.value;
    root.dataset['screen'] = screenKind.value;
  });
}
