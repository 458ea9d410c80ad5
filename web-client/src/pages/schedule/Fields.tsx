// SPDX-License-Identifier: EUPL-1.2
// The scheduling form's fields, in the order in which people think of a meeting: what, when, who, and how.
import { fill, plural } from '../../i18n';
import { LANGUAGES } from '../../app/preferences';
import { t } from '../../i18n';
import { Area, Choice, Input } from '../ui/fields';
import { w } from '../words';
import { dateAndTime, timeOfDay } from '../words/dates';
import { Availability } from './Availability';
import { DELIVERIES, preview, type Delivery, type Draft } from './draft';
import { PeopleEditor } from './PeopleEditor';
import { ruleFor, type Rule } from './rule';
import { RuleEditor } from './RuleEditor';
import { RulesEditor } from './RulesEditor';
import { ruleInWords } from './rule-words';
import { allZones, instant, ownZone, wallTime, zoneName } from './zone';

interface FieldsProps {
  draft: Draft;
  id: string | null;
  errors: ReadonlyMap<string, string>;
  onChange: (change: Partial<Draft>) => void;
}

/** Durations that most meetings have, in minutes. */
const DURATIONS = [15, 30, 45, 60, 90, 120, 180, 240, 480];

/** What is wrong with the dates that do not happen, each of which may have a problem of its own. */
function excludedError(errors: ReadonlyMap<string, string>): string | undefined {
  const found = [...errors].find(([pointer]) => pointer === '/excluded_dates' || pointer.startsWith('/excluded_dates/'));
  return found?.[1];
}

/** All of them. */
export function Fields({ draft, id, errors, onChange }: FieldsProps) {
  const words = w.value.form;
  return (
    <>
      <section class="card section">
        <Input
          label={words.title}
          value={draft.title}
          error={errors.get('/title')}
          pointer="/title"
          isRequired
          testId="meeting-title"
          native={{ maxLength: 300, autoComplete: 'off' }}
          onInput={(title) => onChange({ title })}
        />
        <Area
          label={words.description}
          note={words.optional}
          value={draft.description}
          error={errors.get('/description')}
          pointer="/description"
          maxLength={20_000}
          onInput={(description) => onChange({ description })}
        />
        <Area
          label={words.agenda}
          note={words.optional}
          value={draft.agenda}
          error={errors.get('/agenda')}
          pointer="/agenda"
          maxLength={20_000}
          onInput={(agenda) => onChange({ agenda })}
        />
      </section>

      <section class="card section">
        <h2>{words.when}</h2>
        <When draft={draft} errors={errors} onChange={onChange} />
        <RuleEditor draft={draft} error={errors.get('/recurrence_rule') ?? excludedError(errors)} onChange={onChange} />
        <Availability draft={draft} own={id} onChoose={(atMs) => onChange(wallTime(atMs, draft.zone))} />
      </section>

      <section class="card section">
        <h2>{words.people}</h2>
        <PeopleEditor invitees={draft.invitees} errors={errors} onChange={(invitees) => onChange({ invitees })} />
      </section>

      <section class="card section">
        <h2>{words.rules}</h2>
        <p class="fine">{words.rulesHint}</p>
        <RulesEditor draft={draft} errors={errors} onChange={onChange} />
        <p class="fine">
          <strong>{words.phonePin}:</strong> {words.phonePinHint}
        </p>
      </section>

      <section class="card section">
        <h2>{words.invitation}</h2>
        <div class="columns">
          <Choice
            label={words.delivery}
            value={draft.delivery}
            error={errors.get('/invitation/delivery')}
            pointer="/invitation/delivery"
            options={DELIVERIES.map((value) => ({ value, label: words.deliveries[value] }))}
            testId="delivery"
            onChange={(delivery) => onChange({ delivery: delivery as Delivery })}
          />
          <Choice
            label={words.language}
            value={draft.language}
            error={errors.get('/invitation/language')}
            pointer="/invitation/language"
            options={[
              { value: '', label: words.languageDefault },
              ...LANGUAGES.map((value) => ({ value, label: t.value.app.languageNames[value] })),
            ]}
            onChange={(language) => onChange({ language: language as Draft['language'] })}
          />
        </div>
        <Area
          label={words.message}
          note={words.optional}
          value={draft.message}
          error={errors.get('/invitation/message')}
          pointer="/invitation/message"
          maxLength={5_000}
          rows={2}
          onInput={(message) => onChange({ message })}
        />
        <Preview draft={draft} />
      </section>
    </>
  );
}

