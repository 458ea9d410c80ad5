// SPDX-License-Identifier: EUPL-1.2
import { useEffect } from 'preact/hooks';
import type { Config } from '../../app/config';
import { replaceRoute } from '../../app/router';
import { Icon } from '../../ui/Icon';
import { SeatingPlan } from '../../ui/Logo';
import { PageFrame, ScreenHeading } from '../../ui/PageFrame';
import { providerPath, safeReturn, session } from '../api/session';
import { w } from '../words';
import { PasswordForm } from './PasswordForm';
import '../../screens/start.css';

interface SignInProps {
  config: Config;
  query: string;
  /** Signed in in a window of its own, for the one that opened it. */
  isDone: boolean;
}

/** By the organisation's own sign-in, by password, or both. */
export function SignIn({ config, query, isDone }: SignInProps) {
  const words = w.value.signIn;
  const asked = new URLSearchParams(query);
  const returnTo = safeReturn(asked.get('return_to'));
  const isSignedOut = asked.has('signed_out');
  const { password, provider } = config.signIn;
  const takesPassword = password || !provider || asked.get('with') === 'password';
  const isSignedIn = session.value !== null;
  // Whoever has just signed out, or comes back from a sign-in that failed, would be signed in again at once.
  const leadsOn = !isDone && provider && !takesPassword && !isSignedOut && !isSignedIn;

  useEffect(() => {
    if (isDone) return;
    if (isSignedIn) goOn(returnTo);
    else if (leadsOn) location.replace(providerPath(returnTo));
  }, [isDone, isSignedIn, leadsOn, returnTo]);

  if (isDone) {
    return (
      <PageFrame title={words.done} version={config.version}>
        <div class="message card" data-testid="sign-in-done">
          <ScreenHeading>{words.done}</ScreenHeading>
          <p>{words.doneText}</p>
        </div>
      </PageFrame>
    );
  }
  if (isSignedIn) return null;
  return (
    <PageFrame title={words.title} version={config.version}>
      <div class="start card" data-testid="sign-in">
        <div class="start-form">
          <div class="start-intro">
            <ScreenHeading>{words.title}</ScreenHeading>
            {isSignedOut && (
              <p class="notice" role="status" data-testid="signed-out">
                <Icon name="lock" /> {words.signedOut}
              </p>
            )}
            <p>{leadsOn ? words.toProvider : words.intro}</p>
          </div>
          {provider && (
            <a class="button button-primary button-wide" href={providerPath(returnTo)} data-testid="sign-in-provider">
              {words.provider}
            </a>
          )}
          {provider && takesPassword && <h2 class="divider">{words.or}</h2>}
          {takesPassword && <PasswordForm onSignedIn={() => goOn(returnTo)} />}
        </div>
        <div class="start-picture">
          <SeatingPlan />
        </div>
      </div>
    </PageFrame>
  );
}

/** To where somebody wanted to go. Meetings start anew, because they are loaded apart. */
function goOn(path: string): void {
  replaceRoute(path);
}
