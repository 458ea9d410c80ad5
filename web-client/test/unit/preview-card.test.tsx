// SPDX-License-Identifier: EUPL-1.2
import { signal } from '@preact/signals';
import { cleanup, render, screen } from '@testing-library/preact';
import { afterEach, expect, it } from 'vitest';
import type { Preview, PreviewState } from '../../src/conference/preview';
import { PreviewCard } from '../../src/screens/PreviewCard';

afterEach(cleanup);

const open = (microphone: PreviewState, camera: PreviewState) =>
  render(
    <PreviewCard
      preview={{ microphone: signal(microphone), camera: signal(camera) } as unknown as Preview}
      name="Ada"
      onToggle={() => {}}
    />,
  ).container.textContent;

it('tells a device that is switched off from one that does not work', () => {
  const off = open({ kind: 'off' }, { kind: 'off' });
  expect(off).toContain('Ihre Kamera ist ausgeschaltet');
  expect(screen.getByTestId('mic-level').textContent).toContain('Ihr Mikrofon ist stumm.');
  cleanup();
  const broken = open({ kind: 'problem', problem: 'missing' }, { kind: 'problem', problem: 'busy' });
  expect(broken).toContain('Die Kamera wird schon verwendet');
  expect(screen.getByTestId('mic-level').textContent).toContain('Kein Mikrofon gefunden');
});

it('claims nothing of a microphone that is still being asked for', () => {
  open({ kind: 'asking' }, { kind: 'off' });
  expect(screen.getByTestId('mic-level').textContent).toBe('Mikrofonpegel: ');
});
