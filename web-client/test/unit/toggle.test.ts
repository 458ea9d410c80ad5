// SPDX-License-Identifier: EUPL-1.2
import { describe, expect, it } from 'vitest';
import { Toggle } from '../../src/conference/toggle';

/** A device that takes its time. */
function device() {
  const state = { isOn: false, calls: [] as boolean[], fails: false };
  const toggle = new Toggle(
    async (isOn) => {
      state.calls.push(isOn);
      await Promise.resolve();
      if (state.fails) throw new Error('no device');
      state.isOn = isOn;
    },
    () => state.isOn,
  );
  return { state, toggle };
}

describe('Toggle', () => {
  it('shows at once what was asked for', async () => {
    const { toggle } = device();
    const change = toggle.set(true);
    expect(toggle.isOn.value).toBe(true);
    await change;
    expect(toggle.isOn.value).toBe(true);
  });

  it('ends in the last state asked for', async () => {
    const { toggle, state } = device();
    await Promise.all([toggle.set(true), toggle.set(false), toggle.set(true), toggle.set(false)]);
    expect(state.isOn).toBe(false);
    expect(toggle.isOn.value).toBe(false);
    expect(state.calls).toEqual([true, false]);
  });

  it('shows the real state again when the change fails', async () => {
    const { toggle, state } = device();
    state.fails = true;
    await expect(toggle.set(true)).rejects.toThrow('no device');
    expect(toggle.isOn.value).toBe(false);
  });

  it('tells a change that nobody here asked for', async () => {
    const { toggle, state } = device();
    await toggle.set(true);
    expect(toggle.sync()).toBe(false);
    state.isOn = false;
    expect(toggle.sync()).toBe(true);
    expect(toggle.isOn.value).toBe(false);
  });
});
