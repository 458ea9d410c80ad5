// SPDX-License-Identifier: EUPL-1.2
// What the pages behind the sign-in have around them: where one can go, who one is, and the way out.
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type { Config } from '../app/config';
import { navigate, route } from '../app/router';
import { announcer } from '../conference/announcer';
import { fill } from '../i18n';
import { Button } from '../ui/Button';
import { PageFrame } from '../ui/PageFrame';
import { mayDo, session, signOut } from './api/session';
import { w } from './words';

/** A link within the client. */
export function Go({ to, class: extra = '', testId, isCurrent, children, label }: {
  to: string;
  class?: string;
  testId?: string;
  isCurrent?: boolean;
  label?: string;
  children: ComponentChildren;
}) {
  return (
    <a
      class={extra}
      href={to}
      data-testid={testId}
      aria-label={label}
      aria-current={isCurrent === true ? 'page' : undefined}
      onClick={(event) => {
        // Another tab or window, as with every link.
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
        event.preventDefault();
        navigate(to);
      }}
    >
      {children}
    </a>
  );
}

interface ShellProps {
  config: Config;
  title: string;
  children: ComponentChildren;
}

/** The frame. */
export function Shell({ config, title, children }: ShellProps) {
  const words = w.value.shell;
  const { value: to } = route;
  const path = to.name === 'pages' ? to.path : '';
  return (
    <PageFrame
      title={title}
      version={config.version}
      isLong
      nav={
        <>
          <nav class="pages-nav" aria-label={words.menu}>
            {mayDo('meetings:read') && (
              <Go to="/meetings" class="page-link" testId="nav-meetings" isCurrent={path === '/meetings'}>
                {words.meetings}
              </Go>
            )}
            {mayDo('meetings:write') && (
              <Go to="/meetings/new" class="page-link" testId="nav-schedule" isCurrent={path === '/meetings/new'}>
                {words.schedule}
              </Go>
            )}
            {mayAdministrate() && (
              <Go to="/admin" class="page-link" testId="nav-admin" isCurrent={path.startsWith('/admin')}>
                {words.admin}
              </Go>
            )}
          </nav>
          <Account />
        </>
      }
    >
      {children}
    </PageFrame>
  );
}

/** Whether there is more to administrate than one's own meetings. */
function mayAdministrate(): boolean {
  return ['users:read', 'tenants:admin', 'audit:read', 'tokens:admin', 'webhooks:read', 'phone:read', 'privacy:admin'].some(mayDo);
}

function Account() {
  const words = w.value.shell;
  const { value: who } = session;
  const isBusy = useSignal(false);
  if (who === null || who === 'unknown') return null;
  const leave = () => {
    if (isBusy.value) return;
    isBusy.value = true;
    signOut().then(
      // To the start page, or to the identity provider; nothing that was on screen stays in memory.
      (location) => window.location.assign(location === '/' ? '/sign-in?signed_out=1' : location),
      () => {
        isBusy.value = false;
        announcer.say(words.signOutFailed, 'assertive');
      },
    );
  };
  return (
    <div class="account">
      <span class="account-name" title={who.email} data-testid="account-name">
        <span class="visually-hidden">{fill(words.signedInAs, { name: '' })}</span>
        {who.name === '' ? who.email : who.name}
      </span>
      <Button kind="quiet" data-testid="sign-out" aria-disabled={isBusy.value} onClick={leave}>
        {words.signOut}
      </Button>
    </div>
  );
}
