// SPDX-License-Identifier: EUPL-1.2
// Writes /licences.txt into the build: name, version, licence and licence text of everything that reaches the browser.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Packages a production install brings, from the lockfile: more than is bundled, never less. */
function productionPackages(root) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path !== '' && !entry.dev && !entry.optional)
    .map(([path, entry]) => ({
      folder: join(root, path),
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version: entry.version,
      licence: entry.license ?? 'not stated',
    }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en'));
}

function licenceText(folder) {
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)(\.|$)/i.test(name));
  return file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim();
}

/** The whole text of the licence file. */
export function licencesText(root) {
  const intro =
    'Saal is licensed under the European Union Public Licence 1.2 (EUPL-1.2).\n' +
    'Its browser client contains the following works of others.\n';
  const rule = `\n${'-'.repeat(80)}\n`;
  const parts = productionPackages(root).map(({ folder, name, version, licence }) =>
    `${name} ${version}\nLicence: ${licence}\n\n${licenceText(folder)}`.trimEnd(),
  );
  return `${[intro, ...parts].join(rule)}\n`;
}

/** Vite plugin that adds the file to a production build. */
export function licences() {
  let root = '';
  return {
    name: 'saal-licences',
    apply: 'build',
    configResolved(config) {
      root = config.root;
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: licencesText(root) });
    },
  };
}
