// SPDX-License-Identifier: EUPL-1.2
import { afterEach, expect, it, vi } from 'vitest';
import { warmUpConnections } from '../../src/conference/warm-up';

afterEach(() => vi.unstubAllGlobals());

it('closes the connection it makes, also when the browser refuses the offer', async () => {
  const close = vi.fn();
  class Connection {
    addTransceiver = vi.fn();
    createOffer = vi.fn().mockRejectedValue(new Error('refused'));
    close = close;
  }
  vi.stubGlobal('RTCPeerConnection', Connection);
  await expect(warmUpConnections()).rejects.toThrow('refused');
  expect(close).toHaveBeenCalledOnce();
});
