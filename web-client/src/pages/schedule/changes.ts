// SPDX-License-Identifier: EUPL-1.2
// In what two versions of a meeting differ, in the words of the form.
import { plural, t } from '../../i18n';
import { w } from '../words';
import { dateAndTime } from '../words/dates';
import { inputOf, isSame, labelOf, type Choice, type Draft } from './draft';
import { ruleInWords } from './rule-words';
import { zoneName } from './zone';

export interface ChangedField {
  readonly name: string;
  readonly label: string;
  readonly was: string;
  readonly is: string;
}

/** The fields of the form in which they differ. */
export function changedFields(before: Draft, now: Draft): readonly ChangedField[] {
  const words = w.value.form;
  const [old, recent] = [inputOf(before), inputOf(now)];
  return Object.keys(recent)
    .filter((name) => !isSame(old[name], recent[name]))
    .map((name) => ({
      name,
      label: words.changedFields[name as keyof typeof words.changedFields] ?? name,
      was: inWords(name, before),
      is: inWords(name, now),
    }));
}

function inWords(name: string, draft: Draft): string {
  const words = w.value.form;
  const value = inputOf(draft)[name];
  const moment = (at: unknown) => dateAndTime(Date.parse(String(at)), draft.zone);
  switch (name) {
    case 'recurrence_rule':
      return ruleOf(draft);
    case 'policy_id':
      return draft.policyId === '' ? words.policyDefault : draft.policyId;
    case 'policy_overrides':
      return rulesOf(draft);
    case 'invitation':
      return invitationOf(draft);
    default:
      if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) return words.empty;
  }
  switch (name) {
    case 'starts_at':
      return moment(value);
    case 'duration_minutes':
      return plural(words.minutes, Number(value));
    case 'time_zone':
      return zoneName(draft.zone);
    case 'excluded_dates':
      return (value as unknown[]).map(moment).join('; ');
    case 'invitees':
      return draft.invitees.map(labelOf).join(', ');
    default:
      return String(value);
  }
}

function ruleOf(draft: Draft): string {
  if (draft.repeat === 'other') return draft.otherRule;
  return draft.repeat === 'none' ? w.value.form.frequencies.none : ruleInWords(draft.rule, '');
}

/** The rules that differ from the policy's. */
function rulesOf(draft: Draft): string {
  const words = w.value.form;
  const ofList = (list: Readonly<Record<string, string>>, value: string) => (value === '' ? null : (list[value] ?? value));
  const yesOrNo = (value: Choice) => (value === '' ? null : value === 'true' ? words.yes : words.no);
  const rules: readonly [label: string, value: string | null][] = [
    [words.lobby, ofList(words.lobbies, draft.lobby)],
    [words.guests, ofList(words.guestsAre, draft.guests)],
    [words.joinBeforeHost, yesOrNo(draft.joinBeforeHost)],
    [words.muteOnEntry, yesOrNo(draft.muteOnEntry)],
    [words.maxMinutes, draft.maxMinutes.trim() || null],
  ];
  const set = rules.filter(([, value]) => value !== null);
  return set.length === 0 ? words.asPolicy : set.map(([label, value]) => `${label}: ${value}`).join('; ');
}

function invitationOf(draft: Draft): string {
  const words = w.value.form;
  const language = draft.language === '' ? words.languageDefault : t.value.app.languageNames[draft.language];
  return [words.deliveries[draft.delivery], `${words.language}: ${language}`, draft.message].filter((one) => one !== '').join('; ');
}
