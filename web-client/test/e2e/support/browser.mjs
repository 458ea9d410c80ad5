// SPDX-License-Identifier: EUPL-1.2
// One small API for driving Chromium (by playwright-core) and Firefox ESR (by puppeteer-core over WebDriver BiDi),
// both as installed on the machine, both with a made-up camera and microphone.
// Playwright cannot drive a Firefox that it has not built itself, hence the second library.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CHROMIUM = process.env['CHROMIUM_BIN'] ?? '/usr/bin/chromium';
const FIREFOX = process.env['FIREFOX_BIN'] ?? '/usr/bin/firefox-esr';

/** How long anything may take, in milliseconds. Generous, for shared machines. */
const PATIENCE_MS = 20_000;

/**
 * A page.
 * @typedef {object} Page
 * @property {(url: string) => Promise<void>} open  Goes to an address.
 * @property {() => Promise<void>} reload
 * @property {(testId: string) => Promise<void>} click  Waits for the element, then clicks it.
 * @property {(testId: string, text: string) => Promise<void>} fill  Replaces the text of an input.
 * @property {(key: string) => Promise<void>} press  Presses a key such as `Tab` or `Control+d`.
 * @property {(testId: string, options?: { gone?: boolean, timeoutMs?: number }) => Promise<void>} waitFor
 *   Waits until an element is visible, or gone.
 * @property {(test: Function, argument?: unknown, timeoutMs?: number) => Promise<void>} waitUntil
 *   Waits until a function that runs in the page returns something truthy.
 * @property {(testId: string) => Promise<string>} text
 * @property {(testId: string, name: string) => Promise<string | null>} attribute
 * @property {(testId: string) => Promise<number>} count
 * @property {(fn: Function, argument?: unknown) => Promise<any>} evaluate  Runs a function in the page.
 * @property {(width: number, height: number) => Promise<void>} resize
 * @property {(path: string) => Promise<void>} screenshot
 * @property {string[]} requests  Addresses requested so far.
 * @property {string[]} problems  Errors on the console and uncaught exceptions so far.
 * @property {() => Promise<void>} close
 */

/**
 * A running browser.
 * @typedef {object} Browser
 * @property {'chromium' | 'firefox'} kind
 * @property {(options?: PageOptions) => Promise<Page>} newPage  A page with storage of its own.
 * @property {() => Promise<void>} close
 */

/**
 * @typedef {object} PageOptions
 * @property {boolean} [apart]  In a browser apart from that of the pages before.
 * @property {number} [width]
 * @property {number} [height]
 * @property {boolean} [reducedMotion]  Chromium only.
 * @property {boolean} [forcedColors]   Chromium only.
 * @property {'light' | 'dark'} [colors] Chromium only.
 */

/**
 * Starts a browser. With `devices: 'denied'` the user refuses camera and microphone.
 * @param {'chromium' | 'firefox'} kind
 * @param {{ devices?: 'fake' | 'denied', headless?: boolean }} [options]
 * @returns {Promise<Browser>}
 */
export function launch(kind, options = {}) {
  return kind === 'firefox' ? launchFirefox(options) : launchChromium(options);
}

const byTestId = (testId) => `[data-testid="${testId}"]`;

async function launchChromium({ devices = 'fake', headless = true }) {
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    headless,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // Encoding is most of what a page takes of the processor, and no scenario is about smooth pictures.
      '--use-fake-device-for-media-stream=fps=10',
      devices === 'fake' ? '--use-fake-ui-for-media-stream' : '--deny-permission-prompts',
      '--auto-select-desktop-capture-source=Entire screen',
      // A network namespace has no other interface.
      '--allow-loopback-in-peer-connection',
      // Candidates with .local names need multicast, which test networks lack.
      // The browser's own pages, such as its tab search, are loaded ahead for every window and take half a processor.
      '--disable-features=WebRtcHideLocalIpsWithMdns,PreloadTopChromeWebUI',
    ],
  });
  return {
    kind: 'chromium',
    newPage: async (pageOptions = {}) => chromiumPage(browser, pageOptions, devices),
    close: () => browser.close(),
  };
}

