// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { watchDevices } from '../conference/devices';
import type { Conference, DeviceKind } from '../conference/model';
import { shortcutLabel } from '../conference/shortcuts';
import { t } from '../i18n';
import { DevicePicker } from '../ui/DevicePicker';
import { AppearanceSelect, LanguageSelect } from '../ui/display-selects';
import { Panel } from './Panel';

/** Devices, looks and keys, during the meeting. */
export function SettingsPanel({ conference, onClose }: { conference: Conference; onClose: () => void }) {
  const words = t.value.settings;
  const hasFailed = useSignal(false);
  useEffect(watchDevices, []);
  const choose = async (kind: DeviceKind, id: string) => {
    hasFailed.value = false;
    try {
      await conference.useDevice(kind, id);
    } catch {
      hasFailed.value = true;
    }
  };
  return (
    <Panel title={words.title} testId="settings-panel" onClose={onClose}>
      <div class="settings">
        <section>
          <h3>{words.devices}</h3>
          <DevicePicker onChoose={(kind, id) => void choose(kind, id)} />
          <p class="field-error" role="alert">
            {hasFailed.value && words.switchFailed}
          </p>
        </section>
        <section>
          <h3>{words.display}</h3>
          <LanguageSelect isFormField />
          <AppearanceSelect isFormField />
        </section>
        <section>
          <h3>{words.shortcuts}</h3>
          <dl class="shortcuts">
            <dt>{words.shortcutMicrophone}</dt>
            <dd>
              <kbd>{shortcutLabel('microphone', words.control)}</kbd>
            </dd>
            <dt>{words.shortcutCamera}</dt>
            <dd>
              <kbd>{shortcutLabel('camera', words.control)}</kbd>
            </dd>
          </dl>
        </section>
      </div>
    </Panel>
  );
}
