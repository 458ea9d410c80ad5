// SPDX-License-Identifier: EUPL-1.2
// Two people meet for a minute, in every pair of browsers.
import assert from 'node:assert/strict';
import { join as joinPath } from 'node:path';
import {
  assertFlowing,
  identityOf,
  join,
  observeFor,
  reception,
  waitForPeople,
  waitForPicture,
} from '../support/meeting.mjs';

const MINUTE_MS = 60_000;

async function meet({ server, newPage, folder }, kinds) {
  const names = ['Anna', 'Bert'];
  const pages = [];
  for (const [index, kind] of kinds.entries()) {
    const page = await newPage(kind);
    await join(page, { origin: server.origin, name: names[index] });
    pages.push(page);
  }
  const identities = await Promise.all(pages.map(identityOf));
  await Promise.all(pages.map((page) => waitForPeople(page, 2)));
  await Promise.all(pages.map((page, index) => waitForPicture(page, identities[1 - index])));
  const before = await Promise.all(pages.map(reception));
  await observeFor(MINUTE_MS);
  const after = await Promise.all(pages.map(reception));
  for (const [index, page] of pages.entries()) {
    // Chromium's fake camera gives 10 frames a second; two browsers share two cores with encoders, decoders and what runs beside.
    assertFlowing(before[index], after[index], { frames: 60 * 5 });
    assert.equal(after[index].serverPorts.length, 1, `one UDP port: ${after[index].serverPorts}`);
    assert.match(after[index].serverPorts[0], /^udp:/);
    if (kinds[index] === 'chromium') {
      assert.match(after[index].srtpCipher, /AEAD_AES_128_GCM/);
      assert.equal(after[index].dtlsState, 'connected');
    }
    await page.screenshot(joinPath(folder, `${names[index]}-${kinds[index]}.png`));
  }
  await pages[0].click('leave');
  await pages[0].waitFor('ended');
  await waitForPeople(pages[1], 1);
  await pages[0].screenshot(joinPath(folder, 'left.png'));
}

export default [
  ['chromium', 'chromium'],
  ['firefox', 'firefox'],
  ['chromium', 'firefox'],
].map((kinds) => ({ name: `${kinds.join(' meets ')} for a minute`, run: (context) => meet(context, kinds) }));
