// SPDX-License-Identifier: EUPL-1.2
// How to come by telephone: to tap on, to read from, to copy; and what can be done by keys then.
import { useId } from 'preact/hooks';
import { dialInText, grouped, oneTap, type DialIn } from '../conference/dial-in';
import { fill, t } from '../i18n';
import { CopyButton } from './Copy';
import { Icon } from './Icon';
import './dial-in-box.css';

/** At least one number has to be there. */
export function DialInBox({ dialIn }: { dialIn: DialIn }) {
  const words = t.value.dialIn;
  const id = useId();
  const text = dialInText(dialIn);
  return (
    <div class="dial-in" data-testid="dial-in">
      <ul class="dial-in-numbers">
        {dialIn.numbers.map((number) => (
          <li key={number.e164}>
            <a
              class="button button-secondary"
              href={oneTap(number, dialIn)}
              aria-label={callWords(number)}
              aria-describedby={`${id}-hint`}
              data-testid="dial-in-number"
            >
              <Icon name="call" />
              <span>{number.e164}</span>
            </a>
            {number.label && <span aria-hidden="true">{number.label}</span>}
          </li>
        ))}
      </ul>
      <p class="dial-in-fine" id={`${id}-hint`}>
        {dialIn.pin ? words.callHint : words.callHintWithoutPin}
      </p>
      <dl class="dial-in-facts">
        <Code label={words.conferenceId} digits={dialIn.conference_id} testId="dial-in-id" />
        {dialIn.pin ? <Code label={words.pin} digits={dialIn.pin} testId="dial-in-pin" /> : <WithoutPin />}
      </dl>
      <p class="dial-in-title" id={`${id}-keys`}>
        {words.keys}
      </p>
      <dl class="dial-in-keys" aria-labelledby={`${id}-keys`}>
        <Key digit="6" does={words.keyMicrophone} />
        <Key digit="9" does={words.keyHand} />
        <Key digit="0" does={words.keyHelp} />
      </dl>
      <p class="dial-in-fine">{words.unencrypted}</p>
      {text !== null && <CopyButton kind="secondary" text={text} label={words.copy} testId="copy-dial-in" />}
    </div>
  );
}

function callWords({ e164: number, label }: DialIn['numbers'][number]): string {
  const words = t.value.dialIn;
  return label ? fill(words.callNamed, { number, label }) : fill(words.call, { number });
}

function Code({ label, digits, testId }: { label: string; digits: string; testId: string }) {
  return (
    <>
      <dt>{label}</dt>
      <dd>
        <span class="dial-in-code" data-testid={testId}>
          {grouped(digits)}
        </span>{' '}
        <span class="dial-in-fine">{t.value.dialIn.thenHash}</span>
      </dd>
    </>
  );
}

/** Callers are asked for a PIN also where it takes none. */
function WithoutPin() {
  const words = t.value.dialIn;
  return (
    <>
      <dt>{words.pin}</dt>
      <dd class="dial-in-fine" data-testid="dial-in-without-pin">
        {words.withoutPin}
      </dd>
    </>
  );
}

/** Screen readers pass over a star, so it is a word for them. */
function Key({ digit, does }: { digit: string; does: string }) {
  return (
    <>
      <dt>
        <kbd aria-hidden="true">*{digit}</kbd>
        <span class="visually-hidden">{fill(t.value.dialIn.star, { n: digit })}</span>
      </dt>
      <dd>{does}</dd>
    </>
  );
}
