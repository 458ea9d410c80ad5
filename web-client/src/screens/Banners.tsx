// SPDX-License-Identifier: EUPL-1.2
import { useSignalEffect } from '@preact/signals';
import { announcer } from '../conference/announcer';
import type { Conference, ControlProblem } from '../conference/model';
import { t, type Dictionary } from '../i18n';
import { Banner } from '../ui/Banner';
import { Button, IconButton } from '../ui/Button';

/** Everything one has to know at once, above the stage. */
export function Banners({ conference }: { conference: Conference }) {
  const words = t.value;
  const problem = conference.controlProblem.value;
  const isReconnecting = conference.connection.value === 'reconnecting';

  useSignalEffect(() => {
    const now = conference.controlProblem.value;
    if (now !== null) announcer.say(problemTitle(now, t.peek()), 'assertive');
  });

  return (
    <section class="banners" aria-label={words.banners.label}>
      {isReconnecting && (
        <Banner kind="warning" icon="wifiOff" testId="banner-reconnecting">
          {words.banners.reconnecting}
        </Banner>
      )}
      {conference.isSoundBlocked.value && (
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
      {problem !== null && (
        <Banner
          kind={problem.control === 'muted-by-other' ? 'warning' : 'danger'}
          icon={problem.control === 'muted-by-other' ? 'micOff' : 'error'}
          testId="banner-problem"
          actions={
            <IconButton
              icon="close"
              label={words.deviceProblems.dismiss}
              onClick={() => conference.dismissProblem()}
            />
          }
        >
          {problemTitle(problem, words)}
          {(problem.control === 'microphone' || problem.control === 'camera') && (
            <p>{words.deviceProblems.help[problem.problem]}</p>
          )}
        </Banner>
      )}
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

function problemTitle(problem: ControlProblem, words: Dictionary): string {
  switch (problem.control) {
    case 'screen':
      return words.deviceProblems.screen;
    case 'muted-by-other':
      return words.deviceProblems.mutedByOther;
    default:
      return words.deviceProblems[problem.control][problem.problem];
  }
}