async function chromiumPage(browser, options, devices) {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 720 },
    reducedMotion: options.reducedMotion ? 'reduce' : 'no-preference',
    forcedColors: options.forcedColors ? 'active' : 'none',
    colorScheme: options.colors ?? 'light',
    locale: 'de-DE',
    ...(devices === 'fake' ? { permissions: ['camera', 'microphone'] } : {}),
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const { requests, problems } = record(page, (request) => request.url());
  const find = (testId) => page.locator(byTestId(testId)).first();
  return {
    open: async (url) => void (await page.goto(url)),
    reload: async () => void (await page.reload()),
    click: (testId) => find(testId).click(),
    fill: (testId, text) => find(testId).fill(text),
    press: (key) => page.keyboard.press(key),
    waitFor: (testId, { gone = false, timeoutMs = PATIENCE_MS } = {}) =>
      find(testId).waitFor({ state: gone ? 'hidden' : 'visible', timeout: timeoutMs }),
    waitUntil: async (test, argument, timeoutMs = PATIENCE_MS) =>
      void (await page.waitForFunction(test, argument, { timeout: timeoutMs })),
    text: (testId) => find(testId).innerText(),
    attribute: (testId, name) => find(testId).getAttribute(name),
    count: (testId) => page.locator(byTestId(testId)).count(),
    evaluate: (fn, argument) => page.evaluate(fn, argument),
    resize: (width, height) => page.setViewportSize({ width, height }),
    screenshot: async (path) => void (await page.screenshot({ path })),
    requests,
    problems,
    close: () => context.close(),
  };
}

async function launchFirefox({ devices = 'fake', headless = true }) {
  const { default: puppeteer } = await import('puppeteer-core');
  const profile = await mkdtemp(join(tmpdir(), 'saal-firefox-'));
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless,
    userDataDir: profile,
    extraPrefsFirefox: {
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': devices === 'fake',
      'permissions.default.camera': devices === 'fake' ? 1 : 2,
      'permissions.default.microphone': devices === 'fake' ? 1 : 2,
      // Two pages on one machine have only the loopback interface to meet on.
      'media.peerconnection.ice.loopback': true,
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      'media.autoplay.default': 0,
      // Nothing the browser itself would like to fetch.
      'app.update.enabled': false,
      'browser.safebrowsing.malware.enabled': false,
      'browser.safebrowsing.phishing.enabled': false,
      'captivedetect.canonicalURL': '',
      'media.gmp-manager.url': '',
      'network.captive-portal-service.enabled': false,
      'network.connectivity-service.enabled': false,
      'services.settings.server': '',
    },
  });
  return {
    kind: 'firefox',
    newPage: async (pageOptions = {}) => firefoxPage(browser, pageOptions),
    close: async () => {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

async function firefoxPage(browser, options) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.setViewport({ width: options.width ?? 1280, height: options.height ?? 720 });
  const { requests, problems } = record(page, (request) => request.url());
  const find = async (testId) => {
    const element = await page.waitForSelector(byTestId(testId), { visible: true });
    if (element === null) throw new Error(`no element with the test id ${testId}`);
    return element;
  };
  return {
    open: async (url) => void (await page.goto(url)),
    reload: async () => void (await page.reload()),
    click: async (testId) => (await find(testId)).click(),
    fill: async (testId, text) => {
      const element = await find(testId);
      await element.click({ count: 3 });
      await page.keyboard.press('Backspace');
      await element.type(text);
    },
    press: async (key) => {
      const keys = key.split('+');
      for (const modifier of keys.slice(0, -1)) await page.keyboard.down(modifier);
      await page.keyboard.press(keys.at(-1));
      for (const modifier of keys.slice(0, -1).toReversed()) await page.keyboard.up(modifier);
    },
    waitFor: async (testId, { gone = false, timeoutMs = PATIENCE_MS } = {}) =>
      void (await page.waitForSelector(byTestId(testId), {
        ...(gone ? { hidden: true } : { visible: true }),
        timeout: timeoutMs,
      })),
    waitUntil: async (test, argument, timeoutMs = PATIENCE_MS) =>
      void (await page.waitForFunction(test, { timeout: timeoutMs }, argument)),
    text: async (testId) => (await find(testId)).evaluate((element) => element.innerText),
    attribute: async (testId, name) => (await find(testId)).evaluate((element, n) => element.getAttribute(n), name),
    count: async (testId) => (await page.$$(byTestId(testId))).length,
    evaluate: (fn, argument) => page.evaluate(fn, argument),
    resize: (width, height) => page.setViewport({ width, height }),
    screenshot: async (path) => void (await page.screenshot({ path })),
    requests,
    problems,
    close: () => context.close(),
  };
}

/** Both libraries name these events alike. */
function record(page, urlOf) {
  const requests = [];
  const problems = [];
  page.on('request', (request) => requests.push(urlOf(request)));
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  return { requests, problems };
}
