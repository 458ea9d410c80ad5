// SPDX-License-Identifier: EUPL-1.2
// Puts a .br and a .gz beside each text file of a build, so that the server never compresses at run time.
// Usage: node scripts/compress.mjs <build folder>
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const TEXT = new Set(['.css', '.html', '.js', '.json', '.svg', '.txt', '.wasm']);

/** Below this a compressed answer saves less than a packet. */
const SMALLEST_BYTES = 1000;

const folder = process.argv[2];
if (folder === undefined) {
  console.error('usage: node scripts/compress.mjs <build folder>');
  process.exit(2);
}

for (const name of readdirSync(folder, { recursive: true })) {
  const path = join(folder, name);
  if (!statSync(path).isFile() || !TEXT.has(extname(path))) continue;
  const content = readFileSync(path);
  if (content.length < SMALLEST_BYTES) continue;
  const brotli = brotliCompressSync(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  });
  writeFileSync(`${path}.br`, brotli);
  writeFileSync(`${path}.gz`, gzipSync(content, { level: constants.Z_BEST_COMPRESSION }));
}
