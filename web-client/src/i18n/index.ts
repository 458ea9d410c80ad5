// SPDX-License-Identifier: EUPL-1.2
// The words on the screen. German is the source; TypeScript refuses an English dictionary that lacks a key.
import { computed } from '@preact/signals';
import { language, type Language } from '../app/preferences';
import { de } from './de';
import { en } from './en';
import type { Plural } from './forms';

export type Dictionary = typeof de;

export const dictionaries: Record<Language, Dictionary> = { de, en };

/** The dictionary in use. Reading `.value` in a component redraws it when the language changes. */
export const t = computed<Dictionary>(() => dictionaries[language.value]);

/** Puts values into a text's `{placeholders}`. */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => String(values[name] ?? placeholder));
}

/** Chooses the form of a text for a number and puts the number in for `{n}`. */
export function plural(forms: Plural, n: number, values: Readonly<Record<string, string | number>> = {}): string {
  const category = new Intl.PluralRules(language.value).select(n);
  const number = new Intl.NumberFormat(language.value).format(n);
  return fill(category === 'one' ? forms.one : forms.other, { ...values, n: number });
}

/** The day a reader expects, such as Tuesday, 1 December; none for today. */
export function dayUnlessToday(atMs: number): string | null {
  if (new Date(atMs).toDateString() === new Date().toDateString()) return null;
  return new Intl.DateTimeFormat(language.value, { weekday: 'long', day: 'numeric', month: 'long' }).format(atMs);
}

/** The time of day a reader expects, such as 14:05 or 2:05 PM. */
export function clockTime(atMs: number): string {
  return new Intl.DateTimeFormat(language.value, { hour: 'numeric', minute: '2-digit' }).format(atMs);
}
