// SPDX-License-Identifier: EUPL-1.2
// Fails when the build has grown past what a slow line should have to load.
// Usage: node scripts/check-budget.mjs <build folder>
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Limits in bytes after gzip. */
const BUDGET = {
  'JavaScript before joining': 45_000,
  'JavaScript in all': 215_000,
  'CSS in all': 15_000,
};

const folder = process.argv[2] ?? 'dist';
const gzipped = (file) => gzipSync(readFileSync(join(folder, file)), { level: 9 }).length;
const sum = (files) => files.reduce((total, file) => total + gzipped(file), 0);

const assets = readdirSync(join(folder, 'assets')).map((name) => `assets/${name}`);
const scripts = assets.filter((name) => name.endsWith('.js'));
// What index.html names is what the browser loads at once; everything else waits for a dynamic import.
const html = readFileSync(join(folder, 'index.html'), 'utf8');
const first = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, file]) => file);

const measured = {
  'JavaScript before joining': sum(first),
  'JavaScript in all': sum(scripts),
  'CSS in all': sum(assets.filter((name) => name.endsWith('.css'))),
};

let isOver = false;
for (const [what, limit] of Object.entries(BUDGET)) {
  const bytes = measured[what];
  const verdict = bytes <= limit ? 'ok' : 'TOO LARGE';
  isOver ||= bytes > limit;
  console.log(`${what.padEnd(26)} ${(bytes / 1000).toFixed(1).padStart(6)} of ${limit / 1000} kB gzip  ${verdict}`);
}
if (isOver) process.exit(1);
