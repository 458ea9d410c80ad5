// SPDX-License-Identifier: EUPL-1.2
// What goes wrong in a day: the connection breaks, a page is loaded again, a link is bad.
import assert from 'node:assert/strict';
import { join as joinPath } from 'node:path';
import { identityOf, join, lostBetween, observeFor, reception, waitForPeople, waitForPicture } from '../support/meeting.mjs';
import { startProxy } from '../support/tcp-proxy.mjs';

async function brokenSocket({ server, newPage, folder }) {
  const proxy = await startProxy(server.origin);
  const [anna, bert] = [await newPage('chromium'), await newPage('chromium')];
  await join(anna, { origin: proxy.origin, name: 'Anna' });
  await join(bert, { origin: server.origin, name: 'Bert' });
  const identity = await identityOf(anna);
  await waitForPicture(bert, identity);
  await waitForPicture(anna, await identityOf(bert));
  const sid = await anna.evaluate(() => {
    window.saalTest.events = [];
    for (const event of ['reconnecting', 'signalReconnecting', 'reconnected', 'disconnected']) {
      window.saalTest.room.on(event, () => window.saalTest.events.push(event));
    }
    return window.saalTest.room.localParticipant.sid;
  });
  const joinsAtBert = await countJoins(bert);
  const before = await reception(bert);
  proxy.cut();
  await anna.waitFor('banner-reconnecting');
  await anna.screenshot(joinPath(folder, 'reconnecting.png'));
  await observeFor(2_000);
  proxy.mend();
  await anna.waitUntil(() => window.saalTest.events.includes('reconnected'));
  await anna.waitFor('banner-reconnecting', { gone: true });
  const after = await reception(bert);
  assert.equal(await anna.evaluate(() => window.saalTest.room.localParticipant.sid), sid, 'the same stay goes on');
  assert.equal(await joinsAtBert(), 0, 'nobody saw a new join');
  assert.ok(after.leastFrames > before.leastFrames, 'the picture went on meanwhile');
  assert.equal(lostBetween(before, after), 0, 'packets lost');
  await waitForPicture(anna, await identityOf(bert));
  await proxy.close();
}

/** Counts participants that a page sees coming from now on. */
async function countJoins(page) {
  await page.evaluate(() => {
    window.saalTest.joins = 0;
    window.saalTest.room.on('participantConnected', () => (window.saalTest.joins += 1));
  });
  return () => page.evaluate(() => window.saalTest.joins);
}

async function reload({ server, newPage }) {
  const [anna, bert] = [await newPage('chromium'), await newPage('firefox')];
  await join(anna, { origin: server.origin, name: 'Anna' });
  await join(bert, { origin: server.origin, name: 'Bert' });
  const identity = await identityOf(anna);
  await waitForPicture(bert, identity);
  await anna.reload();
  await anna.waitFor('preview-video');
  await anna.click('join');
  await anna.waitFor('room');
  assert.equal(await identityOf(anna), identity);
  await waitForPeople(anna, 2);
  await waitForPeople(bert, 2);
  await waitForPicture(bert, identity);
}

async function secondTab({ server, newPage, folder }) {
  const token = await server.token(['--room', 'demo', '--identity', 'anna', '--name', 'Anna']);
  const [first, second] = [await newPage('chromium'), await newPage('chromium')];
  for (const page of [first, second]) {
    await page.open(`${server.origin}/m/demo#token=${token}`);
    await page.waitFor('preview-video');
    assert.ok(!(await page.evaluate(() => location.href)).includes('token'), 'the token leaves the address bar');
    await page.click('join');
    await page.waitFor('room');
  }
  await first.waitFor('ended');
  await first.screenshot(joinPath(folder, 'replaced.png'));
  assert.equal(await first.attribute('end-reason', 'data-reason'), 'replaced');
  await waitForPeople(second, 1);
}

async function screens({ server, newPage, folder }) {
  for (const kind of ['chromium', 'firefox']) {
    const page = await newPage(kind);
    await page.open(server.origin);
    await page.waitFor('join-input');
    await page.screenshot(joinPath(folder, `start-${kind}.png`));
    await page.fill('join-input', 'besprechung-7');
    await page.click('join');
    await page.waitFor('preview-video');
    await page.screenshot(joinPath(folder, `prejoin-${kind}.png`));
    const expired = await server.token(['--room', 'x', '--identity', 'i', '--valid-for', '1s']);
    await observeFor(1_500);
    await page.open(`${server.origin}/m/x#token=${expired}`);
    await page.waitFor('link-problem');
    await page.screenshot(joinPath(folder, `expired-${kind}.png`));
    const strangers = page.requests.filter((url) => !url.startsWith(server.origin) && /^(https?|wss?):/.test(url));
    assert.deepEqual(strangers, [], 'no request goes to anybody else');
  }
}

export default [
  { name: 'a socket that is dead for 2 s resumes without a new join', run: brokenSocket },
  { name: 'reloading the page replaces the old participant', calm: true, run: reload },
  { name: 'a second tab with the same link takes over', calm: true, run: secondTab },
  { name: 'every screen before the room', calm: true, run: screens },
];
