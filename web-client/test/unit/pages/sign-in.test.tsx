// SPDX-License-Identifier: EUPL-1.2
import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/preact';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Config } from '../../../src/app/config';
import { route } from '../../../src/app/router';
import { session } from '../../../src/pages/api/session';
import { PasswordForm } from '../../../src/pages/sign-in/PasswordForm';
import { SignIn } from '../../../src/pages/sign-in/SignIn';

const config = (password: boolean, provider: boolean): Config => ({ version: '', dev: false, signIn: { password, provider } });

function answer(status: number, body: unknown, headers: Record<string, string> = {}) {
  const fetch = vi.fn(async () => new Response(JSON.stringify(body), { status, headers }));
  vi.stubGlobal('fetch', fetch);
  return fetch;
}

function enter(email: string, password: string) {
  fireEvent.input(screen.getByTestId('sign-in-email'), { target: { value: email } });
  fireEvent.input(screen.getByTestId('sign-in-password'), { target: { value: password } });
  fireEvent.click(screen.getByTestId('sign-in-submit'));
}

/** Lets time go by. */
const pass = (ms: number) =>
  act(async () => {
    await vi.advanceTimersByTimeAsync(ms);
  });

beforeEach(() => {
  session.value = null;
  history.replaceState(null, '', '/sign-in');
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the password form', () => {
  it('asks for what is missing before it asks the server', () => {
    const fetch = answer(500, {});
    render(<PasswordForm onSignedIn={() => {}} />);
    enter('', 'x');
    expect(screen.getByTestId('sign-in-email').getAttribute('aria-invalid')).toBe('true');
    expect(document.activeElement).toBe(screen.getByTestId('sign-in-email'));
    expect(fetch).not.toHaveBeenCalled();
  });

  it('says that a password is wrong beside it, and keeps the address', async () => {
    answer(401, { code: 'sign-in-refused' });
    render(<PasswordForm onSignedIn={() => {}} />);
    enter('ann@example.org', 'wrong');
    await waitFor(() => expect(screen.getByTestId('sign-in-password').getAttribute('aria-invalid')).toBe('true'));
    expect(screen.getByTestId<HTMLInputElement>('sign-in-password').value).toBe('');
    expect(screen.getByTestId<HTMLInputElement>('sign-in-email').value).toBe('ann@example.org');
  });

  it('counts down while another try would fail', async () => {
    const fetch = answer(429, { code: 'rate-limited' }, { 'retry-after': '2' });
    render(<PasswordForm onSignedIn={() => {}} />);
    vi.useFakeTimers();
    enter('ann@example.org', 'wrong');
    await pass(10);
    expect(screen.getByTestId('sign-in-wait').textContent).toContain('2 Sekunden');
    fireEvent.click(screen.getByTestId('sign-in-submit'));
    await pass(1_100);
    expect(fetch).toHaveBeenCalledTimes(1);
    expect(screen.getByTestId('sign-in-wait').textContent).toContain('1 Sekunde');
    await pass(1_500);
    expect(screen.queryByTestId('sign-in-wait')).toBeNull();
    fireEvent.click(screen.getByTestId('sign-in-submit'));
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('shows the password to whoever wants to see it', () => {
    render(<PasswordForm onSignedIn={() => {}} />);
    expect(screen.getByTestId('sign-in-password').getAttribute('type')).toBe('password');
    fireEvent.click(screen.getByTestId('show-password'));
    expect(screen.getByTestId('sign-in-password').getAttribute('type')).toBe('text');
  });
});

describe('the sign-in page', () => {
  const open = (ways: Config, query = '') => {
    const replace = vi.spyOn(location, 'replace').mockImplementation(() => {});
    render(<SignIn config={ways} query={query} isDone={false} />);
    return replace;
  };

  it('leads to the provider at once when that is the only way', () => {
    expect(open(config(false, true), '?return_to=%2Fm%2Frat')).toHaveBeenCalledWith('/auth/oidc/start?return_to=%2Fm%2Frat');
  });

  it('does not, after somebody has signed out or asks for the password form', () => {
    expect(open(config(false, true), '?signed_out=1')).not.toHaveBeenCalled();
    expect(screen.queryByTestId('password-form')).toBeNull();
    cleanup();
    expect(open(config(false, true), '?with=password')).not.toHaveBeenCalled();
    expect(screen.queryByTestId('password-form')).not.toBeNull();
  });

  it('offers both where there are both', () => {
    expect(open(config(true, true))).not.toHaveBeenCalled();
    expect(screen.getByTestId('sign-in-provider').getAttribute('href')).toBe('/auth/oidc/start?return_to=%2Fmeetings');
    expect(screen.queryByTestId('password-form')).not.toBeNull();
  });

  it('sends whoever is signed in where they wanted to go', () => {
    session.value = { user_id: 'u', tenant_id: 't', email: 'a@x', name: '', role: 'organizer', scopes: [], csrf_token: '', expires_at: '' };
    open(config(true, false), '?return_to=%2Fadmin');
    expect(route.value).toEqual({ name: 'pages', path: '/admin', query: '' });
  });
});
