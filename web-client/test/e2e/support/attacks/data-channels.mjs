// SPDX-License-Identifier: EUPL-1.2
// What a browser can be made to send over the data channels of a room that it is in.

/** Limits of what the browser keeps before it has sent it: it closes a channel that grows to 16 MiB. */
const BUFFER = { high: 1024 * 1024, low: 256 * 1024 };

/**
 * Sends a message again and again over one of the SDK's own channels, as fast as the channel takes it: so many times, or
 * for so many milliseconds. Returns how often it was.
 * @param {import('../browser.mjs').Page} page  In a room, by `joinPlain`.
 * @param {{ isReliable: boolean, count?: number, ms?: number, message: Uint8Array }} what
 */
export function floodData(page, { isReliable, count = 100_000, ms = 60_000, message }) {
  return page.evaluate(
    async ([kind, times, limitMs, text, { high, low }]) => {
      const channel = window.room.engine.dataChannelForKind(kind);
      const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
      channel.bufferedAmountLowThreshold = low;
      const end = performance.now() + limitMs;
      let sent = 0;
      while (sent < times && performance.now() < end) {
        if (channel.bufferedAmount > high) {
          await new Promise((resolve) => {
            channel.addEventListener('bufferedamountlow', resolve, { once: true });
            setTimeout(resolve, end - performance.now());
          });
        } else {
          channel.send(bytes);
          sent += 1;
        }
      }
      return sent;
    },
    [isReliable ? 0 : 1, count, ms, Buffer.from(message).toString('base64'), BUFFER],
  );
}

/** Opens channels that nobody asked for, and sends something over each. Returns how many the browser could open. */
export function openChannels(page, count) {
  return page.evaluate((wanted) => {
    const publisher = window.room.engine.pcManager.publisher;
    for (let opened = 0; opened < wanted; opened += 1) {
      try {
        const channel = publisher.createDataChannel(`channel ${opened}`, {});
        channel.addEventListener('open', () => channel.send('nobody asked for this'));
      } catch {
        // The server has told how many streams it takes.
        return opened;
      }
    }
    return wanted;
  }, count);
}
