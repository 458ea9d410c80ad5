// SPDX-License-Identifier: EUPL-1.2
// Accessibility that only a browser can tell: axe-core on every screen, light and dark, in Chromium and Firefox;
// nothing wider than 320 px, no picture under the toolbar; targets of 44 px; the keyboard; and that no request leaves
// the server.
// Usage: npm run build && npm run test:a11y [-- chromium|firefox]
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'vite';
import { launch } from '../e2e/support/browser.mjs';
import { serveBuild } from '../e2e/support/static-server.mjs';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Screens of the production build, then those of the story page, which need a conference. */
const screens = (build, incomplete, stories, provider) => [
  { name: 'Sign-in', url: `${provider}/sign-in?signed_out=1`, ready: 'sign-in-submit' },
  { name: 'Day', url: `${build}/meetings`, ready: 'entry' },
  { name: 'Meeting', url: `${build}/meetings/m1`, ready: 'occurrence' },
  { name: 'Schedule', url: `${build}/meetings/new`, ready: 'save' },
  { name: 'Schedule, series', url: `${build}/meetings/m1/edit`, ready: 'outcome' },
  { name: 'Cancel', url: `${build}/meetings/m1`, ready: 'occurrence', open: 'cancel-meeting' },
  { name: 'Administration', url: `${build}/admin`, ready: 'admin-overview' },
  { name: 'Administration, list', url: `${build}/admin/users?role=organizer`, ready: 'row' },
  { name: 'Administration, item', url: `${build}/admin/users/olga`, ready: 'item-page' },
  { name: 'Administration, action', url: `${build}/admin/users/olga`, ready: 'item-page', open: 'action-password' },
  { name: 'Administration, form', url: `${build}/admin/users?new=1`, ready: 'editor' },
  { name: 'Administration, report', url: `${build}/admin/availability`, ready: 'filters' },
  { name: 'Administration, erasure', url: `${build}/admin/erasures`, ready: 'form-open', open: 'form-open' },
  { name: 'Start', url: `${build}/`, ready: 'join' },
  { name: 'Prejoin', url: `${build}/m/Ausschuss`, ready: 'preview-video' },
  { name: 'LinkProblem', url: `${incomplete}/m/Ausschuss`, ready: 'link-problem' },
  { name: 'Ended', url: `${stories}?ended=left`, ready: 'ended' },
  { name: 'Ended, lost', url: `${stories}?ended=lost`, ready: 'ended' },
  { name: 'Lobby', url: `${stories}?lobby=1`, ready: 'lobby' },
  { name: 'Refused', url: `${stories}?refused=1`, ready: 'refused' },
  { name: 'NotSupported', url: `${stories}?unsupported=1`, ready: 'not-supported' },
  { name: 'ServerProblem', url: `${stories}?server=1`, ready: 'server-problem' },
  { name: 'Room', url: `${stories}?people=6&banner=1&problem=1`, ready: 'tile' },
  { name: 'Room, alone', url: `${stories}?people=1`, ready: 'tile' },
  { name: 'Room, chat and screens', url: `${stories}?people=12&share=2&chat=1`, ready: 'tile', open: 'toggle-chat' },
  { name: 'Room, people', url: `${stories}?people=12&muted=1`, ready: 'tile', open: 'toggle-people' },
  { name: 'Room, moderator', url: `${stories}?people=6&moderator=1&banned=1`, ready: 'tile', open: ['toggle-people', 'open-banned'] },
  { name: 'Room, blocking a microphone', url: `${stories}?people=2&callers=1&moderator=1&nocalls=1`, ready: 'tile', open: ['toggle-people', 'permit-to-speak'] },
  { name: 'Room, callers', url: `${stories}?people=4&callers=3&moderator=1`, ready: 'tile', open: 'toggle-people' },
  { name: 'Room, calls', url: `${stories}?people=2&callers=1&moderator=1&calls=6`, ready: 'tile', open: ['toggle-people', 'open-call-telephone', 'call-me'] },
  { name: 'Room, sound by telephone', url: `${stories}?people=3&callers=1&telephone=by-telephone`, ready: 'banner-telephone' },
  { name: 'Room, sound back', url: `${stories}?people=3&callers=1&telephone=both`, ready: 'banner-telephone' },
  { name: 'Room, invite', url: `${stories}?people=2&callers=1&invite=1`, ready: 'tile', open: ['toggle-people', 'open-invite'] },
  { name: 'Room, settings', url: `${stories}?people=3`, ready: 'tile', open: 'toggle-settings' },
];

const failures = [];
const fail = (where, what) => {
  failures.push(`${where}: ${what}`);
  console.log(`  FAIL ${where}: ${what}`);
};

