// SPDX-License-Identifier: EUPL-1.2
import type { ReadonlySignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Conference, TelephoneSound } from '../conference/model';
import { ariaKeys, shortcutLabel, type ShortcutAction } from '../conference/shortcuts';
import { fill, plural, t } from '../i18n';
import { inRoom } from '../i18n/room';
import { Icon } from '../ui/Icon';
import type { IconName } from '../ui/icons';
import { useRovingFocus } from '../ui/roving-focus';
import type { PanelName } from './Room';

interface ToolbarProps {
  conference: Conference;
  panel: ReadonlySignal<PanelName | null>;
  onPanel: (name: PanelName) => void;
}

/** The controls, always in the same order. */
export function Toolbar({ conference, panel, onPanel }: ToolbarProps) {
  const words = t.value.room;
  const bar = useRef<HTMLDivElement>(null);
  useRovingFocus(bar);
  const may = conference.permissions.value;
  const { telephone } = conference;
  const isByTelephone = telephone.isByTelephone.value;
  const hasLoudspeaker = telephone.isIn.value;
  // Before it is drawn anew: the switch that has the focus may go.
  const hadFocus = bar.current?.contains(document.activeElement) ?? false;
  useLayoutEffect(() => {
    if (!hadFocus || bar.current?.contains(document.activeElement) === true) return;
    // The microphone is its neighbour.
    bar.current?.querySelector('button')?.focus();
  }, [hasLoudspeaker, hadFocus]);
  const isScreenShared = conference.isScreenShared.value;
  const unread = conference.chat.unread.value;
  const isHandUp = conference.local.hand.value !== null;
  const waiting = conference.moderation?.waiting.value.length ?? 0;
  const count = conference.remotes.value.length + 1;

  return (
    <footer class="toolbar">
      <div class="tools" id="tools" role="toolbar" aria-label={words.tools} ref={bar} tabIndex={-1}>
        <CaptureTool
          action="microphone"
          isOn={conference.isMicrophoneOn.value}
          icons={['mic', 'micOff']}
          label={words.microphone}
          hints={[words.microphoneOff, isByTelephone ? inRoom.value.ownTelephone.reminder : words.microphoneOn]}
          isAllowed={may.microphone}
          testId="toggle-mic"
          onSwitch={(isOn) => void conference.setMicrophone(isOn)}
        />
        {hasLoudspeaker && <Loudspeaker telephone={telephone} />}
        <CaptureTool
          action="camera"
          isOn={conference.isCameraOn.value}
          icons={['videocam', 'videocamOff']}
          label={words.camera}
          hints={[words.cameraOff, words.cameraOn]}
          isAllowed={may.camera}
          testId="toggle-cam"
          onSwitch={(isOn) => void conference.setCamera(isOn)}
        />
        {canShareScreen() && (
          <Tool
            icon={isScreenShared ? 'screenShareStop' : 'screenShare'}
            label={words.share}
            hint={isScreenShared ? words.shareStop : words.shareStart}
            isPressed={isScreenShared}
            isAllowed={may.screen}
            testId="toggle-share"
            onClick={() => void conference.setScreenShare(!isScreenShared)}
          />
        )}
        <Tool
          icon="hand"
          label={words.hand}
          hint={isHandUp ? words.handLower : words.handRaise}
          isPressed={isHandUp}
          testId="toggle-hand"
          onClick={() => void conference.setHand(!isHandUp)}
        />
        <Tool
          id="open-chat"
          icon={panel.value === 'chat' ? 'chatOpen' : 'chat'}
          label={words.chat}
          detail={unread > 0 ? plural(words.chatUnread, unread) : ''}
          isExpanded={panel.value === 'chat'}
          badge={unread > 0 ? badgeText(unread) : ''}
          isBadgeLoud
          testId="toggle-chat"
          onClick={() => onPanel('chat')}
        />
        <Tool
          id="open-people"
          icon={panel.value === 'people' ? 'groupOpen' : 'group'}
          label={words.people}
          detail={[plural(words.inRoom, count), waiting > 0 && plural(words.waiting, waiting)].filter(Boolean).join(', ')}
          isExpanded={panel.value === 'people'}
          badge={waiting > 0 ? `${count}+${waiting}` : String(count)}
          isBadgeLoud={waiting > 0}
          testId="toggle-people"
          onClick={() => onPanel('people')}
        />
        <Tool
          icon="callEnd"
          label={words.leave}
          hint={words.leaveHint}
          isLeave
          testId="leave"
          onClick={() => void conference.leave()}
        />
      </div>
    </footer>
  );
}

