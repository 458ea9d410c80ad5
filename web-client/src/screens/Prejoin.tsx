// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import type { TargetedEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { TokenClaims } from '../app/access';
import type { LinkPage } from '../app/joining';
import { chosenCamera, chosenMicrophone, displayName, wantsCamera, wantsMicrophone } from '../app/preferences';
import { announcer } from '../conference/announcer';
import { watchDevices } from '../conference/devices';
import type { DialIn } from '../conference/dial-in';
import type { JoinError } from '../conference/model';
import { Preview, type PreviewDevice, type PreviewState } from '../conference/preview';
import { fill, t } from '../i18n';
import { Banner } from '../ui/Banner';
import { Button } from '../ui/Button';
import { DevicePicker } from '../ui/DevicePicker';
import { DialInBox } from '../ui/DialInBox';
import { Disclosure } from '../ui/Disclosure';
import { TextField } from '../ui/Field';
import { PageFrame, ScreenHeading } from '../ui/PageFrame';
import { DeviceProblems } from './DeviceProblems';
import { PreviewCard } from './PreviewCard';
import './prejoin.css';

interface PrejoinProps {
  room: string;
  version: string;
  /** What the link says about the person, if there is one. */
  claims: Pick<TokenClaims, 'name'> | null;
  /** Enters the room; resolves to why that was not possible, or to null. Takes the preview's tracks when it succeeds. */
  onJoin: (name: string, preview: Preview) => Promise<JoinError | null>;
  /** Instead of the room's name, which for a meeting is a code. */
  title?: string;
  /** Where strangers who have an account sign in, to come in as themselves. */
  signIn?: string | null;
  /** What of the meeting outlasts it. */
  keeps?: LinkPage['keeps'];
  /** For whoever would rather come by telephone. */
  dialIn?: DialIn | null;
}

/** Mirror, microphone check and name, before anybody else sees or hears anything. */
export function Prejoin(props: PrejoinProps) {
  const { room, version, claims, onJoin, title = room, signIn = null, keeps = null, dialIn = null } = props;
  const words = t.value.prejoin;
  const [preview] = useState(() => new Preview());
  usePreviewLife(preview);
  const isJoining = useSignal(false);
  const joinError = useSignal<JoinError | null>(null);
  const nameIsMissing = useSignal(false);
  const nameInput = useRef<HTMLInputElement>(null);
  const fixedName = claims?.name ?? null;

  const join = async (event: TargetedEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isJoining.value) return;
    const name = (fixedName ?? displayName.value).trim();
    nameIsMissing.value = name === '';
    if (name === '') {
      nameInput.current?.focus();
      return;
    }
    isJoining.value = true;
    announcer.say(words.joining);
    joinError.value = null;
    joinError.value = await onJoin(name, preview);
    isJoining.value = false;
  };

  const choose = (kind: 'microphone' | 'camera' | 'speaker', id: string) => {
    // The speaker is only used for the test sound here.
    if (kind !== 'speaker' && isWanted(kind).value) void preview.switchOn(kind, id);
  };

  return (
    <PageFrame title={fill(words.documentTitle, { room: title })} version={version}>
      <div class="prejoin">
        <PreviewCard
          preview={preview}
          name={fixedName ?? displayName.value}
          onToggle={(device) => toggle(preview, device)}
        />
        <form class="prejoin-form card" noValidate onSubmit={(event) => void join(event)}>
          <div>
            <p class="prejoin-room" data-testid="room-name">
              {title}
            </p>
            <ScreenHeading>{words.title}</ScreenHeading>
          </div>
          <TextField
            label={words.name}
            hint={fixedName === null ? words.nameHint : words.nameFromLink}
            error={nameIsMissing.value ? words.nameMissing : undefined}
            value={fixedName ?? displayName.value}
            isReadOnly={fixedName !== null}
            inputRef={nameInput}
            autoComplete="name"
            maxLength={80}
            testId="name"
            onInput={(value) => {
              displayName.value = value;
              nameIsMissing.value = false;
            }}
          />
          {signIn !== null && claims === null && (
            <p class="field-hint">
              {words.haveAccount}{' '}
              <a href={signIn} data-testid="prejoin-sign-in">
                {t.value.start.signIn}
              </a>
            </p>
          )}
          {keeps !== null && (
            <p class="field-hint" data-testid="keeps">
              {words.keeps[keeps]}
            </p>
          )}
          <DeviceProblems preview={preview} onRetry={(device) => retry(preview, device)} />
          <div class="prejoin-join">
            <div role="alert">
              {joinError.value !== null && (
                <Banner kind="danger" icon="error" testId="join-error">
                  {t.value.joinErrors[joinError.value]}
                </Banner>
              )}
            </div>
            <Button kind="primary" type="submit" isWide aria-disabled={isJoining.value} data-testid="join">
              {isJoining.value ? words.joining : words.join}
            </Button>
            <p class="field-hint" data-testid="will-join">
              {words.willJoin[willJoin(preview.microphone.value, preview.camera.value)]}
            </p>
          </div>
        </form>
        <section class="prejoin-devices" aria-labelledby="devices">
          <h2 id="devices">{words.devices}</h2>
          <DevicePicker onChoose={choose} />
          {dialIn !== null && (
            <Disclosure title={words.byPhone} testId="prejoin-phone" openTestId="open-prejoin-phone">
              <DialInBox dialIn={dialIn} />
            </Disclosure>
          )}
        </section>
      </div>
    </PageFrame>
  );
}

