// SPDX-License-Identifier: EUPL-1.2
// One's meetings: what is on today and comes, what is over, and the rooms that are always there.
import { useSignal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { Config } from '../../app/config';
import { fill } from '../../i18n';
import { Button } from '../../ui/Button';
import { ScreenHeading } from '../../ui/PageFrame';
import { mayDo } from '../api/session';
import { Go, Shell } from '../Shell';
import { addDays, ownZone, wallTime, zoneName } from '../schedule/zone';
import { Loading } from '../ui/Dialog';
import { Input, ToggleSet } from '../ui/fields';
import { Trouble } from '../ui/Trouble';
import { w } from '../words';
import { calendarDate, longDate } from '../words/dates';
import { Calendar, loadLive, startOfToday, type Live } from './calendar';
import { byDay, matches, nearness, type Entry } from './entries';
import { EntryCard } from './EntryCard';
import { Rooms } from './Rooms';
import './day.css';

/** How often what is near is asked for again, and the minutes are counted. */
const REFRESH_MS = 30_000;

/** The page. */
export function Day({ config }: { config: Config }) {
  const words = w.value.day;
  const isPast = useSignal(false);
  const search = useSignal('');
  const [lists] = useState(() => ({ coming: new Calendar(false), past: new Calendar(true) }));
  const list = isPast.value ? lists.past : lists.coming;
  const live = useSignal<readonly Live[]>([]);
  const now = useSignal(Date.now());

  useEffect(() => {
    if (list.entries.peek().length === 0) void list.more();
  }, [list]);
  useEffect(() => {
    const look = () => {
      now.value = Date.now();
      if (document.visibilityState !== 'visible') return;
      void lists.coming.refresh();
      loadLive().then(
        (found) => (live.value = found),
        () => undefined,
      );
    };
    loadLive().then(
      (found) => (live.value = found),
      () => undefined,
    );
    const timer = setInterval(look, REFRESH_MS);
    return () => clearInterval(timer);
  }, [lists]);

  const zone = ownZone();
  const today = startOfToday();
  // What began yesterday is shown only while it goes on.
  const isShown = (entry: Entry) => isPast.value || Date.parse(entry.starts_at) >= today || nearness(entry, now.value) !== 'over';
  const shown = list.entries.value.filter((entry) => isShown(entry) && (search.value.trim() === '' || matches(entry, search.value)));
  const days = byDay(shown, zone);
  return (
    <Shell config={config} title={words.title}>
      <div class="day">
        <div class="day-head">
          <ScreenHeading>{words.title}</ScreenHeading>
          {mayDo('meetings:write') && (
            <Go to="/meetings/new" class="button button-primary" testId="schedule">
              {w.value.shell.schedule}
            </Go>
          )}
        </div>
        <div class="day-tools">
          <ToggleSet
            legend={words.which}
            isLegendHidden
            isSingle
            options={[
              { value: 'coming', label: words.coming },
              { value: 'past', label: words.past },
            ]}
            isOn={(value) => (value === 'past') === isPast.value}
            onChange={(value) => (isPast.value = value === 'past')}
            testId="day-which"
          />
          <Input
            label={words.search}
            type="search"
            isLabelHidden
            value={search.value}
            testId="day-search"
            hint={search.value === '' ? undefined : words.searchHint}
            native={{ placeholder: words.search, autoComplete: 'off' }}
            onInput={(text) => (search.value = text)}
          />
        </div>
        <div class="day-columns">
          <section class="day-list" aria-busy={list.isLoading.value} data-testid="day-list">
            {(isPast.value ? days.toReversed() : days).map(({ date, entries }) => (
              <section key={date} class="day-section">
                <h2 class="day-date">{dayName(date, zone)}</h2>
                <ul class="day-entries">
                  {(isPast.value ? entries.toReversed() : entries).map((entry) => (
                    <EntryCard
                      key={`${entry.meeting_id} ${entry.recurrence_id}`}
                      entry={entry}
                      zone={zone}
                      nowMs={now.value}
                      live={live.value.find((one) => one.meeting_id === entry.meeting_id) ?? null}
                      onAnswered={(response) => list.answered(entry.meeting_id, response)}
                    />
                  ))}
                </ul>
              </section>
            ))}
            {list.problem.value !== null && <Trouble problem={list.problem.value} onRetry={() => void list.more()} />}
            {list.isLoading.value && list.entries.value.length === 0 && <Loading />}
            {shown.length === 0 && !list.isLoading.value && list.problem.value === null && (
              <Empty isPast={isPast.value} isSearch={search.value.trim() !== ''} />
            )}
            {list.hasMore.value && !list.isLoading.value && (shown.length > 0 || isPast.value || search.value !== '') && (
              <p>
                <Button data-testid="day-more" onClick={() => void list.more()}>
                  {isPast.value ? words.earlier : words.more}
                </Button>
              </p>
            )}
            {list.since.value !== null && <p class="fine">{fill(words.loadedUntil, { date: calendarDate(wallTime(list.since.value, zone).date) })}</p>}
            <p class="fine">{fill(words.zone, { zone: zoneName(zone) })}</p>
          </section>
          <Rooms live={live.value} />
        </div>
      </div>
    </Shell>
  );
}

/** A day as people call it when it is near. */
function dayName(date: string, zone: string): string {
  const words = w.value.day;
  const today = wallTime(Date.now(), zone).date;
  const full = longDate(Date.parse(`${date}T12:00:00Z`), 'UTC');
  const near = new Map([
    [today, words.today],
    [addDays(today, 1), words.tomorrow],
    [addDays(today, -1), words.yesterday],
  ]).get(date);
  return near === undefined ? full : `${near}, ${full}`;
}

function Empty({ isPast, isSearch }: { isPast: boolean; isSearch: boolean }) {
  const words = w.value.day;
  if (isSearch || isPast) {
    return (
      <p class="empty card" role="status">
        {isSearch ? words.noMatch : words.emptyPast}
      </p>
    );
  }
  return (
    <div class="empty card" data-testid="day-empty">
      <h2>{words.emptyTitle}</h2>
      <p>{mayDo('meetings:write') ? words.emptyOrganizer : words.emptyParticipant}</p>
      {mayDo('meetings:write') && (
        <p>
          <Go to="/meetings/new" class="button button-secondary">
            {w.value.shell.schedule}
          </Go>
        </p>
      )}
    </div>
  );
}