/** Whether the meeting is heard here, for whoever can also hear it by telephone. */
function Loudspeaker({ telephone }: { telephone: TelephoneSound }) {
  const words = inRoom.value.ownTelephone;
  const isOn = !telephone.isByTelephone.value;
  return (
    <Tool
      icon={isOn ? 'volumeUp' : 'volumeOff'}
      label={t.value.devices.speaker}
      hint={isOn ? words.loudspeakerOff : words.loudspeakerOn}
      isPressed={isOn}
      isOffRed
      testId="toggle-loudspeaker"
      onClick={() => (isOn ? telephone.toTelephone() : telephone.backHere())}
    />
  );
}

interface CaptureToolProps {
  action: ShortcutAction;
  isOn: boolean;
  /** For on and for off. */
  icons: readonly [IconName, IconName];
  label: string;
  /** What a click does while it is on, and while it is off; with `{keys}` in it. */
  hints: readonly [string, string];
  isAllowed: boolean;
  testId: string;
  onSwitch: (isOn: boolean) => void;
}

/** A switch of a device that the others hear or see, with its shortcut. */
function CaptureTool({ action, isOn, icons, label, hints, isAllowed, testId, onSwitch }: CaptureToolProps) {
  const index = isOn ? 0 : 1;
  return (
    <Tool
      icon={icons[index]}
      label={label}
      hint={fill(hints[index], { keys: shortcutLabel(action, t.value.settings.control) })}
      keys={ariaKeys(action)}
      isPressed={isOn}
      isOffRed
      isAllowed={isAllowed}
      testId={testId}
      onClick={() => onSwitch(!isOn)}
    />
  );
}

interface ToolProps {
  icon: IconName;
  /** The visible words. */
  label: string;
  /** What the badge shows, in words. */
  detail?: string;
  hint?: string;
  /** The shortcut, as screen readers want to be told. */
  keys?: string;
  id?: string;
  isPressed?: boolean;
  isExpanded?: boolean;
  /** Switched off, it warns: nobody hears or sees me. */
  isOffRed?: boolean;
  isLeave?: boolean;
  isAllowed?: boolean;
  badge?: string;
  isBadgeLoud?: boolean;
  testId: string;
  onClick: () => void;
}

function Tool(props: ToolProps) {
  const { icon, label, detail = '', hint, id, isPressed, isExpanded, isOffRed, isLeave, badge, isBadgeLoud } = props;
  const isAllowed = props.isAllowed ?? true;
  const classes = ['tool', isOffRed && !isPressed && 'tool-off', isLeave && 'tool-leave'];
  return (
    <button
      type="button"
      id={id}
      class={classes.filter(Boolean).join(' ')}
      title={isAllowed ? (hint ?? label) : t.value.room.notAllowed}
      aria-keyshortcuts={props.keys}
      aria-pressed={isPressed}
      aria-expanded={isExpanded}
      aria-disabled={!isAllowed}
      data-testid={props.testId}
      onClick={() => isAllowed && props.onClick()}
    >
      <Icon name={icon} />
      <span class="tool-label">{label}</span>
      {detail !== '' && <span class="visually-hidden">, {detail}</span>}
      {badge !== undefined && badge !== '' && (
        <span
          class={isBadgeLoud ? 'badge badge-loud' : 'badge'}
          aria-hidden="true"
          data-testid={`${props.testId}-badge`}
        >
          {badge}
        </span>
      )}
    </button>
  );
}

function badgeText(n: number): string {
  return n > 99 ? '99+' : String(n);
}

/** Phones cannot share their screen from a browser. */
function canShareScreen(): boolean {
  return typeof navigator.mediaDevices?.getDisplayMedia === 'function';
}