async function runAxe(page) {
  // By evaluate, which the content security policy does not apply to.
  await page.evaluate(axeSource);
  return page.evaluate(() =>
    globalThis.axe
      .run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations, passes, incomplete }) => ({
        violations: violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`),
        passes: passes.length,
        incomplete: incomplete.map(({ id, nodes }) => `${id}(${nodes.length})`),
      })),
  );
}

async function checkScreen(browser, screen, options) {
  const where = `${browser.kind}, ${screen.name}, ${options.theme}${options.width < 500 ? `, ${options.width} px` : ''}`;
  const page = await browser.newPage(options);
  await page.open(screen.url);
  await page.evaluate((theme) => localStorage.setItem('saal.appearance', theme), options.theme);
  // The story page takes the theme from its address, the build from what is remembered.
  await page.open(screen.url.includes('/test/stories/') ? `${screen.url}&appearance=${options.theme}` : screen.url);
  await page.waitFor(screen.ready);
  // Leaving the page the first time broke off what it was still loading.
  page.problems.length = 0;
  for (const control of [screen.open ?? []].flat()) await page.click(control);
  // Colours change over 120 ms; axe would read one in between.
  await new Promise((resolve) => setTimeout(resolve, 400));

  const axe = await runAxe(page);
  for (const violation of axe.violations) fail(where, violation);
  const sizes = await page.evaluate(() => ({
    page: document.documentElement.scrollWidth,
    window: window.innerWidth,
    small: [...document.querySelectorAll('button, input, select, textarea, a.page-brand, a.button, a.page-link, summary')]
      // A tick is as large as the label around it.
      .map((element) => (element.type === 'checkbox' || element.type === 'radio' ? (element.closest('label') ?? element) : element))
      .map((element) => ({ box: element.getBoundingClientRect(), html: element.outerHTML.slice(0, 80) }))
      .filter(({ box }) => box.width > 0 && (box.width < 43.5 || box.height < 43.5))
      .map(({ box, html }) => `${Math.round(box.width)}×${Math.round(box.height)} ${html}`),
    isOverlaid: [...document.querySelectorAll('.tile, .share')].some(
      (picture) => picture.getBoundingClientRect().bottom > document.querySelector('.toolbar').getBoundingClientRect().top,
    ),
  }));
  if (sizes.page > sizes.window) fail(where, `the page is ${sizes.page} px wide in a window of ${sizes.window} px`);
  for (const target of sizes.small) fail(where, `a target smaller than 44 px: ${target}`);
  if (sizes.isOverlaid) fail(where, 'the pictures reach into the toolbar');
  const origin = new URL(screen.url).origin;
  for (const url of page.requests) {
    if (!url.startsWith(origin) && !/^(blob|data|about|ws:\/\/127)/.test(url)) fail(where, `a request to ${url}`);
  }
  for (const problem of page.problems.filter((text) => !text.includes('404'))) fail(where, problem);
  console.log(`${where}: ${axe.violations.length} violations, ${axe.passes} passes, incomplete ${axe.incomplete.join(' ') || '-'}`);
  await page.close();
}

/** Goes through the room with the keyboard alone. */
async function checkKeyboard(browser, stories) {
  const where = `${browser.kind}, keyboard`;
  const page = await browser.newPage();
  await page.open(`${stories}?people=4&chat=1`);
  await page.waitFor('tile');
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-testid') ?? document.activeElement?.tagName);
  const expectFocus = async (wanted, after) => {
    const is = await focused();
    if (is !== wanted) fail(where, `after ${after} the focus is on ${is}, not ${wanted}`);
  };
  await expectFocus('H1', 'entering the room');
  // No further than this: from the last stop the Tab key leads out of the page, into the browser's own controls.
  for (const wanted of ['toggle-settings', 'toggle-mic']) {
    await page.press('Tab');
    await expectFocus(wanted, 'the Tab key');
  }
  const stops = await page.evaluate(
    () => [...document.querySelectorAll('[role=toolbar] button')].filter((button) => button.tabIndex === 0).length,
  );
  if (stops !== 1) fail(where, `the toolbar is ${stops} tab stops`);
  for (const wanted of ['toggle-cam', 'toggle-share', 'toggle-hand', 'toggle-chat']) {
    await page.press('ArrowRight');
    await expectFocus(wanted, 'the right arrow key');
  }
  await page.press('Enter');
  await page.waitFor('chat-panel');
  await expectFocus('chat-input', 'opening the chat');
  await page.press('Escape');
  await page.waitFor('chat-panel', { gone: true });
  await expectFocus('toggle-chat', 'closing the chat');
  await page.press('End');
  await expectFocus('leave', 'the End key');
  await page.press('Control+d');
  if ((await page.attribute('toggle-mic', 'aria-pressed')) !== 'false') fail(where, 'Control+D does not mute');
  await page.waitUntil(() => document.querySelector('[data-testid="announcements"]')?.textContent.includes('Mikrofon stumm'));
  console.log(`${where}: done`);
  await page.close();
}

const wanted = process.argv.slice(2);
const kinds = ['chromium', 'firefox'].filter((kind) => wanted.length === 0 || wanted.includes(kind));
const build = await serveBuild({ folder: 'dist', dev: true });
const incomplete = await serveBuild({ folder: 'dist', dev: false });
const withProvider = await serveBuild({ folder: 'dist', provider: true });
const vite = await createServer({ server: { port: 0, host: '127.0.0.1' }, logLevel: 'error' });
await vite.listen();
const stories = `http://127.0.0.1:${vite.httpServer.address().port}/test/stories/index.html`;

for (const kind of kinds) {
  const browser = await launch(kind);
  try {
    for (const screen of screens(build.origin, incomplete.origin, stories, withProvider.origin)) {
      await checkScreen(browser, screen, { theme: 'light', width: 1280, height: 800 });
      await checkScreen(browser, screen, { theme: 'dark', width: 1280, height: 800 });
      await checkScreen(browser, screen, { theme: 'dark', width: 320, height: 568 });
    }
    await checkKeyboard(browser, stories);
  } finally {
    await browser.close();
  }
}
await vite.close();
await build.close();
await incomplete.close();
await withProvider.close();
console.log(failures.length === 0 ? 'all well' : `${failures.length} failures`);
process.exit(failures.length === 0 ? 0 : 1);
