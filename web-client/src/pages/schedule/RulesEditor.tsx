// SPDX-License-Identifier: EUPL-1.2
// What the meeting allows: the few rules that people set themselves. The rest is the policy's, or the administration's.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { get, type Page } from '../api/client';
import { mayDo } from '../api/session';
import { Choice, Input } from '../ui/fields';
import { w } from '../words';
import { GUESTS, LOBBIES, type Choice as YesOrNo, type Draft } from './draft';

interface RulesEditorProps {
  draft: Draft;
  errors: ReadonlyMap<string, string>;
  onChange: (change: Partial<Draft>) => void;
}

/** The fields. */
export function RulesEditor({ draft, errors, onChange }: RulesEditorProps) {
  const words = w.value.form;
  const policies = useSignal<readonly { id: string; name: string }[]>([]);
  useEffect(() => {
    if (!mayDo('policies:read')) return;
    get<Page<{ id: string; name: string }>>('/policies?limit=200').then(
      ({ body }) => (policies.value = body.items),
      // Without the list the meeting keeps the policy that it has.
      () => undefined,
    );
  }, []);
  const yesOrNo = [
    { value: '', label: words.asPolicy },
    { value: 'true', label: words.yes },
    { value: 'false', label: words.no },
  ];
  const rule = (name: string) => `/policy_overrides/${name}`;
  const isListed = policies.value.some(({ id }) => id === draft.policyId);
  return (
    <div class="columns">
      {(policies.value.length > 0 || draft.policyId !== '') && (
        <Choice
          label={words.policy}
          value={draft.policyId}
          error={errors.get('/policy_id')}
          pointer="/policy_id"
          options={[
            { value: '', label: words.policyDefault },
            ...(draft.policyId === '' || isListed ? [] : [{ value: draft.policyId, label: draft.policyId }]),
            ...policies.value.map(({ id, name }) => ({ value: id, label: name })),
          ]}
          onChange={(policyId) => onChange({ policyId })}
        />
      )}
      <Choice
        label={words.lobby}
        value={draft.lobby}
        error={errors.get(rule('lobby'))}
        pointer={rule('lobby')}
        testId="lobby-mode"
        options={[{ value: '', label: words.asPolicy }, ...LOBBIES.map((value) => ({ value, label: words.lobbies[value] }))]}
        onChange={(lobby) => onChange({ lobby })}
      />
      <Choice
        label={words.guests}
        value={draft.guests}
        error={errors.get(rule('guests'))}
        pointer={rule('guests')}
        options={[{ value: '', label: words.asPolicy }, ...GUESTS.map((value) => ({ value, label: words.guestsAre[value] }))]}
        onChange={(guests) => onChange({ guests })}
      />
      <Choice
        label={words.joinBeforeHost}
        value={draft.joinBeforeHost}
        error={errors.get(rule('join_before_host'))}
        pointer={rule('join_before_host')}
        options={yesOrNo}
        onChange={(value) => onChange({ joinBeforeHost: value as YesOrNo })}
      />
      <Choice
        label={words.muteOnEntry}
        value={draft.muteOnEntry}
        error={errors.get(rule('mute_upon_entry'))}
        pointer={rule('mute_upon_entry')}
        options={yesOrNo}
        onChange={(value) => onChange({ muteOnEntry: value as YesOrNo })}
      />
      <Input
        label={words.maxMinutes}
        type="number"
        hint={words.maxMinutesHint}
        value={draft.maxMinutes}
        error={errors.get(rule('max_duration_minutes'))}
        pointer={rule('max_duration_minutes')}
        native={{ min: 1, step: 1, inputMode: 'numeric' }}
        onInput={(maxMinutes) => onChange({ maxMinutes })}
      />
    </div>
  );
}
