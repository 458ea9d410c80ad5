// SPDX-License-Identifier: EUPL-1.2
// WCAG 2.2: text needs 4.5:1 against its ground (1.4.3), outlines of controls and the focus ring 3:1 (1.4.11).
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

type Theme = 'light' | 'dark';

const css = readFileSync('src/theme/tokens.css', 'utf8');

function token(name: string, theme: Theme): string {
  const value = new RegExp(`--${name}:\\s*([^;]+);`).exec(css)?.[1]?.trim();
  if (value === undefined) throw new Error(`there is no token --${name}`);
  const both = /^light-dark\((#\w+),\s*(#\w+)\)$/.exec(value);
  return (theme === 'light' ? both?.[1] : both?.[2]) ?? value;
}

/** Relative luminance as WCAG defines it. */
function luminance(hex: string): number {
  const channel = (start: number) => {
    const value = Number.parseInt(hex.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const TEXT: [text: string, ground: string][] = [
  ...['page', 'surface', 'surface-raised', 'surface-sunken', 'hover'].map((ground): [string, string] => ['text', ground]),
  ...['page', 'surface', 'surface-sunken', 'hover'].map((ground): [string, string] => ['text-muted', ground]),
  ...['page', 'surface', 'hover', 'action-soft'].map((ground): [string, string] => ['action', ground]),
  ['text', 'action-soft'],
  ['on-action', 'action'],
  ['on-action', 'action-hover'],
  ['on-action-soft', 'action-soft'],
  ['on-danger', 'danger'],
  ['on-danger', 'danger-hover'],
  ['on-danger-soft', 'danger-soft'],
  ['on-warning-soft', 'warning-soft'],
  ['on-plate', 'plate'],
  ['on-plate', 'tile'],
  ['on-plate-muted', 'tile'],
  ['plate-danger', 'plate'],
  ['plate-speaking', 'plate'],
  ['plate-warning', 'plate'],
  ['on-plate', 'plate-hover'],
  ...[1, 2, 3, 4, 5, 6].map((n): [string, string] => ['on-avatar', `avatar-${n}`]),
];

const SHAPES: [shape: string, ground: string][] = [
  ['outline', 'page'],
  ['outline', 'surface'],
  ['focus', 'page'],
  ['focus', 'surface'],
  ['focus', 'tile'],
  ['speaking', 'surface'],
  ['danger', 'surface'],
  ['plate-speaking', 'tile'],
];

describe.each<Theme>(['light', 'dark'])('in the %s theme', (theme) => {
  it.each(TEXT)('%s is readable on %s', (text, ground) => {
    expect(contrast(token(text, theme), token(ground, theme))).toBeGreaterThanOrEqual(4.5);
  });

  // The light theme's focus ring meets tiles only through the gap around it, which is white there.
  it.each(SHAPES.filter(([shape, ground]) => !(theme === 'light' && shape === 'focus' && ground === 'tile')))(
    '%s is visible on %s',
    (shape, ground) => {
      expect(contrast(token(shape, theme), token(ground, theme))).toBeGreaterThanOrEqual(3);
    },
  );
});
