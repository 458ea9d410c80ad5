// SPDX-License-Identifier: EUPL-1.2
// The pages behind the sign-in: one's meetings, scheduling, administration. Chooses which, once it is known who looks.
import { useSignal } from '@preact/signals';
import { lazyPage } from './lazy';
import { useEffect } from 'preact/hooks';
import { hasAccountHere } from '../app/account-hint';
import type { PagesProps } from '../app/LazyPages';
import { replaceRoute, signInPath } from '../app/router';
import { PageFrame } from '../ui/PageFrame';
import { asksToSignInAgain, refreshSession, session } from './api/session';
import { Day } from './day/Day';
import { Shell } from './Shell';
import { SignIn } from './sign-in/SignIn';
import { SignInAgain } from './sign-in/SignInAgain';
import { Lost } from './ui/Lost';
import { Trouble } from './ui/Trouble';
import './pages.css';

const MeetingPage = lazyPage(() => import('./schedule/MeetingPage').then(({ MeetingPage }) => MeetingPage));
const Schedule = lazyPage(() => import('./schedule/Schedule').then(({ Schedule }) => Schedule));
const Admin = lazyPage(() => import('./admin/Admin').then(({ Admin }) => Admin));

/** The page that the address bar means. */
export function Pages({ config, path, query }: PagesProps) {
  const problem = useSignal<unknown>(null);
  const { value: who } = session;
  const isSignIn = path.startsWith('/sign-in');
  const load = () => {
    problem.value = null;
    refreshSession().catch((error: unknown) => (problem.value = error));
  };
  useEffect(() => {
    if (session.peek() !== 'unknown') return;
    // Where nobody was signed in, the answer is known, and the sign-in page need not wait for it.
    if (isSignIn && !hasAccountHere()) session.value = null;
    else load();
  }, []);

  useEffect(() => {
    // Over a page that is open, one is asked instead: what was typed there must not be lost.
    if (who === null && !isSignIn && !asksToSignInAgain.peek()) {
      replaceRoute(signInPath(path + query));
    }
  }, [who, isSignIn]);

  if (problem.value !== null) {
    return (
      <PageFrame title="" version={config.version}>
        <Trouble problem={problem.value} onRetry={load} />
      </PageFrame>
    );
  }
  if (who === 'unknown') return null;
  if (isSignIn) return <SignIn config={config} query={query} isDone={path === '/sign-in/done'} />;
  if (who === null) return null;
  return (
    <>
      <Screen config={config} path={path} query={query} />
      {asksToSignInAgain.value && <SignInAgain config={config} />}
    </>
  );
}

function Screen({ config, path, query }: PagesProps) {
  const [, area, first, second, ...rest] = path.replace(/\/$/, '').split('/');
  if (area === 'admin') return <Admin config={config} path={path} query={query} />;
  let page = null;
  if (first === undefined) page = <Day config={config} />;
  else if (rest.length > 0) page = null;
  else if (first === 'new' && second === undefined) page = <Schedule key="new" config={config} id={null} />;
  else if (second === undefined) page = <MeetingPage key={first} config={config} id={first} />;
  else if (second === 'edit') page = <Schedule key={first} config={config} id={first} />;
  return page ?? <Shell config={config} title=""><Lost /></Shell>;
}
