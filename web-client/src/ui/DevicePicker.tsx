// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import { chosenCamera, chosenMicrophone, chosenSpeaker } from '../app/preferences';
import { canChooseSpeaker, devices, hasSpeakerPicker, pickSpeaker, type Device } from '../conference/devices';
import type { DeviceKind } from '../conference/model';
import { playTestTone } from '../conference/test-tone';
import { fill, t } from '../i18n';
import { Button } from './Button';
import { Select } from './Field';

const CHOSEN = { microphone: chosenMicrophone, camera: chosenCamera, speaker: chosenSpeaker };

interface DevicePickerProps {
  /** Called after the choice has been remembered. */
  onChoose: (kind: DeviceKind, deviceId: string) => void;
}

/** Choice of microphone, camera and speaker, and the speaker's test sound. */
export function DevicePicker({ onChoose }: DevicePickerProps) {
  const choose = (kind: DeviceKind, deviceId: string) => {
    CHOSEN[kind].value = deviceId;
    onChoose(kind, deviceId);
  };
  const pick = async () => {
    const id = await pickSpeaker();
    if (id !== null) choose('speaker', id);
  };
  return (
    <div class="device-picker">
      <DeviceSelect kind="microphone" onChoose={choose} />
      <DeviceSelect kind="camera" onChoose={choose} />
      {canChooseSpeaker() && <DeviceSelect kind="speaker" onChoose={choose} />}
      <TestTone />
      {canChooseSpeaker() && hasSpeakerPicker() && (
        <Button
          kind="quiet"
          onClick={() => void pick()}
        >
          {t.value.devices.chooseSpeaker}
        </Button>
      )}
    </div>
  );
}

function DeviceSelect({ kind, onChoose }: { kind: DeviceKind; onChoose: (kind: DeviceKind, id: string) => void }) {
  const words = t.value.devices;
  const found = devices.value[kind];
  const numbered = words.numbered[kind];
  const nothing = hasPermission() ? words.noneFound : words.afterPermission;
  const options = [
    { value: '', label: found.length === 0 && kind !== 'speaker' ? nothing : words.systemDefault },
    ...found.map((device, index) => ({ value: device.id, label: device.label || fill(numbered, { n: index + 1 }) })),
  ];
  // A device that was chosen earlier and is not plugged in stays the wish, but is not on offer.
  const chosen = CHOSEN[kind].value;
  return (
    <Select
      label={words[kind]}
      value={options.some((option) => option.value === chosen) ? chosen : ''}
      options={options}
      onChange={(id) => onChoose(kind, id)}
      testId={`select-${kind}`}
    />
  );
}

/** Once a device of any kind shows its id, the browser has been allowed to name them. */
function hasPermission(): boolean {
  return Object.values(devices.value).some((list: readonly Device[]) => list.length > 0);
}

function TestTone() {
  const words = t.value.devices;
  const state = useSignal<'idle' | 'playing' | 'failed'>('idle');
  const play = async () => {
    if (state.value === 'playing') return;
    state.value = 'playing';
    try {
      await playTestTone(chosenSpeaker.value);
      state.value = 'idle';
    } catch {
      state.value = 'failed';
    }
  };
  return (
    <div class="test-tone">
      <Button icon="volumeUp" data-testid="test-speaker" onClick={() => void play()}>
        {state.value === 'playing' ? words.testSpeakerPlaying : words.testSpeaker}
      </Button>
      <p class="field-error" role="alert">
        {state.value === 'failed' && words.testSpeakerFailed}
      </p>
    </div>
  );
}
