// SPDX-License-Identifier: EUPL-1.2
import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useId, useRef } from 'preact/hooks';
import { announcer } from '../conference/announcer';
import type { Moderation, ParticipantView } from '../conference/model';
import { fill, t } from '../i18n';
import { Button, IconButton } from '../ui/Button';
import { TextField } from '../ui/Field';

/** What a name may have, as the server has it. */
const MAX_NAME_CHARS = 80;

interface ActionsProps {
  person: ParticipantView;
  moderation: Moderation;
}

type Step = 'choosing' | 'forbidding' | 'renaming' | 'removing';

/** The buttons that lead to a step. */
const OPENERS = { choosing: null, forbidding: 'permit-to-speak', renaming: 'rename-person', removing: 'remove-person' } as const;

/** What a moderator can do about one person, however they have come. */
export function PersonActions({ person, moderation }: ActionsProps) {
  const step = useSignal<Step>('choosing');
  // Whoever gives one of them up is put back to where they began it.
  const before = useRef<Step>('choosing');
  const cameFrom = before.current;
  useEffect(() => {
    before.current = step.value;
  }, [step.value]);
  if (step.value === 'forbidding') return <Forbidding person={person} moderation={moderation} step={step} />;
  if (step.value === 'renaming') return <Renaming person={person} moderation={moderation} step={step} />;
  if (step.value === 'removing') return <Removing person={person} moderation={moderation} step={step} />;
  return <Choice person={person} moderation={moderation} step={step} cameFrom={cameFrom} />;
}

interface StepProps extends ActionsProps {
  step: Signal<Step>;
}

function Choice({ person, moderation, step, cameFrom }: StepProps & { cameFrom: Step }) {
  const words = t.value.moderation;
  const group = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const opener = OPENERS[cameFrom];
    if (opener !== null) group.current?.querySelector<HTMLElement>(`[data-testid=${opener}]`)?.focus();
    // Once: as it was when it appeared.
  }, []);
  const { identity } = person;
  const name = person.name.value;
  const microphone = person.microphone.value;
  const maySpeak = person.maySpeak.value;
  const askToUnmute = async () => {
    await moderation.askToUnmute(identity);
    if (!moderation.problem.peek()) announcer.say(fill(words.askedToUnmute, { name }));
  };
  const permit = async () => {
    await moderation.permitToSpeak(identity, true);
    if (!moderation.problem.peek()) announcer.say(fill(words.permittedToSpeak, { name }));
  };
  return (
    <div class="person-actions" role="group" aria-label={fill(words.forPerson, { name })} ref={group}>
      {person.hand.value !== null && (
        <IconButton
          icon="hand"
          label={fill(words.lowerHand, { name })}
          data-testid="lower-hand"
          onClick={() => void moderation.lowerHand(identity)}
        />
      )}
      {/* One button, so that it keeps the focus when it becomes the other. Whoever may not speak is not asked to. */}
      {(microphone === 'on' || (microphone === 'muted' && maySpeak)) && (
        <IconButton
          icon={microphone === 'on' ? 'micOff' : 'mic'}
          label={fill(microphone === 'on' ? words.mute : words.askToUnmute, { name })}
          data-testid={microphone === 'on' ? 'mute-person' : 'ask-to-unmute'}
          onClick={() => void (microphone === 'on' ? moderation.mute(identity) : askToUnmute())}
        />
      )}
      {(microphone !== 'none' || !maySpeak) && (
        <IconButton
          icon={maySpeak ? 'speakForbidden' : 'speakAllowed'}
          label={fill(maySpeak ? words.forbidToSpeak : words.permitToSpeak, { name })}
          data-testid="permit-to-speak"
          onClick={() => (maySpeak ? void (step.value = 'forbidding') : void permit())}
        />
      )}
      <IconButton
        icon="edit"
        label={fill(words.rename, { name })}
        data-testid="rename-person"
        onClick={() => (step.value = 'renaming')}
      />
      <IconButton
        icon="personRemove"
        label={fill(words.remove, { name })}
        data-testid="remove-person"
        onClick={() => (step.value = 'removing')}
      />
    </div>
  );
}

