// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { announceConference } from '../conference/announce-conference';
import { announcer } from '../conference/announcer';
import type { Conference } from '../conference/model';
import { watchShortcuts } from '../conference/shortcuts';
import { keepScreenAwake } from '../conference/wake-lock';
import { fill, t } from '../i18n';
import { Stage } from '../layout/Stage';
import { ChatPanel } from '../panels/ChatPanel';
import { PeoplePanel } from '../panels/PeoplePanel';
import { SettingsPanel } from '../panels/SettingsPanel';
import { IconButton } from '../ui/Button';
import { Logo } from '../ui/Logo';
import { usePageTitle } from '../ui/PageFrame';
import { Banners } from './Banners';
import { Elapsed } from './Elapsed';
import { Toolbar } from './Toolbar';
import './room.css';

/** The panels at the side, of which one is open at a time. */
export type PanelName = 'chat' | 'people' | 'settings';

/** The meeting itself. */
export function Room({ room, conference }: { room: string; conference: Conference }) {
  const words = t.value;
  const panel = useSignal<PanelName | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const unread = conference.chat.unread.value;
  const title = fill(words.room.title, { room });
  usePageTitle(unread > 0 ? `(${unread}) ${title}` : title);
  useConferenceLife(conference);

  useEffect(() => heading.current?.focus(), []);

  const toggle = (name: PanelName) => {
    panel.value = panel.value === name ? null : name;
  };
  const close = () => {
    const opener = panel.value === null ? null : document.getElementById(`open-${panel.value}`);
    panel.value = null;
    opener?.focus();
  };

  return (
    <div class="room" data-testid="room">
      <a class="skip-link visually-hidden" href="#tools">
        {words.room.tools}
      </a>
      <header class="room-header">
        <Logo />
        <h1 class="room-title" ref={heading} tabIndex={-1} title={room}>
          <span class="visually-hidden">{title}</span>
          <span aria-hidden="true">{room}</span>
        </h1>
        {conference.isRecording.value && (
          <span class="recorded" title={words.room.recordedHint} data-testid="recorded">
            {words.room.recorded}
          </span>
        )}
        <Elapsed sinceMs={conference.joinedAtMs} />
        <IconButton
          id="open-settings"
          icon="settings"
          label={words.room.settings}
          aria-expanded={panel.value === 'settings'}
          data-testid="toggle-settings"
          onClick={() => toggle('settings')}
        />
      </header>
      <Banners conference={conference} />
      <div class={panel.value === null ? 'room-body' : 'room-body room-body-with-panel'}>
        <main class="room-main" id="content" tabIndex={-1}>
          <div class="room-stage">
            <Stage conference={conference} />
          </div>
        </main>
        {panel.value === 'chat' && <ChatPanel conference={conference} onClose={close} />}
        {panel.value === 'people' && <PeoplePanel conference={conference} onClose={close} />}
        {panel.value === 'settings' && <SettingsPanel conference={conference} onClose={close} />}
      </div>
      <Toolbar conference={conference} panel={panel} onPanel={toggle} />
    </div>
  );
}

/** What goes on as long as the room is on screen. */
function useConferenceLife(conference: Conference): void {
  useEffect(() => {
    const stops = [
      keepScreenAwake(),
      announceConference(conference, announcer),
      watchShortcuts((action) => {
        const isMicrophone = action === 'microphone';
        const isOn = isMicrophone ? conference.isMicrophoneOn : conference.isCameraOn;
        const may = conference.permissions.peek()[action];
        if (!may) return;
        const next = !isOn.peek();
        void (isMicrophone ? conference.setMicrophone(next) : conference.setCamera(next));
        // Then it stays off, and the telephone's notice says why.
        if (isMicrophone && conference.telephone.isByTelephone.peek()) return;
        // A press of a button is heard from the button itself, a shortcut from nowhere.
        const { microphoneOn, microphoneOff, cameraOn, cameraOff } = t.peek().announcements;
        const [on, off] = isMicrophone ? [microphoneOn, microphoneOff] : [cameraOn, cameraOff];
        announcer.say(next ? on : off);
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [conference]);
}
