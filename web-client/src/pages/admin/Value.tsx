// SPDX-License-Identifier: EUPL-1.2
// Values as people read them: times in their zone, words for words, ids as links.
import { useSignal } from '@preact/signals';
import { Fragment } from 'preact';
import { useContext, useEffect } from 'preact/hooks';
import { plural } from '../../i18n';
import { ownZone } from '../schedule/zone';
import { Go } from '../Shell';
import { CopyButton } from '../../ui/Copy';
import { dateAndTime } from '../words/dates';
import { hasItemPages, listOfField, loadChoices, nameOf, PlaceValues, type Api } from './api';
import type { Schema, Shape } from './document';
import { isObject, type Json, type JsonObject } from './form';
import { a, fieldName, plainName, valueName } from './words';

interface ValueProps {
  api: Api;
  /** The field's name. */
  name: string;
  value: Json | undefined;
  schema: Schema | undefined;
}

/** On one line, in a list. */
export function Brief({ api, name, value, schema }: ValueProps) {
  const words = a.value;
  if (value === undefined || value === null || value === '') return <span class="unsaid">–</span>;
  const shape = api.schemas.shape(schema);
  if (Array.isArray(value)) {
    const all = value as readonly Json[];
    const worded = api.schemas.shape(shape.schema.items).schema.enum === undefined ? plainName : valueName;
    if (all.every((one) => typeof one === 'string')) return <>{all.map((one) => worded(name, String(one))).join(', ') || '–'}</>;
    return <>{plural(words.count, all.length)}</>;
  }
  if (isObject(value)) return <InBrief api={api} value={value} shape={shape} />;
  return <Scalar api={api} name={name} value={value} shape={shape} isBrief />;
}

/** An object in a few words: what it is called, what kind of thing it is and the end of its id, what it says, or how its parts are. */
function InBrief({ api, value, shape }: { api: Api; value: JsonObject; shape: Shape }) {
  const { type, id } = value;
  if (typeof type === 'string' && typeof id === 'string') {
    return (
      <>
        {valueName('type', type)} <span class="code">{shortId(id)}</span>
      </>
    );
  }
  const called = nameOf(value);
  if (called !== '') return <>{called}</>;
  const stated = Object.entries(value).filter(([, one]) => one !== null && one !== '');
  const texts = stated.filter(([, one]) => typeof one === 'string');
  const isLabelled = texts.length === 0;
  const parts = isLabelled ? stated : texts;
  return (
    <>
      {parts.length === 0 && '…'}
      {parts.map(([part, one], index) => (
        <Fragment key={part}>
          {index > 0 && (isLabelled ? ' · ' : ' ')}
          {isLabelled && `${fieldName(shape.name, part)}: `}
          <Brief api={api} name={part} value={one} schema={shape.properties[part]} />
        </Fragment>
      ))}
    </>
  );
}

function Scalar({ api, name, value, shape, isBrief = false }: { api: Api; name: string; value: Json; shape: Shape; isBrief?: boolean }) {
  const words = a.value;
  const place = useContext(PlaceValues);
  if (typeof value === 'boolean') return <>{value ? words.yes : words.no}</>;
  if (typeof value === 'number') return <>{new Intl.NumberFormat(document.documentElement.lang || undefined, { useGrouping: name !== 'revision' }).format(value)}</>;
  const text = String(value);
  if (shape.schema.format === 'date-time') {
    const atMs = Date.parse(text);
    if (!Number.isNaN(atMs)) return <time dateTime={text}>{dateAndTime(atMs, ownZone())}</time>;
  }
  if (shape.schema.enum !== undefined) return <>{valueName(name, text)}</>;
  const list = name === 'id' ? null : listOfField(api, name, shape, place);
  if (list !== null) return <Reference list={list.path} id={text} hasPage={hasItemPages(api, list.resource)} isBrief={isBrief} />;
  if (isBrief && (name === 'id' || name.endsWith('_id') || name.endsWith('hash'))) return <span class="code">{shortId(text)}</span>;
  if (!isBrief && /^https?:\/\//.test(text) && (name.endsWith('url') || name === 'url')) {
    return (
      <span class="preserve">
        {text} <CopyButton text={text} label={words.copy} name={`${words.copy}: ${fieldName(null, name)}`} />
      </span>
    );
  }
  return <span class="preserve">{plainName(name, text)}</span>;
}

/** A link to what an id is of, by its name if that is among the first of the list. */
function Reference({ list, id, hasPage, isBrief }: { list: string; id: string; hasPage: boolean; isBrief: boolean }) {
  const name = useSignal('');
  useEffect(() => {
    loadChoices(list).then(
      (things) => (name.value = nameOf(things.find((thing) => thing['id'] === id) ?? {})),
      // Then there is the id.
      () => undefined,
    );
  }, [list, id]);
  const shown = name.value === '' ? (isBrief ? shortId(id) : id) : name.value;
  const style = name.value === '' ? 'code' : '';
  if (!hasPage) return <span class={style}>{shown}</span>;
  return (
    <Go to={`/admin${list}/${encodeURIComponent(id)}`} class={style}>
      {shown}
    </Go>
  );
}

/** The end of an id tells things apart: its beginning is the time. */
function shortId(id: string): string {
  return id.length > 14 ? `…${id.slice(-8)}` : id;
}

interface FactsProps {
  api: Api;
  thing: JsonObject;
  shape: Shape;
  /** Names of fields that are shown first. */
  first?: readonly string[];
}

/** Fields that say nothing to people. */
const SELDOM = new Set(['id', 'revision', 'created_at', 'updated_at', 'created_by', 'tenant_id', 'ical_uid', 'sequence', 'hash', 'previous_hash']);

/** Everything of a thing. */
export function Facts({ api, thing, shape, first = [] }: FactsProps) {
  // What the schema does not name is shown all the same.
  const names = [...new Set([...first, ...Object.keys(shape.properties), ...Object.keys(thing)])].filter((name) => name in thing);
  const ordered = [...names.filter((name) => !SELDOM.has(name)), ...names.filter((name) => SELDOM.has(name))];
  return (
    <dl class="facts">
      {ordered.map((name) => (
        <div key={name} class="facts-row" data-field={name}>
          <dt>{fieldName(shape.name, name)}</dt>
          <dd>
            <Whole api={api} name={name} value={thing[name]} schema={shape.properties[name]} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** All of a value, in details. */
function Whole({ api, name, value, schema }: ValueProps) {
  if (value === undefined || value === null || value === '') return <span class="unsaid">–</span>;
  const shape = api.schemas.shape(schema);
  if (Array.isArray(value)) {
    const all = value as readonly Json[];
    if (all.length === 0) return <span class="unsaid">–</span>;
    const item = api.schemas.shape(shape.schema.items);
    return (
      <ul class={all.some((one) => typeof one === 'object') ? 'value-list value-things' : 'value-list'}>
        {all.map((one, index) => (
          // Values have no identity of their own.
          // oxlint-disable-next-line react/no-array-index-key
          <li key={index}>
            {isObject(one) ? (
              <Facts api={api} thing={one} shape={item} />
            ) : (
              <Scalar api={api} name={name} value={one} shape={item} />
            )}
          </li>
        ))}
      </ul>
    );
  }
  if (typeof value === 'object') {
    const members = value as JsonObject;
    if (Object.keys(members).length === 0) return <span class="unsaid">–</span>;
    return <Facts api={api} thing={members} shape={shape} />;
  }
  return <Scalar api={api} name={name} value={value} shape={shape} />;
}