function When({ draft, errors, onChange }: Omit<FieldsProps, 'id'>) {
  const words = w.value.form;
  const minutes = Number(draft.minutes);
  const isListed = DURATIONS.includes(minutes);
  const start = instant(draft, draft.zone);
  const end = start + minutes * 60_000;
  const isWhole = !Number.isNaN(start) && minutes >= 1 && minutes <= 10_080;
  const here = ownZone();
  const setDate = (date: string) => {
    // A rule that was made for the old day means the new one, as long as nobody has chosen otherwise.
    const wasFor = ruleFor(draft.date);
    const isUntouched = (name: 'weekdays' | 'dayOfMonth' | 'month') => JSON.stringify(draft.rule[name]) === JSON.stringify(wasFor[name]);
    const isDate = /^\d{4}-\d{2}-\d{2}$/.test(date);
    const now: Rule = isDate ? ruleFor(date) : wasFor;
    const rule: Rule = {
      ...draft.rule,
      weekdays: isUntouched('weekdays') ? now.weekdays : draft.rule.weekdays,
      dayOfMonth: isUntouched('dayOfMonth') ? now.dayOfMonth : draft.rule.dayOfMonth,
      month: isUntouched('month') ? now.month : draft.rule.month,
    };
    onChange({ date, rule });
  };
  const zones = allZones();
  return (
    <>
      <div class="columns">
        <Input
          label={words.date}
          type="date"
          value={draft.date}
          error={errors.get('/starts_at')}
          pointer="/starts_at"
          isRequired
          testId="meeting-date"
          onInput={setDate}
        />
        <Input label={words.time} type="time" value={draft.time} isRequired testId="meeting-time" onInput={(time) => onChange({ time })} />
        <Choice
          label={words.duration}
          value={isListed ? draft.minutes : 'other'}
          options={[...DURATIONS.map((value) => ({ value: String(value), label: durationName(value) })), { value: 'other', label: words.otherDuration }]}
          testId="duration"
          hint={isWhole ? fill(words.endsAt, { time: minutes >= 1440 ? dateAndTime(end, draft.zone) : timeOfDay(end, draft.zone) }) : undefined}
          onChange={(value) => onChange({ minutes: value === 'other' ? '75' : value })}
        />
        {!isListed && (
          <Input
            label={words.durationMinutes}
            type="number"
            value={draft.minutes}
            error={errors.get('/duration_minutes') ?? errors.get('/ends_at')}
            pointer="/duration_minutes"
            native={{ min: 1, max: 10_080, step: 1, inputMode: 'numeric' }}
            onInput={(text) => onChange({ minutes: text })}
          />
        )}
        <Choice
          label={words.zone}
          value={draft.zone}
          error={errors.get('/time_zone')}
          pointer="/time_zone"
          hint={draft.repeat === 'none' ? undefined : words.zoneHint}
          options={[...new Set([draft.zone, here, ...zones])].map((zone) => ({ value: zone, label: zoneName(zone) }))}
          onChange={(zone) => onChange({ zone })}
        />
      </div>
      {isWhole && draft.zone !== here && <p class="fine">{fill(words.differentZone, { time: `${dateAndTime(start, here)} – ${timeOfDay(end, here)}` })}</p>}
      {isWhole && start < Date.now() && draft.repeat === 'none' && <p class="fine">{words.inPast}</p>}
    </>
  );
}

function durationName(minutes: number): string {
  const words = w.value.form;
  if (minutes < 60 || minutes % 30 !== 0) return plural(words.minutes, minutes);
  return plural(words.hours, minutes / 60);
}

/** What the invitation will say, as far as it is known before it is saved. */
function Preview({ draft }: { draft: Draft }) {
  const words = w.value.form;
  const start = preview(draft, 1)[0];
  const end = start === undefined ? 0 : start + Number(draft.minutes) * 60_000;
  const isWhole = start !== undefined && Number(draft.minutes) >= 1;
  return (
    <details class="preview">
      <summary>{words.preview}</summary>
      <p class="fine">{words.previewNote}</p>
      <div class="preview-mail" data-testid="preview">
        <p>
          <strong>{words.previewSubject}:</strong> {fill(words.invitationFor, { title: draft.title })}
        </p>
        {isWhole && (
          <p>
            {dateAndTime(start, draft.zone)} – {Number(draft.minutes) >= 1440 ? dateAndTime(end, draft.zone) : timeOfDay(end, draft.zone)} ({zoneName(draft.zone)})
          </p>
        )}
        {draft.repeat !== 'none' && draft.repeat !== 'other' && <p>{ruleInWords(draft.rule, draft.time, draft.excluded.length)}</p>}
        {[draft.message, draft.description, draft.agenda]
          .filter((text) => text.trim() !== '')
          .map((text) => (
            <p key={text} class="preserve">
              {text}
            </p>
          ))}
      </div>
    </details>
  );
}
