// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import type { TargetedEvent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { language, LANGUAGES, ownNumber, type Language } from '../app/preferences';
import type { PhoneCalling } from '../conference/model';
import { readNumber, type NumberProblem } from '../conference/phone-number';
import { refusalWords, type CallRefusal } from '../conference/placed-call';
import { t } from '../i18n';
import { inRoom } from '../i18n/room';
import { Button } from '../ui/Button';
import { Disclosure } from '../ui/Disclosure';
import { Select, TextField, TickBox } from '../ui/Field';
import { Icon } from '../ui/Icon';
import { PlacedCalls } from './PlacedCalls';

/** What a name may have, as the server has it. */
const MAX_NAME_CHARS = 80;

interface CallTelephoneProps {
  phoneCalls: PhoneCalling;
  /** What this person is called. */
  ownName: string;
}

/** Moderators fetch people who sit at a telephone, and their own. */
export function CallTelephone({ phoneCalls, ownName, onFocusLost }: CallTelephoneProps & { onFocusLost: () => void }) {
  const summary = useRef<HTMLElement>(null);
  useEffect(() => void phoneCalls.look(), [phoneCalls]);
  return (
    <>
      <PlacedCalls phoneCalls={phoneCalls} onDismissed={() => (summary.current === null ? onFocusLost() : summary.current.focus())} />
      {/* Not before it is known: most installations make no calls. */}
      {phoneCalls.isAllowed.value === true && (
        <Disclosure title={inRoom.value.phoneCalls.title} testId="call-telephone" openTestId="open-call-telephone" summaryRef={summary}>
          <CallForm phoneCalls={phoneCalls} ownName={ownName} />
        </Disclosure>
      )}
    </>
  );
}

function CallForm({ phoneCalls, ownName }: CallTelephoneProps) {
  const words = inRoom.value.phoneCalls;
  const isForMe = useSignal(false);
  const [theirs, mine] = [useSignal(''), useSignal(ownNumber.peek())];
  const name = useSignal('');
  const isRemembered = useSignal(ownNumber.peek() !== '');
  const spoken = useSignal<Language>(language.peek());
  const problem = useSignal<NumberProblem | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const number = isForMe.value ? mine : theirs;
  const refusal = phoneCalls.refusal.value?.callId === null ? phoneCalls.refusal.value : null;
  const isCalling = phoneCalls.isCalling.value;

  const forgetProblem = () => {
    problem.value = null;
    if (refusal !== null) phoneCalls.refusal.value = null;
  };
  const call = async (event: TargetedEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (phoneCalls.isCalling.peek()) return;
    const typed = readNumber(number.peek());
    problem.value = typed.kind === 'problem' ? typed.problem : null;
    if (typed.kind === 'problem') {
      input.current?.focus();
      return;
    }
    const isMine = isForMe.peek();
    if (isMine) ownNumber.value = isRemembered.peek() ? number.peek().trim() : '';
    const called = isMine ? ownName : name.peek().trim();
    const isTaken = await phoneCalls.call({ number: typed.number, name: called, language: spoken.peek(), isForMe: isMine });
    if (isTaken && !isMine) {
      theirs.value = '';
      name.value = '';
    }
    if (phoneCalls.refusal.peek()?.isAboutNumber === true) input.current?.focus();
  };

  return (
    <form class="call-form" noValidate onSubmit={(event) => void call(event)}>
      <p class="field-hint">{words.intro}</p>
      <div>
        <TickBox
          label={words.me}
          isOn={isForMe.value}
          testId="call-me"
          onChange={(isOn) => {
            isForMe.value = isOn;
            forgetProblem();
          }}
        />
        {isForMe.value && <p class="field-hint">{words.meHint}</p>}
      </div>
      <TextField
        label={isForMe.value ? words.ownNumber : words.number}
        hint={words.numberHint}
        error={numberError(problem.value, refusal)}
        type="tel"
        autoComplete={isForMe.value ? 'tel' : 'off'}
        enterKeyHint="go"
        value={number.value}
        inputRef={input}
        testId="call-number"
        onInput={(text) => {
          number.value = text;
          forgetProblem();
        }}
      />
      {isForMe.value ? (
        <TickBox label={words.remember} isOn={isRemembered.value} testId="remember-number" onChange={(isOn) => (isRemembered.value = isOn)} />
      ) : (
        <TextField
          label={words.name}
          hint={words.nameHint}
          autoComplete="off"
          maxLength={MAX_NAME_CHARS}
          value={name.value}
          testId="call-name"
          onInput={(text) => (name.value = text)}
        />
      )}
      <Select
        label={words.language}
        value={spoken.value}
        options={LANGUAGES.map((value) => ({ value, label: t.value.app.languageNames[value] }))}
        testId="call-language"
        onChange={(value) => (spoken.value = value as Language)}
      />
      <p class="field-error" role="alert" data-testid="call-refused">
        {refusal !== null && !refusal.isAboutNumber && (
          <>
            <Icon name="error" /> {refusalWords(refusal)}
          </>
        )}
      </p>
      <Button kind="primary" icon="call" type="submit" aria-disabled={isCalling} data-testid="call-now">
        {isCalling ? words.calling : words.call}
      </Button>
    </form>
  );
}

function numberError(problem: NumberProblem | null, refusal: CallRefusal | null): string | undefined {
  if (problem !== null) return inRoom.value.phoneCalls.problems[problem];
  return refusal?.isAboutNumber === true ? refusalWords(refusal) : undefined;
}
