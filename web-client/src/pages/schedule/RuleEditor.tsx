// SPDX-License-Identifier: EUPL-1.2
// How a meeting repeats: fields, the sentence that says what they mean, and the next dates.
import { useSignal } from '@preact/signals';
import { fill, plural } from '../../i18n';
import { Button } from '../../ui/Button';
import { IconButton } from '../../ui/Button';
import { Choice, Group, Input, ToggleSet } from '../ui/fields';
import { w } from '../words';
import { calendarDate, dateAndTime, longDate } from '../words/dates';
import { firstDate, preview, type Draft } from './draft';
import { FREQUENCIES, ordinalOf, WEEKDAYS, weekdayOf, type Frequency, type Rule } from './rule';
import { skipsMonths } from './rule-dates';
import { ruleInWords } from './rule-words';

interface RuleEditorProps {
  draft: Draft;
  error: string | undefined;
  onChange: (change: Partial<Draft>) => void;
}

/** How many dates the preview shows. */
const DATES = 5;

/** The fields. */
export function RuleEditor({ draft, error, onChange }: RuleEditorProps) {
  const words = w.value.form;
  const { rule, repeat } = draft;
  const setRule = (change: Partial<Rule>) => onChange({ rule: { ...rule, ...change } });
  const options = ['none', ...FREQUENCIES, ...(repeat === 'other' ? ['other' as const] : [])] as const;
  return (
    <div class="stack" data-pointer="/recurrence_rule">
      <Choice
        label={words.repeats}
        value={repeat}
        error={error}
        options={options.map((value) => ({ value, label: words.frequencies[value] }))}
        testId="repeat"
        onChange={(value) => {
          const chosen = value as Draft['repeat'];
          if (chosen === 'none' || chosen === 'other') onChange({ repeat: chosen });
          else onChange({ repeat: chosen, rule: { ...rule, frequency: chosen } });
        }}
      />
      {repeat === 'other' && (
        <div class="notice">
          <p>{fill(words.otherRule, { rule: draft.otherRule })}</p>
          <Button onClick={() => onChange({ repeat: rule.frequency })}>{words.replaceRule}</Button>
        </div>
      )}
      {repeat !== 'none' && repeat !== 'other' && (
        <>
          <div class="columns">
            <Interval rule={rule} frequency={repeat} onChange={setRule} />
            <EndOfSeries rule={rule} draft={draft} onChange={setRule} />
          </div>
          {repeat === 'WEEKLY' && <Weekdays rule={rule} onChange={setRule} />}
          {(repeat === 'MONTHLY' || repeat === 'YEARLY') && <DayOfMonthFields rule={rule} date={draft.date} onChange={setRule} />}
          <Exceptions draft={draft} onChange={onChange} />
          <Outcome draft={draft} />
        </>
      )}
    </div>
  );
}

interface PartProps {
  rule: Rule;
  onChange: (change: Partial<Rule>) => void;
}

function Interval({ rule, frequency, onChange }: PartProps & { frequency: Frequency }) {
  const words = w.value.form;
  const { interval } = rule;
  return (
    <Input
      label={words.intervalIn[frequency]}
      type="number"
      value={Number.isNaN(interval) ? '' : String(interval)}
      hint={interval > 0 ? plural(words.everyUnit[frequency], interval) : undefined}
      testId="interval"
      native={{ min: 1, max: 999, step: 1, inputMode: 'numeric' }}
      onInput={(text) => onChange({ interval: text === '' ? Number.NaN : Number(text) })}
    />
  );
}

function Weekdays({ rule, onChange }: PartProps) {
  const words = w.value;
  return (
    <ToggleSet
      legend={words.form.weekdays}
      options={WEEKDAYS.map((value) => ({ value, label: words.rule.short[value], name: words.rule.weekdays[value] }))}
      isOn={(day) => rule.weekdays.includes(day)}
      onChange={(day, isOn) => onChange({ weekdays: isOn ? [...rule.weekdays, day] : rule.weekdays.filter((one) => one !== day) })}
      testId="weekdays"
    />
  );
}

