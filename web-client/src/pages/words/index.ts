// SPDX-License-Identifier: EUPL-1.2
// The words of the pages behind the sign-in. Apart from those of meetings, so that joining one loads none of them.
import { computed } from '@preact/signals';
import { language, type Language } from '../../app/preferences';
import { de } from './de';
import { en } from './en';

export type Words = typeof de;

export const pageDictionaries: Record<Language, Words> = { de, en };

/** The words in use. Reading `.value` in a component redraws it when the language changes. */
export const w = computed<Words>(() => pageDictionaries[language.value]);
