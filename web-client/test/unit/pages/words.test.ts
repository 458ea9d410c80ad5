// SPDX-License-Identifier: EUPL-1.2
// The same rules for these dictionaries as for the client's own (test/unit/i18n.test.ts).
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { adminDictionaries, adminNames } from '../../../src/pages/admin/words';
import { pageDictionaries } from '../../../src/pages/words';

type Entry = readonly [path: string, text: string];

function entries(value: unknown, path = ''): Entry[] {
  if (typeof value === 'string') return [[path, value]];
  return Object.entries(value as object).flatMap(([key, child]) => entries(child, path === '' ? key : `${path}.${key}`));
}

const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').toSorted();
const source = readdirSync('src/pages', { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !/words\/(names\/)?(de|en)/.test(name))
  .map((name) => readFileSync(`src/pages/${name}`, 'utf8'))
  .join('\n');

describe.each([
  ['pages', pageDictionaries],
  ['administration', adminDictionaries],
])('the words of the %s', (_, dictionaries) => {
  const german = new Map(entries(dictionaries.de));
  const english = new Map(entries(dictionaries.en));

  it('are the same texts with the same placeholders in both languages', () => {
    expect([...english.keys()].toSorted()).toEqual([...german.keys()].toSorted());
    for (const [path, text] of german) expect(placeholders(english.get(path) ?? ''), path).toEqual(placeholders(text));
    for (const [path, text] of [...german, ...english]) expect(text.trim(), path).not.toBe('');
  });

  it('are all used', () => {
    const unused = [...german.keys()]
      .map((path) => path.replace(/\.(one|other)$/, '').split('.'))
      .filter((keys) => !keys.some((key, at) => (at > 0 || keys.length === 1) && new RegExp(`\\b${key}\\b`).test(source)))
      .map((keys) => keys.join('.'));
    expect(unused).toEqual([]);
  });
});

it('address people formally in German', () => {
  for (const words of [pageDictionaries.de, adminDictionaries.de, adminNames.de]) {
    for (const [path, text] of entries(words)) expect(text, path).not.toMatch(/\b(du|dich|dir|dein\w*|euch|euer)\b/i);
  }
});

it('name the same resources and actions in both languages', () => {
  expect(Object.keys(adminNames.en.resources).toSorted()).toEqual(Object.keys(adminNames.de.resources).toSorted());
  expect(Object.keys(adminNames.en.actions).toSorted()).toEqual(Object.keys(adminNames.de.actions).toSorted());
});
