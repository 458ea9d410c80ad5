// SPDX-License-Identifier: EUPL-1.2
// Runs the end-to-end scenarios: real browsers against a real Saal server on this machine.
//
//   node test/e2e/run.mjs --saal ../target/debug/saal [--only TEXT] [--out FOLDER]
//
// Each scenario gets a server of its own, so that none can hide behind another. Screenshots and the servers' logs stay
// in the output folder; personal data in a log, above debug, fails the scenario. `prepare` starts what a server needs.
// Scenarios run one after the other; those with `calm: true`, which say nothing about how fast anything is and leave the
// machine idle most of the time, do so beside the others. Those with `namespace: true` run last, by this same program in a
// network namespace.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Browsers } from './support/browsers.mjs';
import { runInNamespace, whyNoNamespace } from './support/namespace.mjs';
import { assertNothingPrivate } from './support/private.mjs';
import { startServer } from './support/server.mjs';

const here = dirname(fileURLToPath(import.meta.url));

const { values: options } = parseArgs({
  options: {
    saal: { type: 'string' },
    only: { type: 'string' },
    out: { type: 'string', default: join(here, '../../../target/e2e') },
    // Set by this program itself, for its second half.
    'in-namespace': { type: 'boolean', default: false },
  },
});
if (options.saal === undefined) {
  console.error('name the server to test: --saal PATH');
  process.exit(1);
}
const saal = resolve(options.saal);
const out = resolve(options.out);

/** All scenarios of all files, in the order of the files' names. */
async function loadScenarios() {
  const files = (await readdir(join(here, 'scenarios'))).filter((name) => name.endsWith('.mjs')).toSorted();
  const lists = await Promise.all(files.map((name) => import(join(here, 'scenarios', name))));
  return lists.flatMap((list) => list.default);
}

async function runOne(scenario, browsers) {
  const folder = join(out, scenario.name.replaceAll(/[^a-z0-9]+/gi, '-'));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const prepared = await scenario.prepare?.();
  const settings = { ...scenario.settings, ...prepared?.settings };
  const server = await startServer({ saal, log: join(folder, 'server.log'), port: prepared?.port, settings });
  const opened = [];
  const typed = [];
  const context = {
    server,
    prepared,
    saal,
    folder,
    /** Opens a page in a browser; it is closed, and pictured if the scenario fails, at the end. */
    newPage: async (kind, pageOptions) => {
      const place = opened.filter((page) => page.kind === kind).length;
      const browser = await browsers.get(kind, place, pageOptions?.apart);
      const plain = await browser.newPage(pageOptions);
      const fill = (testId, text) => {
        typed.push(text);
        return plain.fill(testId, text);
      };
      const page = { ...plain, fill, kind };
      opened.push(page);
      return page;
    },
  };
  try {
    await scenario.run(context);
  } catch (error) {
    await Promise.all(
      opened.map((page, index) => page.screenshot(join(folder, `failure-${index + 1}.png`)).catch(() => undefined)),
    );
    const problems = opened.flatMap((page, index) => page.problems.map((text) => `page ${index + 1}: ${text}`));
    error.message = [error.message, ...problems.slice(0, 20)].join('\n      ');
    throw error;
  } finally {
    await Promise.all(opened.map((page) => page.close().catch(() => undefined)));
    await server.stop().finally(() => prepared?.stop());
  }
  for (const log of (await readdir(folder)).filter((name) => name.endsWith('.log'))) {
    await assertNothingPrivate(join(folder, log), [...typed, ...server.people]);
  }
}

/** Runs scenarios one after the other. */
async function runAll(scenarios) {
  const browsers = new Browsers();
  let failed = 0;
  for (const [index, scenario] of scenarios.entries()) {
    const began = performance.now();
    const told = (result) => {
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.log(`[${index + 1}/${scenarios.length}] ${scenario.name} … ${result} (${seconds} s)`);
    };
    try {
      await runOne(scenario, browsers);
      told('ok');
    } catch (error) {
      failed += 1;
      told('FAILED');
      console.log(`      ${error.stack ?? error}`);
    }
  }
  await browsers.close();
  return { passed: scenarios.length - failed, failed };
}

/** Has the scenarios run that need a namespace. Where there can be none, they have failed: nothing was shown. */
async function runNamespaced(scenarios) {
  if (scenarios.length === 0) return { passed: 0, failed: 0 };
  const reason = await whyNoNamespace();
  if (reason === undefined) {
    console.log('In a network namespace:');
    const result = await runInNamespace([fileURLToPath(import.meta.url), ...process.argv.slice(2), '--in-namespace']);
    if (result !== undefined) return result;
  }
  for (const { name } of scenarios) console.log(`${name} … FAILED\n      ${reason ?? 'the runner died'}`);
  return { passed: 0, failed: scenarios.length };
}

const all = await loadScenarios();
const chosen = all.filter(({ name }) => name.toLowerCase().includes((options.only ?? '').toLowerCase()));
const namespaced = chosen.filter((scenario) => scenario.namespace === true);
if (options['in-namespace']) {
  process.send(await runAll(namespaced), () => process.exit(0));
} else {
  const plain = chosen.filter((scenario) => scenario.namespace !== true);
  // The calm ones are over before those begin that ask how long something takes: the first scenarios last a minute each.
  const side = [plain.filter(({ calm }) => calm !== true), plain.filter(({ calm }) => calm === true)];
  const results = [...(await Promise.all(side.map(runAll))), await runNamespaced(namespaced)];
  const sum = (kind) => results.reduce((total, result) => total + result[kind], 0);
  const failed = sum('failed');
  console.log(`Screenshots and logs: ${out}`);
  console.log(`${sum('passed')} passed, ${failed} failed`);
  process.exit(failed === 0 && chosen.length > 0 ? 0 : 1);
}
