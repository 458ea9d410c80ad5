// SPDX-License-Identifier: EUPL-1.2
// The administration's words: its own, and those for what the OpenAPI document names. What has no word here is shown by its
// name, and in English with the document's own description: new things appear without waiting for this file.
import { computed } from '@preact/signals';
import { language, type Language } from '../../../app/preferences';
import { wordsOf } from '../resources';
import { de } from './de';
import { deNames } from './names/de';
import { en } from './en';
import { enNames } from './names/en';

export type AdminWords = typeof de;

/** Words for what the document names. */
export interface Names {
  /** Of resources, by the last word of their path; of single things too, as `user|users`. */
  readonly resources: Readonly<Record<string, { readonly title: string; readonly one?: string; readonly text?: string; readonly remove?: string; readonly removeText?: string }>>;
  /** Of fields. `Schema.field` wins over `field`. */
  readonly fields: Readonly<Record<string, string>>;
  /** Help for fields; without it English has the document's words. */
  readonly help: Readonly<Record<string, string>>;
  /** Of what can be done, by the last word of the path. */
  readonly actions: Readonly<Record<string, { readonly do: string; readonly ask?: string }>>;
  /** Of words that a field can have. `field.word` wins over `word`. */
  readonly values: Readonly<Record<string, string>>;
}

export const adminDictionaries: Record<Language, AdminWords> = { de, en };
export const adminNames: Record<Language, Names> = { de: deNames, en: enNames };

export const a = computed<AdminWords>(() => adminDictionaries[language.value]);
const names = computed<Names>(() => adminNames[language.value]);

/** `max_concurrent_participants` as words. */
function humanised(name: string): string {
  const text = name.replaceAll(/[_.:]/g, ' ').trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A resource: its last word, and where it is. */
interface Named {
  readonly name: string;
  readonly path: string;
}

/** What is listed elsewhere may have other names below something: a meeting's occurrences are its dates. */
function namesOf({ name, path }: Named) {
  return names.value.resources[wordsOf(path)] ?? names.value.resources[name];
}

export function resourceTitle(resource: Named): string {
  return namesOf(resource)?.title ?? humanised(resource.name);
}

/** What one entry of a list is called. */
export function oneOf(resource: Named): string {
  return namesOf(resource)?.one ?? resourceTitle(resource);
}

export function resourceText(resource: Named): string | undefined {
  return namesOf(resource)?.text;
}

/** What deleting such a thing is called, and what comes of it. */
export function removalOf(resource: Named): { readonly do: string; readonly text: string } {
  const words = namesOf(resource);
  return { do: words?.remove ?? a.value.remove, text: words?.removeText ?? a.value.removeText };
}

export function fieldName(schema: string | null, field: string): string {
  return names.value.fields[`${schema ?? ''}.${field}`] ?? names.value.fields[field] ?? humanised(field);
}

/** Help for a field. The document's words are English. */
export function fieldHelp(schema: string | null, field: string, description: string): string | undefined {
  const own = names.value.help[`${schema ?? ''}.${field}`] ?? names.value.help[field];
  return own ?? (language.value === 'en' && description !== '' ? description : undefined);
}

export function actionWords(name: string, summary: string): { readonly do: string; readonly ask?: string } {
  return names.value.actions[name] ?? { do: language.value === 'en' && summary !== '' ? summary : humanised(name) };
}

/** Fields that hold words although the document does not say which there are. */
const WORDED = new Set(['event', 'type', 'result', 'last_error']);

/** A text: what people wrote as they wrote it, and words as words. */
export function plainName(field: string, value: string): string {
  return WORDED.has(field) ? valueName(field, value) : value;
}

/** A word that a field can have. */
export function valueName(field: string, value: string): string {
  return names.value.values[`${field}.${value}`] ?? names.value.values[value] ?? value;
}
