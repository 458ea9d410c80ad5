// SPDX-License-Identifier: EUPL-1.2
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { announcer } from '../conference/announcer';
import { lobbyName } from '../conference/caller-name';
import type { Conference, ControlProblem, MeetingNotice, Moderation } from '../conference/model';
import { fill, plural, t, type Dictionary } from '../i18n';
import { Banner } from '../ui/Banner';
import { Button, IconButton } from '../ui/Button';
import type { IconName } from '../ui/icons';
import { TelephoneBanner } from './TelephoneBanner';

/** Everything one has to know at once, above the stage. */
export function Banners({ conference }: { conference: Conference }) {
  const words = t.value;
  const problem = conference.controlProblem.value;
  const connection = conference.connection.value;
  const notice = conference.notice.value;
  const isSlow = useIsSlow(connection === 'connecting');

  useSignalEffect(() => {
    const now = conference.controlProblem.value;
    if (now !== null) announcer.say(problemTitle(now, t.peek()), 'assertive');
  });

  return (
    <section class="banners" aria-label={words.banners.label}>
      {isSlow && (
        <Banner kind="warning" icon="wifiOff" testId="banner-connecting">
          {words.banners.connecting}
        </Banner>
      )}
      {connection === 'reconnecting' && (
        <Banner kind="warning" icon="wifiOff" testId="banner-reconnecting">
          {words.banners.reconnecting}
        </Banner>
      )}
      {conference.isSoundBlocked.value && !conference.telephone.isByTelephone.value && (
        <Banner
          kind="warning"
          icon="volumeUp"
          testId="banner-sound"
          actions={
            <Button data-testid="play-sound" onClick={() => void conference.startSound().catch(() => undefined)}>
              {words.banners.playSound}
            </Button>
          }
        >
          {words.banners.soundBlocked}
        </Banner>
      )}
      <TelephoneBanner conference={conference} />
      {conference.moderation !== null && <LobbyBanner moderation={conference.moderation} />}
      {notice !== null && <Notice notice={notice} conference={conference} />}
      {problem !== null && <Problem problem={problem} onDismiss={() => conference.dismissProblem()} />}
      {conference.isScreenShared.value && (
        <Banner
          kind="warning"
          icon="screenShare"
          testId="banner-sharing"
          actions={
            <Button data-testid="stop-share" onClick={() => void conference.setScreenShare(false)}>
              {words.room.shareStop}
            </Button>
          }
        >
          {words.room.yourScreen}
        </Banner>
      )}
    </section>
  );
}

/** What is over sooner needs no words: they would only make the pictures jump. */
const SLOW_AFTER_MS = 1500;

/** Whether something that is going on takes remarkably long. */
function useIsSlow(isGoingOn: boolean): boolean {
  const isSlow = useSignal(false);
  useEffect(() => {
    if (!isGoingOn) return undefined;
    const timer = setTimeout(() => (isSlow.value = true), SLOW_AFTER_MS);
    return () => {
      clearTimeout(timer);
      isSlow.value = false;
    };
  }, [isGoingOn, isSlow]);
  return isSlow.value;
}

/** Who waits is told to those who can let them in. */
function LobbyBanner({ moderation }: { moderation: Moderation }) {
  const words = t.value.moderation;
  const [first, ...more] = moderation.waiting.value;
  const only = more.length === 0 ? first : undefined;
  const name = only === undefined ? '' : lobbyName(only);
  const text = lobbyText(first === undefined ? 0 : more.length + 1, name);
  useEffect(() => {
    if (text !== '') announcer.say(text);
  }, [text]);
  return (
    <>
      {text !== '' && (
        <Banner
          kind="warning"
          icon="personAdd"
          testId="banner-lobby"
          actions={
            // Of one person whose name stands here, nobody else is let in who has come meanwhile.
            <Button
              aria-label={only === undefined ? undefined : fill(words.admit, { name })}
              data-testid="admit-all"
              onClick={() => void moderation.admit(only?.id ?? null)}
            >
              {only === undefined ? words.admitAll : words.admitNow}
            </Button>
          }
        >
          {text}
        </Banner>
      )}
      {moderation.problem.value && (
        <Banner
          kind="danger"
          icon="error"
          testId="banner-moderation"
          actions={
            <IconButton
              icon="close"
              label={t.value.deviceProblems.dismiss}
              onClick={() => (moderation.problem.value = false)}
            />
          }
        >
          {words.failed}
        </Banner>
      )}
    </>
  );
}

const NOTICE_ICONS: Readonly<Record<MeetingNotice['kind'], IconName>> = {
  'ends-in': 'warning',
  'unmute-request': 'micOff',
  'may-speak': 'speakAllowed',
  'may-not-speak': 'speakForbidden',
};

function noticeText(notice: MeetingNotice, { moderation: words }: Dictionary): string {
  if (notice.kind === 'ends-in') return plural(words.endsIn, notice.minutes);
  return { 'unmute-request': words.unmuteRequest, 'may-speak': words.youMaySpeak, 'may-not-speak': words.youMayNotSpeak }[notice.kind];
}

/** Who waits, by name where it is one. */
function lobbyText(count: number, name: string): string {
  if (count === 0) return '';
  return count === 1 ? fill(t.value.room.waits, { name }) : plural(t.value.room.waiting, count);
}

/** What the server says to everybody, or to this person. */
function Notice({ notice, conference }: { notice: MeetingNotice; conference: Conference }) {
  const words = t.value.moderation;
  const canUnmute = notice.kind === 'unmute-request' || notice.kind === 'may-speak';
  const text = noticeText(notice, t.value);
  useEffect(() => announcer.say(text, 'assertive'), [text]);
  const unmute = () => {
    conference.dismissNotice();
    void conference.setMicrophone(true);
  };
  return (
    <Banner
      kind="warning"
      icon={NOTICE_ICONS[notice.kind]}
      testId="banner-notice"
      actions={
        <>
          {canUnmute && (
            <Button data-testid="unmute" onClick={unmute}>
              {words.unmute}
            </Button>
          )}
          <IconButton icon="close" label={t.value.deviceProblems.dismiss} onClick={() => conference.dismissNotice()} />
        </>
      }
    >
      {text}
    </Banner>
  );
}

function Problem({ problem, onDismiss }: { problem: ControlProblem; onDismiss: () => void }) {
  const words = t.value.deviceProblems;
  const cause = problem.control === 'screen' ? null : problem.problem;
  const offIcon = problem.control === 'camera' ? 'videocamOff' : 'micOff';
  return (
    <Banner
      kind={cause === 'by-other' ? 'warning' : 'danger'}
      icon={cause === 'by-other' ? offIcon : 'error'}
      testId="banner-problem"
      actions={<IconButton icon="close" label={words.dismiss} onClick={onDismiss} />}
    >
      {problemTitle(problem, t.value)}
      {cause !== null && cause !== 'by-other' && <p>{words.help[cause]}</p>}
    </Banner>
  );
}

function problemTitle(problem: ControlProblem, { deviceProblems }: Dictionary): string {
  return problem.control === 'screen' ? deviceProblems.screen : deviceProblems[problem.control][problem.problem];
}
