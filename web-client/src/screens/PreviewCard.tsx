// SPDX-License-Identifier: EUPL-1.2
import { useComputed } from '@preact/signals';
import type { Preview, PreviewDevice, PreviewState } from '../conference/preview';
import { t } from '../i18n';
import { Avatar } from '../ui/Avatar';
import { Icon } from '../ui/Icon';
import { LevelBars } from '../ui/LevelBars';
import { trackSource, VideoView } from '../ui/VideoView';

interface PreviewCardProps {
  preview: Preview;
  name: string;
  onToggle: (device: PreviewDevice) => void;
}

/** One's own picture as the others will see it, with the two large switches and the microphone's level. */
export function PreviewCard({ preview, name, onToggle }: PreviewCardProps) {
  const words = t.value.prejoin;
  const source = useComputed(() => {
    const camera = preview.camera.value;
    return camera.kind === 'on' ? trackSource(camera.track, true) : null;
  });
  const microphone = preview.microphone.value;
  const camera = preview.camera.value;
  return (
    <section class="preview" aria-label={words.preview}>
      <div class="preview-picture">
        {source.value !== null ? (
          <VideoView key={source.value.id} source={source.value} testId="preview-video" />
        ) : (
          <div class="preview-empty">
            <Avatar name={name} seed={name} />
            <p>{whyNoPicture(microphone, camera)}</p>
          </div>
        )}
        <div class="preview-toggles">
          <RoundToggle device="microphone" state={microphone} onToggle={onToggle} />
          <RoundToggle device="camera" state={camera} onToggle={onToggle} />
        </div>
      </div>
      <LevelBars
        track={microphone.kind === 'on' ? microphone.track : null}
        withoutTrack={whyNoLevel(microphone)}
      />
    </section>
  );
}

function whyNoPicture(microphone: PreviewState, camera: PreviewState): string {
  const { prejoin, deviceProblems } = t.value;
  if (camera.kind === 'problem') return deviceProblems.camera[camera.problem];
  return microphone.kind === 'asking' || camera.kind === 'asking' ? prejoin.askingForPermission : prejoin.cameraIsOff;
}

function whyNoLevel(microphone: PreviewState): string {
  if (microphone.kind === 'problem') return t.value.deviceProblems.microphone[microphone.problem];
  return microphone.kind === 'off' ? t.value.devices.levelOff : '';
}

interface RoundToggleProps {
  device: PreviewDevice;
  state: PreviewState;
  onToggle: (device: PreviewDevice) => void;
}

function RoundToggle({ device, state, onToggle }: RoundToggleProps) {
  const isOn = state.kind === 'on';
  const icons = device === 'microphone' ? (['mic', 'micOff'] as const) : (['videocam', 'videocamOff'] as const);
  const label = t.value.devices[device];
  return (
    <button
      type="button"
      class="round-toggle"
      aria-pressed={isOn}
      aria-label={label}
      title={label}
      data-testid={device === 'microphone' ? 'toggle-mic' : 'toggle-cam'}
      onClick={() => onToggle(device)}
    >
      <Icon name={isOn ? icons[0] : icons[1]} />
    </button>
  );
}
