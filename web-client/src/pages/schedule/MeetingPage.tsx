// SPDX-License-Identifier: EUPL-1.2
// One meeting: when, who, how to join, and for those who hold it: change it, cancel it or one of its times.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { navigate } from '../../app/router';
import type { Config } from '../../app/config';
import { announcer } from '../../conference/announcer';
import { fill, plural } from '../../i18n';
import { Button } from '../../ui/Button';
import { CopyButton } from '../../ui/Copy';
import { DialInBox } from '../../ui/DialInBox';
import { ScreenHeading } from '../../ui/PageFrame';
import { ask, get } from '../api/client';
import { session } from '../api/session';
import { Go, Shell } from '../Shell';
import { Confirm, Loading } from '../ui/Dialog';
import { Trouble } from '../ui/Trouble';
import { w } from '../words';
import { dateAndTime, longDate, timeSpan } from '../words/dates';
import type { Invitee, Meeting } from './draft';
import { InvitationText } from './InvitationText';
import { Occurrences } from './Occurrences';
import { readRule } from './rule';
import { ruleInWords } from './rule-words';
import { ownZone, wallTime, zoneName } from './zone';
import './schedule.css';

/** The page. */
export function MeetingPage({ config, id }: { config: Config; id: string }) {
  const words = w.value.meeting;
  const found = useSignal<{ meeting: Meeting; etag: string | null } | null>(null);
  const problem = useSignal<unknown>(null);
  const load = async () => {
    problem.value = null;
    try {
      const { body, etag } = await get<Meeting>(`/meetings/${id}?expand=invitees`);
      found.value = { meeting: body, etag };
    } catch (error) {
      problem.value = error;
    }
  };
  useEffect(() => void load(), [id]);
  if (found.value === null) {
    return (
      <Shell config={config} title={words.loading}>
        {problem.value === null ? <Loading /> : <Trouble problem={problem.value} onRetry={() => void load()} />}
      </Shell>
    );
  }
  const { meeting, etag } = found.value;
  return (
    <Shell config={config} title={meeting.title}>
      {problem.value !== null && <Trouble problem={problem.value} onRetry={() => void load()} />}
      <Details meeting={meeting} etag={etag} onChanged={() => void load()} />
    </Shell>
  );
}

interface DetailsProps {
  meeting: Meeting;
  etag: string | null;
  onChanged: () => void;
}

function Details({ meeting, etag, onChanged }: DetailsProps) {
  const words = w.value.meeting;
  const asksToCancel = useSignal(false);
  const problem = useSignal<unknown>(null);
  const mayChange = mayChangeMeeting(meeting);
  const isOpen = meeting.status !== 'cancelled' && meeting.status !== 'ended';
  const cancel = async () => {
    problem.value = null;
    try {
      await ask('DELETE', `/meetings/${meeting.id}`, { etag });
      asksToCancel.value = false;
      announcer.say(words.wasCancelled);
      if (meeting.status === 'draft') navigate('/meetings');
      else onChanged();
    } catch (error) {
      problem.value = error;
    }
  };
  const invited = (meeting.invitees ?? []).filter(({ revoked_at: revoked }) => revoked === null);
  return (
    <div class="schedule" data-testid="meeting-page">
      <div class="day-head">
        <div class="stack-small">
          <ScreenHeading>{meeting.title}</ScreenHeading>
          <p>
            <StatusBadge status={meeting.status} />
          </p>
        </div>
        <div class="actions">
          {isOpen && (
            <Button kind="primary" data-testid="join-meeting" onClick={() => navigate(new URL(meeting.join_url, location.origin).pathname)}>
              {w.value.day.join}
            </Button>
          )}
          {mayChange && meeting.status !== 'cancelled' && (
            <>
              <Go to={`/meetings/${meeting.id}/edit`} class="button button-secondary" testId="edit">
                {words.edit}
              </Go>
              {isOpen && (
                <Button data-testid="cancel-meeting" onClick={() => (asksToCancel.value = true)}>
                  {words.cancel}
                </Button>
              )}
            </>
          )}
        </div>
      </div>
      <section class="card section">
        <dl class="facts">
          <dt>{words.when}</dt>
          <dd>
            <Time meeting={meeting} />
          </dd>
          <Fact label={words.repeats} value={repetition(meeting)} />
          <dt>{words.organizer}</dt>
          <dd>
            {meeting.organizer.name === '' ? meeting.organizer.email : `${meeting.organizer.name} (${meeting.organizer.email})`}
          </dd>
          <Fact label={words.description} value={meeting.description} />
          <Fact label={words.agenda} value={meeting.agenda} />
        </dl>
      </section>
      <section class="card section">
        <h2>{words.join}</h2>
        <JoinFacts meeting={meeting} />
      </section>
      <section class="card section">
        <h2>{words.people}</h2>
        <People invitees={meeting.invitees === undefined ? null : invited} />
      </section>
      {meeting.type === 'recurring' && <Occurrences meeting={meeting} etag={etag} mayChange={mayChange && isOpen} onChanged={onChanged} />}
      {meeting.status !== 'draft' && <InvitationText meeting={meeting} />}
      {asksToCancel.value && (
        <Confirm
          title={fill(words.cancelTitle, { title: meeting.title })}
          text={
            <>
              {meeting.type === 'recurring' && <p>{words.cancelSeries}</p>}
              {invited.length > 0 && <p>{plural(words.cancelText, invited.length)}</p>}
            </>
          }
          confirm={words.doCancel}
          keep={words.keep}
          isDanger
          error={problem.value === null ? undefined : <Trouble problem={problem.value} />}
          onConfirm={() => void cancel()}
          onClose={() => (asksToCancel.value = false)}
        />
      )}
    </div>
  );
}

