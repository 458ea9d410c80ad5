// SPDX-License-Identifier: EUPL-1.2
// Somebody else was quicker: what they changed, and the choice between both.
import { fill } from '../../i18n';
import { Button } from '../../ui/Button';
import { Dialog } from '../ui/Dialog';
import { w } from '../words';
import { dateAndTime } from '../words/dates';
import { inputOf, isSame, labelOf, type Draft, type InviteeInput } from './draft';

interface StaleProps {
  /** As it was when this page read it. */
  before: Draft;
  /** As it is now. */
  now: Draft;
  onKeepMine: () => void;
  onTakeTheirs: () => void;
  onClose: () => void;
}

/** The question. */
export function Stale({ before, now, onKeepMine, onTakeTheirs, onClose }: StaleProps) {
  const words = w.value.form;
  const changes = changedFields(before, now);
  return (
    <Dialog title={words.staleTitle} onClose={onClose} testId="stale" isWide>
      <div class="dialog-text">
        <p>{changes.length === 0 ? words.staleSame : words.staleText}</p>
        <dl class="facts">
          {changes.map(({ name, label, was, is }) => (
            <div key={name} class="facts-row">
              <dt>{label}</dt>
              <dd data-testid={`stale-${name}`}>
                {fill(words.staleIs, { value: is })}
                <br />
                <span class="fine">{fill(words.staleWas, { value: was })}</span>
              </dd>
            </div>
          ))}
        </dl>
      </div>
      <div class="actions">
        <Button data-testid="take-theirs" onClick={onTakeTheirs}>
          {words.takeTheirs}
        </Button>
        <Button kind="primary" data-testid="keep-mine" onClick={onKeepMine}>
          {words.keepMine}
        </Button>
      </div>
    </Dialog>
  );
}

interface ChangedField {
  readonly name: string;
  readonly label: string;
  readonly was: string;
  readonly is: string;
}

/** In which of the form's fields two versions differ. */
export function changedFields(before: Draft, now: Draft): readonly ChangedField[] {
  const words = w.value.form;
  const [old, recent] = [inputOf(before), inputOf(now)];
  return Object.keys(recent)
    .filter((name) => !isSame(old[name], recent[name]))
    .map((name) => ({
      name,
      label: words.changedFields[name as keyof typeof words.changedFields] ?? name,
      was: inWords(name, old[name], before.zone),
      is: inWords(name, recent[name], now.zone),
    }));
}

function inWords(name: string, value: unknown, zone: string): string {
  const words = w.value.form;
  if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) return words.empty;
  if (name === 'starts_at') return dateAndTime(Date.parse(String(value)), zone);
  if (name === 'excluded_dates') return (value as string[]).map((date) => dateAndTime(Date.parse(date), zone)).join('; ');
  if (name === 'invitees') return (value as InviteeInput[]).map(labelOf).join(', ');
  if (typeof value === 'object') {
    const members = Object.entries(value as object).filter(([, member]) => member !== null && member !== '');
    return members.length === 0 ? words.empty : members.map(([key, member]) => `${key}: ${String(member)}`).join(', ');
  }
  return String(value);
}
