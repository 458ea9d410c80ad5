// SPDX-License-Identifier: EUPL-1.2
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { PhoneCalling } from '../conference/model';
import { calledName, callWords, isUnderWay, refusalWords, type CallEnding, type CallState, type PlacedCall } from '../conference/placed-call';
import { fill } from '../i18n';
import { inRoom } from '../i18n/room';
import { Button, IconButton } from '../ui/Button';
import { Icon } from '../ui/Icon';
import type { IconName } from '../ui/icons';

interface PlacedCallsProps {
  phoneCalls: PhoneCalling;
  /** An entry that had the focus is gone. */
  onDismissed: () => void;
}

/** Who is being called, and how that stands. What changes is read out by the announcer, also while this is not on screen. */
export function PlacedCalls({ phoneCalls, onDismissed }: PlacedCallsProps) {
  const calls = phoneCalls.calls.value;
  if (calls.length === 0) return null;
  return (
    <ul class="people-list placed-calls" aria-label={inRoom.value.phoneCalls.list}>
      {calls.map((call) => (
        <Entry key={call.key} call={call} phoneCalls={phoneCalls} onDismissed={onDismissed} />
      ))}
    </ul>
  );
}

const ICONS: Readonly<Record<Exclude<CallState, 'ended'>, IconName>> = {
  dialling: 'dialpad',
  ringing: 'ringing',
  answered: 'hourglass',
  in_meeting: 'inTalk',
};

/** Calls that somebody has ended look otherwise than those that came to nothing. */
const ENDED_BY_HAND: ReadonlySet<CallEnding | null> = new Set(['hung_up', 'given_up', 'time_up', 'removed', 'meeting_ended']);

function iconOf({ state, ending }: PlacedCall): IconName {
  if (state !== 'ended') return ICONS[state];
  return ENDED_BY_HAND.has(ending) ? 'callEnd' : 'callMissed';
}

function Entry({ call, phoneCalls, onDismissed }: { call: PlacedCall } & PlacedCallsProps) {
  const item = useRef<HTMLLIElement>(null);
  const isOver = call.state === 'ended';
  // Before it is drawn anew: the button that has the focus may be one that goes.
  const hadFocus = item.current?.contains(document.activeElement) ?? false;
  useLayoutEffect(() => {
    if (!hadFocus || item.current?.contains(document.activeElement) === true) return;
    item.current?.querySelector<HTMLElement>('[data-main]')?.focus();
  }, [isOver, hadFocus]);
  const name = calledName(call);
  const refusal = phoneCalls.refusal.value;
  return (
    <li class="person placed-call" ref={item} data-testid="placed-call" data-state={call.state} data-ending={call.ending ?? ''}>
      <span class={`placed-call-icon placed-call-${call.state}`}>
        <Icon name={iconOf(call)} />
      </span>
      <span class="person-name">
        {name}
        {call.number !== '' && !name.includes(call.number) && <span class="person-note">{call.number}</span>}
        <span class="person-note" data-testid="call-state">
          {callWords(call)}
        </span>
      </span>
      <Actions call={call} name={name} phoneCalls={phoneCalls} onDismissed={onDismissed} />
      {/* Read out by the announcer, as it may be in the banner of one's own telephone, too. */}
      <p class="field-error placed-call-refusal" data-testid="call-refusal">
        {refusal?.callId === call.id && refusalWords(refusal)}
      </p>
    </li>
  );
}

/**
 * One button ends a call, and where it stood another takes the entry off the list: whoever presses it twice does not
 * call again.
 */
function Actions({ call, name, phoneCalls, onDismissed }: { call: PlacedCall; name: string } & PlacedCallsProps) {
  const words = inRoom.value.phoneCalls;
  const { id } = call;
  if (call.state !== 'ended') {
    const [label, full] = isUnderWay(call) ? [words.giveUp, words.giveUpNamed] : [words.hangUp, words.hangUpNamed];
    return (
      <Button data-main data-testid="hang-up" title={fill(full, { name })} aria-label={fill(full, { name })} onClick={() => void phoneCalls.hangUp(id)}>
        {label}
      </Button>
    );
  }
  return (
    <>
      <IconButton
        icon="close"
        label={fill(words.dismissNamed, { name })}
        data-main
        data-testid="dismiss-call"
        onClick={() => {
          phoneCalls.dismiss(id);
          onDismissed();
        }}
      />
      {call.isOwn && (
        <div class="person-actions">
          <Button
            icon="call"
            aria-label={fill(words.againNamed, { name })}
            aria-disabled={phoneCalls.isCalling.value}
            data-testid="call-again"
            onClick={() => void phoneCalls.again(id)}
          >
            {words.again}
          </Button>
        </div>
      )}
    </>
  );
}
