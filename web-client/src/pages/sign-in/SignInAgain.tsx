// SPDX-License-Identifier: EUPL-1.2
// The sign-in has expired under somebody's hands: they sign in over the page, and what they were doing goes on.
import { useEffect, useState } from 'preact/hooks';
import type { Config } from '../../app/config';
import { Button } from '../../ui/Button';
import { finishSignInAgain, providerPath, probeSession, session } from '../api/session';
import { Dialog } from '../ui/Dialog';
import { w } from '../words';
import { lastEmail, PasswordForm } from './PasswordForm';

/** The question. */
export function SignInAgain({ config }: { config: Config }) {
  const words = w.value.signIn;
  const { password, provider } = config.signIn;
  const [before] = useState(() => session.peek());

  useEffect(() => {
    // Somebody comes back from the window in which they have signed in.
    const look = () => {
      if (document.visibilityState !== 'visible') return;
      probeSession().then(
        (found) => (found === null ? undefined : onSignedIn()),
        () => undefined,
      );
    };
    window.addEventListener('focus', look);
    document.addEventListener('visibilitychange', look);
    return () => {
      window.removeEventListener('focus', look);
      document.removeEventListener('visibilitychange', look);
    };
  }, []);

  const onSignedIn = () => {
    const now = session.peek();
    const isOther = before !== null && before !== 'unknown' && now !== null && now !== 'unknown' && before.user_id !== now.user_id;
    // What is on screen is not for them.
    if (isOther) location.assign('/meetings');
    else finishSignInAgain(true);
  };
  return (
    <Dialog title={words.expired} onClose={() => finishSignInAgain(false)} testId="sign-in-again">
      <p class="dialog-text">{words.expiredText}</p>
      {provider && (
        <>
          <a class="button button-primary" href={providerPath('/sign-in/done')} target="_blank" rel="opener" data-testid="sign-in-provider">
            {words.provider}
          </a>
          <p class="fine">{words.otherWindow}</p>
        </>
      )}
      {(password || !provider) && <PasswordForm onSignedIn={onSignedIn} email={lastEmail()} />}
      <div class="actions">
        <Button kind="quiet" onClick={() => finishSignInAgain(false)}>
          {words.giveUp}
        </Button>
      </div>
    </Dialog>
  );
}
