// SPDX-License-Identifier: EUPL-1.2
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { announcer } from '../conference/announcer';
import type { Conference, SoundNotice } from '../conference/model';
import { refusalWords } from '../conference/placed-call';
import { t } from '../i18n';
import { inRoom } from '../i18n/room';
import { Banner } from '../ui/Banner';
import { Button, IconButton } from '../ui/Button';
import type { IconName } from '../ui/icons';

const ICONS: Readonly<Record<SoundNotice['kind'], IconName>> = {
  'by-telephone': 'inTalk',
  reminder: 'micOff',
  both: 'warning',
  gone: 'callEnd',
  ended: 'callEnd',
};

/** Says where the sound is of whoever takes part by their own telephone, too. */
export function TelephoneBanner({ conference }: { conference: Conference }) {
  const { telephone } = conference;
  const notice = telephone.notice.value;
  const kind = notice?.kind;
  const canHangUp = (kind === 'both' || kind === 'gone') && telephone.calls.value.length > 0;
  const canUnmute = conference.permissions.value.microphone && !conference.isMicrophoneOn.value;
  const frame = useRef<HTMLDivElement>(null);
  // Before it is drawn anew: the button that has the focus may be one that goes.
  const hadFocus = frame.current?.contains(document.activeElement) ?? false;
  useLayoutEffect(() => {
    if (!hadFocus || frame.current?.contains(document.activeElement) === true) return;
    const next = frame.current?.querySelector<HTMLElement>('[data-main]') ?? document.getElementById('content');
    next?.focus();
  }, [notice, canHangUp, canUnmute, hadFocus]);
  const said = useRef<SoundNotice['kind'] | null>(null);
  useEffect(() => {
    const before = said.current;
    said.current = notice?.kind ?? null;
    // That it is gone has been read out. Why is no other matter.
    if (notice === null || (before === 'gone' && notice.kind === 'ended')) return;
    announcer.say(noticeText(notice, conference.isMicrophoneOn.peek()), 'assertive');
  }, [notice]);
  if (notice === null) return null;
  return (
    <div ref={frame} data-testid="banner-telephone" data-kind={notice.kind}>
      <Banner
        kind={notice.kind === 'by-telephone' ? 'calm' : 'warning'}
        icon={ICONS[notice.kind]}
        actions={<Actions kind={notice.kind} canHangUp={canHangUp} canUnmute={canUnmute} conference={conference} />}
      >
        {noticeText(notice, conference.isMicrophoneOn.value)}
        <TelephoneMicrophone conference={conference} />
        <Refusal conference={conference} />
      </Banner>
    </div>
  );
}

function noticeText({ kind }: SoundNotice, isMicrophoneOn: boolean): string {
  const words = inRoom.value.ownTelephone;
  return {
    'by-telephone': words.byTelephone,
    reminder: words.reminder,
    both: isMicrophoneOn ? words.both : words.bothMuted,
    gone: words.gone,
    ended: words.ended,
  }[kind];
}

interface ActionsProps {
  kind: SoundNotice['kind'];
  canHangUp: boolean;
  canUnmute: boolean;
  conference: Conference;
}

/**
 * Each button is another one: whoever presses the first twice does not hang up with it. The one with `data-main` takes the focus of
 * one that goes.
 */
function Actions({ kind, canHangUp, canUnmute, conference }: ActionsProps) {
  const words = inRoom.value.ownTelephone;
  const { telephone } = conference;
  if (kind === 'by-telephone' || kind === 'reminder') {
    return (
      <Button key="back" data-main data-testid="sound-here" onClick={() => telephone.backHere()}>
        {words.back}
      </Button>
    );
  }
  return (
    <>
      {canHangUp && (
        <Button key="hang-up" data-testid="hang-up-telephone" onClick={() => void telephone.hangUp()}>
          {words.hangUp}
        </Button>
      )}
      {canUnmute && (
        <Button key="unmute" data-testid="unmute-here" onClick={() => void conference.setMicrophone(true)}>
          {t.value.moderation.unmute}
        </Button>
      )}
      <IconButton
        key="close"
        icon="close"
        label={t.value.deviceProblems.dismiss}
        data-main
        data-testid="dismiss-telephone"
        onClick={() => telephone.dismiss()}
      />
    </>
  );
}

/** Whoever believes to speak by the telephone has to know that nobody hears it. */
function TelephoneMicrophone({ conference: { telephone, remotes } }: { conference: Conference }) {
  const words = inRoom.value.ownTelephone;
  const own = remotes.value.filter(({ identity }) => telephone.identities.value.includes(identity));
  let text = '';
  if (telephone.isByTelephone.value && own.length > 0) {
    if (own.every(({ maySpeak }) => !maySpeak.value)) text = words.mayNotSpeak;
    else if (own.every(({ maySpeak, microphone }) => !maySpeak.value || microphone.value === 'muted')) text = words.muted;
  }
  // A paragraph that comes with its text already in it is read out by few screen readers.
  useEffect(() => {
    if (text !== '') announcer.say(text, 'assertive');
  }, [text]);
  return <p data-testid="telephone-muted">{text}</p>;
}

/** Why the telephone was not hung up. The announcer reads it out, as it may be in the list of calls, too. */
function Refusal({ conference }: { conference: Conference }) {
  const refusal = conference.moderation?.phoneCalls.refusal.value ?? null;
  const isOfTelephone = refusal !== null && conference.telephone.calls.value.some((id) => id === refusal.callId);
  return <p data-testid="telephone-refusal">{isOfTelephone && refusalWords(refusal)}</p>;
}
