// SPDX-License-Identifier: EUPL-1.2
// Words of the room that nobody needs who has not joined yet. Apart from the others, so that they are loaded with the room.
import { computed } from '@preact/signals';
import { language, type Language } from '../../app/preferences';
import { de } from './de';
import { en } from './en';

export type RoomWords = typeof de;

export const roomDictionaries: Record<Language, RoomWords> = { de, en };

/** The words in use. Reading `.value` in a component redraws it when the language changes. */
export const inRoom = computed<RoomWords>(() => roomDictionaries[language.value]);
