// SPDX-License-Identifier: EUPL-1.2
// Fails when the build has grown past what a slow line should have to load.
// Usage: node scripts/check-budget.mjs <build folder>
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Limits in bytes after gzip. */
const BUDGET = {
  'JavaScript before joining': 45_000,
  // What somebody who joins a meeting loads in all: none of it is of the pages behind the sign-in.
  'JavaScript of a meeting': 215_000,
  'JavaScript of the pages': 70_000,
  'CSS of a meeting': 10_000,
  'CSS in all': 15_000,
};

/** How the parts behind the sign-in are called in a build: scripts by vite.config.ts, styles by their script. */
const PAGES = /^assets\/(pages-.*\.js|(Pages|MeetingPage|schedule|Admin)-.*\.css)$/i;

const folder = process.argv[2] ?? 'dist';
const gzipped = (file) => gzipSync(readFileSync(join(folder, file)), { level: 9 }).length;
const sum = (files) => files.reduce((total, file) => total + gzipped(file), 0);

const assets = readdirSync(join(folder, 'assets')).map((name) => `assets/${name}`);
const styles = assets.filter((name) => name.endsWith('.css'));
const scripts = assets.filter((name) => name.endsWith('.js'));
// What index.html names is what the browser loads at once; everything else waits for a dynamic import.
const html = readFileSync(join(folder, 'index.html'), 'utf8');
const first = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, file]) => file);

const measured = {
  'JavaScript before joining': sum(first),
  'JavaScript of a meeting': sum(scripts.filter((name) => !PAGES.test(name))),
  'JavaScript of the pages': sum(scripts.filter((name) => PAGES.test(name))),
  'CSS of a meeting': sum(styles.filter((name) => !PAGES.test(name))),
  'CSS in all': sum(styles),
};

let isOver = false;
for (const [what, limit] of Object.entries(BUDGET)) {
  const bytes = measured[what];
  const verdict = bytes <= limit ? 'ok' : 'TOO LARGE';
  isOver ||= bytes > limit;
  console.log(`${what.padEnd(26)} ${(bytes / 1000).toFixed(1).padStart(6)} of ${limit / 1000} kB gzip  ${verdict}`);
}
if (isOver) process.exit(1);
