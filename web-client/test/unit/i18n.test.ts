// SPDX-License-Identifier: EUPL-1.2
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { language } from '../../src/app/preferences';
import { dictionaries, fill, plural, t } from '../../src/i18n';
import { roomDictionaries } from '../../src/i18n/room';

type Entry = readonly [path: string, text: string];

function entries(value: unknown, path = ''): Entry[] {
  if (typeof value === 'string') return [[path, value]];
  return Object.entries(value as object).flatMap(([key, child]) => entries(child, path === '' ? key : `${path}.${key}`));
}

const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').toSorted();

describe('the dictionaries', () => {
  const german = new Map([...entries(dictionaries.de), ...entries(roomDictionaries.de)]);
  const english = new Map([...entries(dictionaries.en), ...entries(roomDictionaries.en)]);

  it('have the same keys', () => {
    expect([...english.keys()].toSorted()).toEqual([...german.keys()].toSorted());
  });

  it('have no empty texts', () => {
    for (const [path, text] of [...german, ...english]) expect(text.trim(), path).not.toBe('');
  });

  it('use the same placeholders', () => {
    for (const [path, text] of german) expect(placeholders(english.get(path) ?? ''), path).toEqual(placeholders(text));
  });

  it('address people formally in German', () => {
    for (const [path, text] of german) expect(text, path).not.toMatch(/\b(du|dich|dir|dein\w*|euch|euer)\b/i);
  });

  it('hold no text that nothing uses', () => {
    const source = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name) && !name.startsWith('i18n'))
      .map((name) => readFileSync(`src/${name}`, 'utf8'))
      .join('\n');
    const unused = [...german.keys()]
      .map((path) => path.replace(/\.(one|other)$/, '').split('.'))
      // Below a group that is chosen by value, such as problems[reason], the last key is not in the source.
      .filter((keys) => !keys.slice(1).some((key) => new RegExp(`\\b${key}\\b`).test(source)))
      .map((keys) => keys.join('.'));
    expect(unused).toEqual([]);
  });
});

describe('t', () => {
  it('follows the language', () => {
    expect(t.value.start.join).toBe('Beitreten');
    language.value = 'en';
    expect(t.value.start.join).toBe('Join');
  });
});

describe('fill', () => {
  it('puts values in', () => {
    expect(fill('{name} teilt, {n}-mal', { name: 'Ada', n: 2 })).toBe('Ada teilt, 2-mal');
  });

  it('leaves unknown placeholders visible', () => {
    expect(fill('{who}', {})).toBe('{who}');
  });

  it('does not fill in what a value contains', () => {
    expect(fill('{name}: {text}', { name: '{text}', text: 'Hallo' })).toBe('{text}: Hallo');
  });
});

describe('plural', () => {
  it('chooses the form', () => {
    expect(plural(t.value.room.inRoom, 1)).toBe('1 Person im Raum');
    expect(plural(t.value.room.inRoom, 0)).toBe('0 Personen im Raum');
    expect(plural(t.value.room.inRoom, 12)).toBe('12 Personen im Raum');
  });

  it('writes numbers as the language does', () => {
    expect(plural(t.value.room.inRoom, 1234)).toBe('1.234 Personen im Raum');
    language.value = 'en';
    expect(plural(t.value.room.inRoom, 1234)).toBe('1,234 people in the room');
  });
});