/** Switches on what is wanted, keeps the list of devices, and lets go of everything at the end. */
function usePreviewLife(preview: Preview): void {
  useEffect(() => {
    const stopWatching = watchDevices();
    void preview.start({
      microphone: wantsMicrophone.peek() ? chosenMicrophone.peek() : null,
      camera: wantsCamera.peek() ? chosenCamera.peek() : null,
    });
    const stopAsking = watchPermissions((device) => {
      if (preview[device].peek().kind === 'problem') void preview.switchOn(device, chosenId(device));
    });
    return () => {
      stopWatching();
      stopAsking();
      preview.release();
    };
  }, [preview]);
}

/** Calls back when access to a device has been allowed outside the page, in the browser's own controls. */
function watchPermissions(onGranted: (device: PreviewDevice) => void): () => void {
  const stops: (() => void)[] = [];
  let isStopped = false;
  for (const device of ['microphone', 'camera'] as const) {
    const watch = async () => {
      const status = await navigator.permissions.query({ name: device as PermissionName });
      if (isStopped) return;
      const onChange = () => {
        if (status.state === 'granted') onGranted(device);
      };
      status.addEventListener('change', onChange);
      stops.push(() => status.removeEventListener('change', onChange));
    };
    // Not every browser knows these permissions; then there is still the button to try again.
    watch().catch(() => undefined);
  }
  return () => {
    isStopped = true;
    for (const stop of stops) stop();
  };
}

function isWanted(device: PreviewDevice) {
  return device === 'microphone' ? wantsMicrophone : wantsCamera;
}

function chosenId(device: PreviewDevice): string {
  return (device === 'microphone' ? chosenMicrophone : chosenCamera).peek();
}

function toggle(preview: Preview, device: PreviewDevice): void {
  const isOn = preview[device].peek().kind === 'on';
  isWanted(device).value = !isOn;
  if (isOn) preview.switchOff(device);
  else retry(preview, device);
}

function retry(preview: Preview, device: PreviewDevice): void {
  isWanted(device).value = true;
  void preview.switchOn(device, chosenId(device));
}

function willJoin(microphone: PreviewState, camera: PreviewState): 'both' | 'microphone' | 'camera' | 'none' {
  if (microphone.kind === 'on') return camera.kind === 'on' ? 'both' : 'microphone';
  return camera.kind === 'on' ? 'camera' : 'none';
}