/** Whether whoever is signed in may change it: the server decides; this only spares buttons that would fail. */
function mayChangeMeeting(meeting: Meeting): boolean {
  const { value: who } = session;
  if (who === null || who === 'unknown' || !who.scopes.includes('meetings:write')) return false;
  if (who.role === 'tenant_admin') return true;
  const isOwn = (person: { user_id: string | null; email: string | null }) =>
    person.user_id === who.user_id || person.email?.toLowerCase() === who.email.toLowerCase();
  return isOwn(meeting.organizer) || meeting.co_hosts.some(isOwn);
}

/** How far a meeting is, in words. */
function StatusBadge({ status }: { status: string }) {
  const words = w.value.meeting.status;
  const kind = { in_progress: 'badge-live', live: 'badge-live', cancelled: 'badge-danger', draft: 'badge-warning' }[status] ?? '';
  return (
    <span class={`badge ${kind}`} data-testid="meeting-status" data-status={status}>
      {words[status as keyof typeof words] ?? status}
    </span>
  );
}

function Fact({ label, value }: { label: string; value: string | null }) {
  if (value === null || value.trim() === '') return null;
  return (
    <>
      <dt>{label}</dt>
      <dd class="preserve">{value}</dd>
    </>
  );
}

function Time({ meeting }: { meeting: Meeting }) {
  const words = w.value.meeting;
  if (meeting.starts_at === null || meeting.ends_at === null) return <>{words.noTime}</>;
  const [start, end, here] = [Date.parse(meeting.starts_at), Date.parse(meeting.ends_at), ownZone()];
  const isElsewhere = wallTime(start, here).time !== wallTime(start, meeting.time_zone).time;
  return (
    <>
      {longDate(start, here)}, {timeSpan(start, end, here)}
      {isElsewhere && (
        <span class="fine">
          <br />
          {dateAndTime(start, meeting.time_zone)} – {zoneName(meeting.time_zone)}
        </span>
      )}
    </>
  );
}

function repetition(meeting: Meeting): string | null {
  if (meeting.recurrence_rule === null || meeting.starts_at === null) return null;
  const { date, time } = wallTime(Date.parse(meeting.starts_at), meeting.time_zone);
  const rule = readRule(meeting.recurrence_rule, date, meeting.time_zone);
  return rule === null ? meeting.recurrence_rule : ruleInWords(rule, time, meeting.excluded_dates.length);
}

function JoinFacts({ meeting }: { meeting: Meeting }) {
  const { meeting: words, day } = w.value;
  return (
    <dl class="facts">
      <dt>{words.link}</dt>
      <dd>
        <span data-testid="join-url">{meeting.join_url}</span>
        <br />
        <CopyButton text={meeting.join_url} label={day.copyLink} testId="copy-link" />
      </dd>
      <dt>{words.dialIn}</dt>
      <dd>
        {meeting.dial_in.numbers.length === 0 ? words.noDialIn : <DialInBox dialIn={meeting.dial_in} />}
      </dd>
    </dl>
  );
}

function People({ invitees }: { invitees: readonly Invitee[] | null }) {
  const { meeting: words, form, day } = w.value;
  if (invitees === null) return <p>{words.hidden}</p>;
  if (invitees.length === 0) return <p>{words.nobody}</p>;
  return (
    <ul class="people">
      {invitees.map((invitee) => {
        const name = invitee.name === '' ? (invitee.email ?? invitee.phone_e164 ?? '') : invitee.name;
        return (
          <li key={invitee.id} class="people-row" data-testid="person-invited">
            <span class="people-name">
              {name}
              {invitee.email !== null && invitee.email !== name && <span class="fine">{invitee.email}</span>}
            </span>
            <span class="people-facts">
              <span class="badge">{form.roles[invitee.role]}</span>
              <span class={`badge ${invitee.response_status === 'declined' ? 'badge-danger' : ''}`}>{day.answers[invitee.response_status]}</span>
              {invitee.personal_join_url !== null && (
                <CopyButton text={invitee.personal_join_url} label={day.copyLink} name={fill(words.personalLink, { name })} />
              )}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
