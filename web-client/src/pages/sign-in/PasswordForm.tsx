// SPDX-License-Identifier: EUPL-1.2
// Address and password. Password managers know the fields by their names; nothing is kept from being pasted.
import { useSignal } from '@preact/signals';
import type { TargetedEvent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { fill, plural } from '../../i18n';
import { Button } from '../../ui/Button';
import { ApiProblem } from '../../app/problem';
import { session, signIn } from '../api/session';
import { Input, Tick } from '../ui/fields';
import { Trouble } from '../ui/Trouble';
import { w } from '../words';

interface PasswordFormProps {
  onSignedIn: () => void;
  /** The address of whoever was signed in. */
  email?: string;
}

/** The form. */
export function PasswordForm({ onSignedIn, email: knownEmail = '' }: PasswordFormProps) {
  const words = w.value.signIn;
  const form = useRef<HTMLFormElement>(null);
  const email = useSignal(knownEmail);
  const password = useSignal('');
  const tenant = useSignal('');
  const hasTenants = useSignal(false);
  const isShown = useSignal(false);
  const isBusy = useSignal(false);
  const problem = useSignal<unknown>(null);
  const missing = useSignal<{ email?: string; password?: string }>({});
  const wait = useWait();

  const submit = async (event: TargetedEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isBusy.value || wait.secondsLeft > 0) return;
    missing.value = {
      ...(email.value.trim() === '' ? { email: words.emailMissing } : {}),
      ...(password.value === '' ? { password: words.passwordMissing } : {}),
    };
    const first = missing.value.email !== undefined ? 'email' : missing.value.password !== undefined ? 'password' : null;
    if (first !== null) {
      form.current?.querySelector<HTMLInputElement>(`[name=${first}]`)?.focus();
      return;
    }
    isBusy.value = true;
    problem.value = null;
    try {
      await signIn(email.value.trim(), password.value, tenant.value.trim() === '' ? null : tenant.value.trim());
      onSignedIn();
    } catch (error) {
      if (error instanceof ApiProblem && error.code === 'rate-limited') wait.begin(error.retryAfterMs ?? 60_000);
      else problem.value = error;
      const isRefused = error instanceof ApiProblem && error.code === 'sign-in-refused';
      if (isRefused) {
        password.value = '';
        form.current?.querySelector<HTMLInputElement>('[name=password]')?.focus();
      }
    } finally {
      isBusy.value = false;
    }
  };

  const isRefused = problem.value instanceof ApiProblem && problem.value.code === 'sign-in-refused';
  return (
    <form class="stack" ref={form} noValidate onSubmit={(event) => void submit(event)} data-testid="password-form">
      <Input
        label={words.email}
        type="email"
        value={email.value}
        error={missing.value.email}
        testId="sign-in-email"
        native={{ name: 'email', autoComplete: 'username', autoCapitalize: 'none', spellcheck: false, maxLength: 254 }}
        onInput={(text) => (email.value = text)}
      />
      <Input
        label={words.password}
        type={isShown.value ? 'text' : 'password'}
        value={password.value}
        error={missing.value.password ?? (isRefused ? words.refused : undefined)}
        testId="sign-in-password"
        native={{ name: 'password', autoComplete: 'current-password', autoCapitalize: 'none', spellcheck: false, maxLength: 256 }}
        onInput={(text) => (password.value = text)}
      />
      <Tick label={words.showPassword} isOn={isShown.value} onChange={(isOn) => (isShown.value = isOn)} testId="show-password" />
      {hasTenants.value && (
        <Input
          label={words.tenant}
          hint={words.tenantHint}
          value={tenant.value}
          testId="sign-in-tenant"
          native={{ name: 'organization', autoComplete: 'organization', autoCapitalize: 'none', spellcheck: false, maxLength: 63 }}
          onInput={(text) => (tenant.value = text)}
        />
      )}
      <div role="alert">
        {wait.secondsLeft > 0 && (
          <p class="notice notice-warning" data-testid="sign-in-wait">
            {/* Read out once; the seconds go by for the eyes only. */}
            <span aria-hidden="true">{fill(words.wait, { time: duration(wait.secondsLeft) })}</span>
            <span class="visually-hidden">{fill(words.wait, { time: duration(wait.secondsAtFirst) })}</span>
          </p>
        )}
      </div>
      {problem.value !== null && !isRefused && <Trouble problem={problem.value} />}
      {/* Beside its field, the refusal is read out here. */}
      <p class="visually-hidden" role="alert">
        {isRefused ? words.refused : ''}
      </p>
      <Button kind="primary" type="submit" isWide data-testid="sign-in-submit" aria-disabled={isBusy.value || wait.secondsLeft > 0}>
        {isBusy.value ? words.submitting : words.submit}
      </Button>
      {!hasTenants.value && (
        <Button kind="quiet" data-testid="more-tenants" onClick={() => (hasTenants.value = true)}>
          {words.tenantMore}
        </Button>
      )}
    </form>
  );
}

function duration(seconds: number): string {
  const words = w.value.signIn;
  return seconds > 90 ? plural(words.minutes, Math.ceil(seconds / 60)) : plural(words.seconds, seconds);
}

/** A time during which another try would fail. */
function useWait(): { secondsLeft: number; secondsAtFirst: number; begin: (ms: number) => void } {
  const until = useSignal(0);
  const secondsLeft = useSignal(0);
  const secondsAtFirst = useSignal(0);
  useEffect(() => {
    if (until.value === 0) return undefined;
    const timer = setInterval(() => {
      secondsLeft.value = Math.max(0, Math.ceil((until.value - Date.now()) / 1000));
      if (secondsLeft.value === 0) until.value = 0;
    }, 250);
    return () => clearInterval(timer);
  }, [until.value]);
  return {
    secondsLeft: secondsLeft.value,
    secondsAtFirst: secondsAtFirst.value,
    begin: (ms) => {
      secondsAtFirst.value = Math.max(1, Math.ceil(ms / 1000));
      secondsLeft.value = secondsAtFirst.value;
      until.value = Date.now() + ms;
    },
  };
}

/** The address of whoever was signed in before, for signing in again. */
export function lastEmail(): string {
  const { value: who } = session;
  return who === null || who === 'unknown' ? '' : who.email;
}