/** The day by its date, or by its name: of the date that was entered both are known. */
function DayOfMonthFields({ rule, date, onChange }: PartProps & { date: string }) {
  const { form: words, rule: names } = w.value;
  const weekday = weekdayOf(date);
  const ordinal = ordinalOf(date);
  const day = Number(date.slice(8, 10));
  const month = Number(date.slice(5, 7));
  const byDate = { by: 'date', day } as const;
  const byWeekday = { by: 'weekday', ordinal, weekday } as const;
  // What a stored rule says stays on offer, also where the date was changed.
  const own = rule.dayOfMonth;
  const label = (which: Rule['dayOfMonth']) =>
    which.by === 'date'
      ? fill(words.byDate, { day: which.day })
      : fill(words.byWeekday, { nth: names.ordinals[which.ordinal], weekday: names.weekdays[which.weekday] });
  const all = [byDate, byWeekday, own].map((which) => ({ value: JSON.stringify(which), label: label(which) }));
  const options = all.filter(({ value }, index) => all.findIndex((one) => one.value === value) === index);
  return (
    <Choice
      label={words.dayOfMonth}
      value={JSON.stringify(own)}
      hint={skipsMonths(rule) ? words.skips : undefined}
      options={options}
      testId="day-of-month"
      onChange={(value) => onChange({ dayOfMonth: JSON.parse(value) as Rule['dayOfMonth'], month })}
    />
  );
}

function EndOfSeries({ rule, draft, onChange }: PartProps & { draft: Draft }) {
  const words = w.value.form;
  const { end } = rule;
  const kinds = ['never', 'until', 'count'] as const;
  return (
    <>
      <Choice
        label={words.end}
        value={end.kind}
        options={kinds.map((value) => ({ value, label: words.ends[value] }))}
        testId="end"
        onChange={(value) => {
          if (value === 'until') onChange({ end: { kind: 'until', date: draft.date } });
          else if (value === 'count') onChange({ end: { kind: 'count', count: 10 } });
          else onChange({ end: { kind: 'never' } });
        }}
      />
      {end.kind === 'until' && (
        <Input
          label={words.until}
          type="date"
          value={end.date}
          testId="until"
          native={{ min: draft.date }}
          onInput={(date) => onChange({ end: { kind: 'until', date } })}
        />
      )}
      {end.kind === 'count' && (
        <Input
          label={words.count}
          type="number"
          value={Number.isNaN(end.count) ? '' : String(end.count)}
          testId="count"
          native={{ min: 1, max: 1000, step: 1, inputMode: 'numeric' }}
          onInput={(text) => onChange({ end: { kind: 'count', count: text === '' ? Number.NaN : Number(text) } })}
        />
      )}
    </>
  );
}

function Exceptions({ draft, onChange }: { draft: Draft; onChange: (change: Partial<Draft>) => void }) {
  const words = w.value.form;
  const next = useSignal('');
  const add = () => {
    if (next.value === '' || draft.excluded.includes(next.value)) return;
    onChange({ excluded: [...draft.excluded, next.value].toSorted() });
    next.value = '';
  };
  return (
    <Group legend={words.exceptions} class="group-small" pointer="/excluded_dates">
      {draft.excluded.length > 0 && (
        <ul class="chips">
          {draft.excluded.map((date) => (
            <li key={date} class="chip">
              {calendarDate(date)}
              <IconButton
                icon="close"
                label={fill(words.removeException, { date: calendarDate(date) })}
                onClick={() => onChange({ excluded: draft.excluded.filter((one) => one !== date) })}
              />
            </li>
          ))}
        </ul>
      )}
      <div class="with-button">
        <Input label={words.date} type="date" value={next.value} testId="exception" native={{ min: draft.date }} onInput={(date) => (next.value = date)} />
        <Button data-testid="add-exception" onClick={add}>
          {words.addException}
        </Button>
      </div>
    </Group>
  );
}

/** The sentence and the dates. */
function Outcome({ draft }: { draft: Draft }) {
  const words = w.value.form;
  const first = firstDate(draft);
  const starts = preview(draft, DATES);
  const isMoved = first !== null && first !== draft.date;
  const isWhole = !Number.isNaN(draft.rule.interval) && (draft.rule.end.kind !== 'count' || !Number.isNaN(draft.rule.end.count));
  return (
    <div class="outcome" data-testid="outcome" role="status">
      {isWhole && draft.rule.weekdays.length > 0 && (
        <p class="outcome-words" data-testid="rule-words">
          {ruleInWords(draft.rule, draft.time, draft.excluded.length)}
        </p>
      )}
      {isMoved && <p>{fill(words.firstMoved, { date: longDate(Date.parse(`${first}T12:00:00Z`), 'UTC') })}</p>}
      {starts.length === 0 ? (
        <p>{words.noDates}</p>
      ) : (
        <>
          <p class="fine">{words.nextDates}</p>
          <ul class="next-dates" data-testid="next-dates">
            {starts.map((start) => (
              <li key={start}>{dateAndTime(start, draft.zone)}</li>
            ))}
          </ul>
        </>
      )}
      {draft.excluded.length > 0 && <span class="visually-hidden">{plural(w.value.rule.without, draft.excluded.length)}</span>}
    </div>
  );
}
