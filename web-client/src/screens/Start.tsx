// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import type { TargetedEvent } from 'preact';
import { useRef } from 'preact/hooks';
import { rememberToken } from '../app/access';
import { hasAccountHere } from '../app/account-hint';
import { rememberInvitation } from '../app/joining';
import type { Config } from '../app/config';
import { parseJoinInput } from '../app/join-link';
import { meetingPath, navigate } from '../app/router';
import { fill, t } from '../i18n';
import { Banner } from '../ui/Banner';
import { Button } from '../ui/Button';
import { TextField } from '../ui/Field';
import { SeatingPlan } from '../ui/Logo';
import { PageFrame, ScreenHeading } from '../ui/PageFrame';
import './start.css';

interface StartProps {
  config: Config;
  /** The address led to no page. */
  isLost: boolean;
}

/** Where one arrives without a link: a single field. */
export function Start({ config, isLost }: StartProps) {
  const words = t.value.start;
  const text = useSignal('');
  const error = useSignal<string | undefined>(undefined);
  const input = useRef<HTMLInputElement>(null);

  const join = (event: TargetedEvent<HTMLFormElement>) => {
    event.preventDefault();
    const target = parseJoinInput(text.value, location.origin, config.dev);
    if (target.kind === 'problem') {
      error.value = fill(words.problems[target.problem], { host: target.host ?? '' });
      input.current?.focus();
      return;
    }
    if (target.token !== null) rememberToken(target.room, target.token);
    if (target.invitation !== null) rememberInvitation(target.room, target.invitation);
    navigate(meetingPath(target.room));
  };

  return (
    <PageFrame title="" version={config.version} nav={<AccountLink config={config} />}>
      <div class="start card">
        <div class="start-form">
          <div class="start-intro">
            <ScreenHeading>{words.title}</ScreenHeading>
            <p>{words.intro}</p>
          </div>
          {isLost && <Banner kind="warning">{words.unknownPage}</Banner>}
          <form class="start-fields" noValidate onSubmit={join}>
            <TextField
              label={config.dev ? words.linkOrName : words.link}
              hint={words.hint}
              error={error.value}
              value={text.value}
              inputRef={input}
              autoComplete="off"
              enterKeyHint="go"
              testId="join-input"
              onInput={(value) => {
                text.value = value;
                error.value = undefined;
              }}
            />
            <Button kind="primary" type="submit" isWide data-testid="join">
              {words.join}
            </Button>
          </form>
        </div>
        <div class="start-picture">
          <SeatingPlan />
        </div>
      </div>
    </PageFrame>
  );
}

/** The way in for people with an account. */
function AccountLink({ config }: { config: Config }) {
  const words = t.value.start;
  if (!config.signIn.password && !config.signIn.provider) return null;
  const [path, label] = hasAccountHere() ? ['/meetings', words.toMeetings] : ['/sign-in', words.signIn];
  return (
    <a
      class="page-link"
      href={path}
      data-testid="account-link"
      onClick={(event) => {
        event.preventDefault();
        navigate(path);
      }}
    >
      {label}
    </a>
  );
}
