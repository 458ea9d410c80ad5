// SPDX-License-Identifier: EUPL-1.2
// Who is invited: added many at a time, each with what they are in the meeting.
import { useSignal } from '@preact/signals';
import { announcer } from '../../conference/announcer';
import { fill, plural } from '../../i18n';
import { Button, IconButton } from '../../ui/Button';
import { Area, Choice } from '../ui/fields';
import { w } from '../words';
import { readAddresses } from './addresses';
import { labelOf, ROLES, type InviteeInput, type InviteeRole } from './draft';

interface PeopleEditorProps {
  invitees: readonly InviteeInput[];
  /** What the server finds wrong, by pointer. */
  errors: ReadonlyMap<string, string>;
  onChange: (invitees: readonly InviteeInput[]) => void;
}

/** The list and the field to add to it. */
export function PeopleEditor({ invitees, errors, onChange }: PeopleEditorProps) {
  const words = w.value.form;
  const text = useSignal('');
  const note = useSignal('');
  const add = () => {
    const { found, unreadable } = readAddresses(text.value);
    const known = new Set(invitees.map(({ email }) => email?.toLowerCase()));
    const added = found.filter(({ email }) => !known.has(email.toLowerCase()));
    onChange([
      ...invitees,
      ...added.map(({ email, name }): InviteeInput => ({ email, ...(name === '' ? {} : { name }), role: 'attendee', lobby_bypass: false })),
    ]);
    const notes = [
      ...(added.length > 0 ? [plural(words.added, added.length)] : []),
      ...(found.length > added.length ? [plural(words.known, found.length - added.length)] : []),
      ...(unreadable.length > 0 ? [fill(words.unreadable, { text: unreadable.join(', ') })] : []),
    ];
    note.value = notes.join(' ');
    announcer.say(note.value);
    // What was not understood stays, to be corrected.
    text.value = unreadable.join('\n');
  };
  const change = (index: number, with_: Partial<InviteeInput>) =>
    onChange(invitees.map((invitee, at) => (at === index ? { ...invitee, ...with_ } : invitee)));
  return (
    <div class="stack" data-pointer="/invitees">
      <div class="with-button with-button-end">
        <Area
          label={words.addPeople}
          hint={words.addPeopleHint}
          error={errors.get('/invitees')}
          rows={2}
          value={text.value}
          testId="add-people"
          onInput={(value) => (text.value = value)}
        />
        <Button data-testid="add-people-button" onClick={add}>
          {words.add}
        </Button>
      </div>
      {note.value !== '' && <p class="fine">{note.value}</p>}
      {invitees.length > 0 && (
        <>
          <p class="fine">{plural(words.invitees, invitees.length)}</p>
          <ul class="people" data-testid="people">
            {invitees.map((invitee, index) => {
              const label = labelOf(invitee);
              const wrong = [...errors].find(([pointer]) => pointer.startsWith(`/invitees/${index}/`) || pointer === `/invitees/${index}`)?.[1];
              return (
                <li key={invitee.email ?? invitee.user_id ?? invitee.phone_e164} class="people-row" data-testid="invitee">
                  <span class="people-name">
                    {label}
                    {invitee.email !== undefined && invitee.email !== label && <span class="fine">{invitee.email}</span>}
                  </span>
                  <Choice
                    label={fill(words.role, { name: label })}
                    isLabelHidden
                    value={invitee.role}
                    error={wrong}
                    pointer={`/invitees/${index}`}
                    options={ROLES.map((value) => ({ value, label: words.roles[value] }))}
                    testId="invitee-role"
                    onChange={(role) => change(index, { role: role as InviteeRole })}
                  />
                  <IconButton
                    icon="close"
                    label={fill(words.remove, { name: label })}
                    onClick={() => onChange(invitees.filter((_, at) => at !== index))}
                  />
                </li>
              );
            })}
          </ul>
        </>
      )}
    </div>
  );
}