/** Asks once more, and says what it means: it is more than muting. */
function Forbidding({ person, moderation, step }: StepProps) {
  const words = t.value.moderation;
  const id = useId();
  const group = useRef<HTMLDivElement>(null);
  useEffect(() => group.current?.querySelector<HTMLElement>('[data-testid=forbid-cancel]')?.focus(), []);
  const { identity } = person;
  const name = person.name.value;
  const forbid = async () => {
    step.value = 'choosing';
    await moderation.permitToSpeak(identity, false);
    if (!moderation.problem.peek()) announcer.say(fill(words.forbiddenToSpeak, { name }));
  };
  return (
    <div class="person-actions" role="group" aria-labelledby={`${id}-title`} aria-describedby={`${id}-hint`} ref={group}>
      <p class="person-question" id={`${id}-title`}>
        {fill(words.forbidTitle, { name })}
      </p>
      <p class="field-hint person-question" id={`${id}-hint`}>
        {words.forbidHint}
      </p>
      <Button kind="danger" data-testid="forbid-now" onClick={() => void forbid()}>
        {words.forbidNow}
      </Button>
      <Button data-testid="forbid-cancel" onClick={() => (step.value = 'choosing')}>
        {words.cancel}
      </Button>
    </div>
  );
}

/** What others read from now on. Of a caller they read a number until somebody says who it is. */
function Renaming({ person, moderation, step }: StepProps) {
  const words = t.value.moderation;
  const input = useRef<HTMLInputElement>(null);
  const name = person.name.value;
  const text = useSignal(person.phone.peek()?.isNamed === false ? '' : name);
  const isMissing = useSignal(false);
  useEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, []);
  const rename = () => {
    const wanted = text.value.trim();
    isMissing.value = wanted === '';
    if (wanted === '') {
      input.current?.focus();
      return;
    }
    void moderation.rename(person.identity, wanted);
    step.value = 'choosing';
  };
  return (
    <form
      class="person-actions person-renaming"
      onSubmit={(event) => {
        event.preventDefault();
        rename();
      }}
    >
      <TextField
        label={fill(words.newName, { name })}
        value={text.value}
        maxLength={MAX_NAME_CHARS}
        autoComplete="off"
        enterKeyHint="done"
        inputRef={input}
        error={isMissing.value ? words.newNameMissing : undefined}
        testId="new-name"
        onInput={(value) => (text.value = value)}
      />
      <Button type="submit" kind="primary" data-testid="rename-now">
        {words.renameNow}
      </Button>
      <Button data-testid="rename-cancel" onClick={() => (step.value = 'choosing')}>
        {words.cancel}
      </Button>
    </form>
  );
}

/** Asks once more. The focus is on the way out, lest a key that is pressed twice removes somebody. */
function Removing({ person, moderation, step }: StepProps) {
  const words = t.value.moderation;
  const group = useRef<HTMLDivElement>(null);
  useEffect(() => group.current?.querySelector<HTMLElement>('[data-testid=remove-cancel]')?.focus(), []);
  const { identity } = person;
  return (
    <div class="person-actions" role="group" aria-label={fill(words.removeTitle, { name: person.name.value })} ref={group}>
      <Button kind="danger" data-testid="remove-only" onClick={() => void moderation.remove(identity, false)}>
        {words.removeOnly}
      </Button>
      <Button kind="danger" data-testid="remove-ban" onClick={() => void moderation.remove(identity, true)}>
        {words.removeBan}
      </Button>
      <Button data-testid="remove-cancel" onClick={() => (step.value = 'choosing')}>
        {words.cancel}
      </Button>
    </div>
  );
}
