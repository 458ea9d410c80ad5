// SPDX-License-Identifier: EUPL-1.2
// Somebody who has an account at their organisation signs in with it, by a real identity provider.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openInGerman } from '../support/pages.mjs';
import { startProvider } from '../support/provider.mjs';
import { freePort } from '../support/server.mjs';

const OLGA = { id: 'olga', name: 'Olga Organisation', email: 'olga@example.org', email_verified: true };

const isAt = (address) => location.href.startsWith(address);

/** What the browser asks the provider, and what they do there. */
async function signInAtProvider(page, issuer) {
  await page.click('sign-in-provider');
  await page.waitFor('provider-login');
  assert.ok(await page.evaluate(isAt, issuer), 'this is another provider');
  await page.fill('provider-login', OLGA.id);
  await page.click('provider-submit');
}

async function signingIn(kind, { server, prepared: provider, newPage, folder }) {
  await provider.account(OLGA);
  const page = await newPage(kind);
  // Whoever follows a link is led to the sign-in, and back to it.
  await openInGerman(page, `${server.origin}/meetings?from=mail`);
  await page.waitFor('sign-in-provider');
  await page.screenshot(join(folder, 'sign-in.png'));
  await signInAtProvider(page, provider.issuer);
  await page.waitFor('day-empty');
  assert.equal(await page.evaluate(() => location.pathname + location.search), '/meetings?from=mail');
  assert.match(await page.text('account-name'), new RegExp(OLGA.name));
  await page.screenshot(join(folder, 'day.png'));

  // Signing out here signs out there, too; the provider asks whether that is meant.
  await page.click('sign-out');
  await page.click('provider-sign-out');
  await page.waitFor('account-link');
  assert.ok(await page.evaluate(isAt, server.origin), 'the provider leads somewhere else');
  assert.equal(await page.evaluate(async () => (await fetch('/api/v1/session')).status), 401);
  await page.screenshot(join(folder, 'signed-out.png'));

  // So the next one at this machine has to say who they are.
  await page.open(`${server.origin}/sign-in`);
  await signInAtProvider(page, provider.issuer);
  await page.waitFor('day-empty');
  // The provider has no icon; that the session was asked for without one was meant.
  assert.deepEqual(page.problems.filter((text) => !/401|404/.test(text)), []);
}

async function prepare() {
  const port = await freePort();
  return { port, ...(await startProvider(port)) };
}

export default ['chromium', 'firefox'].map((kind) => ({
  name: `provider: somebody signs in with their organisation's account and out, in ${kind}`,
  calm: true,
  prepare,
  run: (context) => signingIn(kind, context),
}));
