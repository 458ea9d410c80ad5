// SPDX-License-Identifier: EUPL-1.2
// People with accounts, and what the pages behind the sign-in need beside clicking and typing.
import { spawn } from 'node:child_process';

/** A password that the server takes. */
export const PASSWORD = 'korrekt-pferd-batterie-99';

/**
 * Makes an account by the command line, as an operator does.
 * @param {string} saal  The binary.
 * @param {import('./server.mjs').Server} server
 */
export async function makeUser(saal, server, { email, name, role }) {
  server.people.push(email, name);
  const child = spawn(saal, ['user', 'create', '--data-dir', server.data, '--role', role, '--name', name, email], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.on('data', (chunk) => (complaints += chunk));
  child.stdin.end(`${PASSWORD}\n`);
  const status = await new Promise((resolve) => {
    child.on('exit', resolve);
  });
  if (status !== 0) throw new Error(`saal user create: ${complaints}`);
}

/** Opens a page in German, whatever the browser speaks. */
export async function openInGerman(page, url) {
  await page.open(`${new URL(url).origin}/`);
  // Firefox complains about fonts that were still on their way when somebody went on to the next page.
  await page.evaluate(async () => {
    localStorage.setItem('saal.language', 'de');
    await document.fonts.ready;
  });
  await page.open(url);
}

/** Signs in on the page that is open. */
export async function signIn(page, email, password = PASSWORD) {
  await page.waitFor('password-form');
  await page.fill('sign-in-email', email);
  await page.fill('sign-in-password', password);
  await page.click('sign-in-submit');
}

/** Sets a field as somebody would who chooses or types, whatever kind it is: typing dates differs by browser and language. */
export async function choose(page, testId, value, index = 0) {
  await page.waitFor(testId);
  await page.evaluate(
    ([id, wanted, at]) => {
      const field = document.querySelectorAll(`[data-testid="${id}"]`)[at];
      const prototype = { SELECT: HTMLSelectElement, TEXTAREA: HTMLTextAreaElement }[field.tagName] ?? HTMLInputElement;
      Object.getOwnPropertyDescriptor(prototype.prototype, 'value').set.call(field, wanted);
      field.dispatchEvent(new Event(field.tagName === 'SELECT' ? 'change' : 'input', { bubbles: true }));
    },
    [testId, value, index],
  );
}

/** Goes to a page of ours without loading all of it anew. */
export async function go(page, path) {
  await page.evaluate((to) => {
    history.pushState(null, '', to);
    dispatchEvent(new PopStateEvent('popstate'));
  }, path);
}
