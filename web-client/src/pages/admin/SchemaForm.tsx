// SPDX-License-Identifier: EUPL-1.2
// A form made of a schema. Each field knows its pointer, by which the server's complaints find it.
import { useSignal } from '@preact/signals';
import { useContext, useEffect } from 'preact/hooks';
import { fill } from '../../i18n';
import { Button } from '../../ui/Button';
import { instant, ownZone, wallTime, zoneName } from '../schedule/zone';
import { Area, Choice, Group, Input, Tick, type Native, type Option } from '../ui/fields';
import { listOfField, listOfIds, loadChoices, MAX_CHOICES, nameOf, PlaceValues, type Api } from './api';
import { CHOSEN_IDS, inOrder } from './curation';
import type { Schema, Shape } from './document';
import { controlOf, isObject, pointerTo, withMember, type Control, type Json, type JsonObject } from './form';
import type { Resource } from './resources';
import { a, fieldHelp, fieldName, oneOf, valueName } from './words';

/** Values to choose from that follow from the place, by the field's name: who is in a meeting, who waits. */
export type Offers = Readonly<Record<string, readonly Option[]>>;

interface FormContext {
  api: Api;
  errors: ReadonlyMap<string, string>;
  offers: Offers;
}

interface SchemaFormProps extends FormContext {
  shape: Shape;
  value: JsonObject;
  pointer?: string;
  onChange: (value: JsonObject) => void;
}

/** The fields of an object: those that are needed first, then in columns what is short. */
export function SchemaForm({ shape, value, pointer = '', onChange, ...context }: SchemaFormProps) {
  const names = inOrder(Object.keys(shape.properties));
  const controlFor = (name: string) => controlOf(context.api.schemas.shape(shape.properties[name]), context.api.schemas, () => false);
  const field = (name: string) => (
    <Field
      key={name}
      {...context}
      owner={shape.name}
      name={name}
      schema={shape.properties[name]}
      isRequired={shape.required.has(name)}
      isNoted={shape.required.size > 0}
      pointer={pointerTo(pointer, name)}
      value={value[name]}
      onChange={(member) => onChange(withMember(value, name, member))}
    />
  );
  const required = names.filter((name) => shape.required.has(name) && !WIDE.has(controlFor(name)));
  const short = names.filter((name) => !shape.required.has(name) && !WIDE.has(controlFor(name)));
  const wide = names.filter((name) => WIDE.has(controlFor(name)));
  return (
    <div class="stack">
      {required.length > 0 && <div class="columns">{required.map(field)}</div>}
      {wide.filter((name) => shape.required.has(name)).map(field)}
      {short.length > 0 && <div class="columns">{short.map(field)}</div>}
      {wide.filter((name) => !shape.required.has(name)).map(field)}
    </div>
  );
}

/** Controls that need the whole width. */
const WIDE: ReadonlySet<string> = new Set(['area', 'choices', 'object', 'list', 'texts', 'map', 'json']);

interface FieldProps extends FormContext {
  owner: string | null;
  name: string;
  schema: Schema | undefined;
  isRequired: boolean;
  /** Whether to say that it is optional: where everything is, nobody needs to be told. */
  isNoted?: boolean;
  pointer: string;
  value: Json | undefined;
  onChange: (value: Json | undefined) => void;
}

/** How a field is entered: from a list where there is one of what its ids stand for. */
function fieldControl(api: Api, name: string, shape: Shape, place: Readonly<Record<string, string>>): Control {
  if (name in CHOSEN_IDS && listOfField(api, name, shape, place) !== null) return 'reference';
  return controlOf(shape, api.schemas, (id) => listOfIds(api, id, place) !== null);
}

/** One field, by what its schema says. */
export function Field(props: FieldProps) {
  const { api, errors, owner, name, schema, isRequired, isNoted = false, pointer, value, onChange, offers } = props;
  const words = a.value;
  const place = useContext(PlaceValues);
  const shape = api.schemas.shape(schema);
  const offered = offers[name];
  const control = offered === undefined ? fieldControl(api, name, shape, place) : 'choice';
  const common = {
    label: fieldName(owner, name),
    hint: fieldHelp(owner, name, shape.description),
    error: errors.get(pointer),
    pointer,
    testId: `field-${pointer.slice(1).replaceAll('/', '-')}`,
    ...(isRequired || control === 'tick' || !isNoted ? {} : { note: words.optional }),
  };
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  const setText = (entered: string) => onChange(entered === '' ? undefined : entered);
  switch (control) {
    case 'text':
    case 'email':
    case 'url':
    case 'password': {
      const { example, maxLength } = shape.schema;
      const native: Native = {
        autoComplete: control === 'password' ? 'new-password' : 'off',
        spellcheck: false,
        ...(maxLength === undefined ? {} : { maxLength }),
        ...(typeof example === 'string' ? { placeholder: example } : {}),
      };
      return <Input {...common} type={control} value={text} isRequired={isRequired} native={native} onInput={setText} />;
    }
    case 'area':
      return <Area {...common} value={text} maxLength={shape.schema.maxLength} onInput={setText} />;
    case 'number':
      return <NumberField {...common} shape={shape} value={value} isRequired={isRequired} onChange={onChange} />;
    case 'choice': {
      const own = offered ?? (shape.schema.enum ?? []).filter((one) => one !== null).map((one) => ({ value: String(one), label: valueName(name, String(one)) }));
      const isEmpty = text === '';
      const options = isRequired && !isEmpty ? own : [{ value: '', label: isRequired ? words.choose : words.unsaid }, ...own];
      return <Choice {...common} value={text} options={options} onChange={setText} />;
    }
    case 'choices':
      return <Choices {...props} common={common} shape={shape} />;
    case 'yes-no':
      return (
        <Choice
          {...common}
          value={typeof value === 'boolean' ? String(value) : ''}
          options={[
            { value: '', label: words.unsaid },
            { value: 'true', label: words.yes },
            { value: 'false', label: words.no },
          ]}
          onChange={(chosen) => onChange(chosen === '' ? undefined : chosen === 'true')}
        />
      );
    case 'tick':
      return <Tick {...common} isOn={value === true} onChange={onChange} />;
    case 'time':
      return <TimeField {...common} value={text} onChange={onChange} />;
    case 'reference':
      return <Reference {...common} api={api} field={name} shape={shape} value={text} isRequired={isRequired} onChange={setText} />;
    case 'object':
      return (
        <Group legend={common.label} hint={common.hint} error={common.error} pointer={pointer} class="nested">
          <SchemaForm {...props} shape={shape} value={isObject(value) ? value : {}} onChange={onChange} />
        </Group>
      );
    case 'list':
      return <List {...props} common={common} shape={shape} />;
    case 'texts':
      return (
        <Area
          {...common}
          hint={[common.hint, words.onePerLine].filter((one) => one !== undefined).join(' ')}
          error={common.error ?? firstBelow(errors, pointer)}
          value={Array.isArray(value) ? value.join('\n') : ''}
          onInput={(entered) => onChange(entered === '' ? undefined : entered.split('\n'))}
        />
      );
    case 'map':
      return <MapField {...common} error={common.error ?? firstBelow(errors, pointer)} shape={shape} api={api} value={value} onChange={onChange} />;
    case 'json':
      return <JsonField {...common} error={common.error ?? firstBelow(errors, pointer)} value={value} onChange={onChange} />;
  }
}

interface CommonProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  pointer: string;
  testId: string;
  note?: string;
}

function NumberField({ shape, value, isRequired, onChange, ...common }: CommonProps & { shape: Shape; value: Json | undefined; isRequired: boolean; onChange: (value: Json | undefined) => void }) {
  const words = a.value;
  const { minimum, maximum } = shape.schema;
  const number = (n: number) => new Intl.NumberFormat(document.documentElement.lang || undefined).format(n);
  const limits =
    minimum !== undefined && maximum !== undefined
      ? fill(words.between, { min: number(minimum), max: number(maximum) })
      : minimum !== undefined
        ? fill(words.atLeast, { min: number(minimum) })
        : undefined;
  return (
    <Input
      {...common}
      type="number"
      isRequired={isRequired}
      hint={[common.hint, limits].filter((one) => one !== undefined).join(' ')}
      value={typeof value === 'number' ? String(value) : ''}
      native={{ step: shape.type === 'integer' ? 1 : 'any', ...(minimum === undefined ? {} : { min: minimum }), ...(maximum === undefined ? {} : { max: maximum }) }}
      onInput={(entered) => onChange(entered === '' || Number.isNaN(Number(entered)) ? undefined : Number(entered))}
    />
  );
}

/** In the zone of whoever looks; sent as an instant. */
function TimeField({ value, onChange, ...common }: CommonProps & { value: string; onChange: (value: Json | undefined) => void }) {
  const zone = ownZone();
  const atMs = Date.parse(value);
  const shown = Number.isNaN(atMs) ? null : wallTime(atMs, zone);
  return (
    <Input
      {...common}
      type="datetime-local"
      hint={[common.hint, fill(a.value.zone, { zone: zoneName(zone) })].filter((one) => one !== undefined).join(' ')}
      value={shown === null ? '' : `${shown.date}T${shown.time}`}
      onInput={(entered) => {
        const [date = '', time = ''] = entered.split('T');
        const chosen = instant({ date, time: time.slice(0, 5) }, zone);
        onChange(Number.isNaN(chosen) ? undefined : new Date(chosen).toISOString().replace('.000', ''));
      }}
    />
  );
}

interface ReferenceProps {
  api: Api;
  field: string;
  shape: Shape;
  value: string;
  isRequired: boolean;
  onChange: (value: string) => void;
}

/** An id, chosen by name from the list that it is of. */
function Reference({ api, field, shape, value, isRequired, onChange, ...common }: CommonProps & ReferenceProps) {
  const words = a.value;
  const place = useContext(PlaceValues);
  const list = listOfField(api, field, shape, place);
  const items = useSignal<readonly JsonObject[] | null>(null);
  const isByHand = useSignal(false);
  useEffect(() => {
    if (list === null) return;
    loadChoices(list.path).then(
      (found) => (items.value = found),
      // Without the list an id can be entered all the same.
      () => (isByHand.value = true),
    );
  }, [list?.path]);
  const known = items.value ?? [];
  if (isByHand.value) {
    return (
      <div class="stack-small">
        <Input {...common} value={value} native={{ autoComplete: 'off', spellcheck: false }} onInput={onChange} />
        {items.value !== null && <Button kind="quiet" onClick={() => (isByHand.value = false)}>{words.fromList}</Button>}
      </div>
    );
  }
  const isListed = value === '' || known.some((one) => one['id'] === value);
  const options: Option[] = [
    { value: '', label: isRequired ? words.choose : words.unsaid },
    ...(isListed ? [] : [{ value, label: value }]),
    ...known.map((one) => ({ value: String(one['id']), label: labelOf(one, list?.resource) })),
  ];
  const isCut = known.length >= MAX_CHOICES;
  return (
    <div class="stack-small">
      <Choice {...common} value={value} options={options} hint={isCut ? fill(words.reference, { n: MAX_CHOICES }) : common.hint} onChange={onChange} />
      {isCut && <Button kind="quiet" onClick={() => (isByHand.value = true)}>{words.byHand}</Button>}
    </div>
  );
}

function labelOf(thing: JsonObject, list: Resource | undefined): string {
  const name = nameOf(thing);
  const email = thing['email'];
  if (typeof email === 'string' && email !== name) return `${name} (${email})`;
  return name === '' && list !== undefined ? oneOf(list) : name;
}

interface InnerProps extends FieldProps {
  common: CommonProps;
  shape: Shape;
}

/** Several words of a few. */
function Choices({ api, name, value, errors, pointer, onChange, common, shape }: InnerProps) {
  const all = (api.schemas.shape(shape.schema.items).schema.enum ?? []).map(String);
  const chosen = Array.isArray(value) ? value.map(String) : [];
  return (
    <Group legend={common.label} hint={common.hint} error={common.error ?? firstBelow(errors, pointer)} pointer={pointer} class="nested">
      <div class="ticks" data-testid={common.testId}>
        {all.map((one) => (
          <Tick
            key={one}
            label={valueName(name, one)}
            testId={`choice-${one}`}
            isOn={chosen.includes(one)}
            onChange={(isOn) => {
              const now = all.filter((other) => (other === one ? isOn : chosen.includes(other)));
              onChange(now.length === 0 ? undefined : now);
            }}
          />
        ))}
      </div>
    </Group>
  );
}

/** Several objects, each with its fields. */
function List({ value, onChange, common, shape, ...props }: InnerProps) {
  const words = a.value;
  const items = Array.isArray(value) ? (value as readonly Json[]) : [];
  const item = props.api.schemas.shape(shape.schema.items);
  const change = (index: number, one: JsonObject) => onChange(items.map((old, at) => (at === index ? one : old)));
  return (
    <Group legend={common.label} hint={common.hint} error={common.error} pointer={common.pointer} class="nested">
      {items.map((one, index) => (
        // Entries of a form have no identity but their place.
        // oxlint-disable-next-line react/no-array-index-key
        <Group key={index} legend={fill(words.entry, { n: index + 1 })} class="nested" pointer={`${common.pointer}/${index}`}>
          <SchemaForm {...props} shape={item} value={isObject(one) ? one : {}} pointer={pointerTo(common.pointer, index)} onChange={(changed) => change(index, changed)} />
          <p>
            <Button
              kind="quiet"
              onClick={() => {
                const rest = items.filter((_, at) => at !== index);
                onChange(rest.length === 0 ? undefined : rest);
              }}
            >
              {fill(words.removeEntry, { n: index + 1 })}
            </Button>
          </p>
        </Group>
      ))}
      <p>
        <Button aria-label={fill(words.addTo, { name: common.label })} onClick={() => onChange([...items, {}])}>
          {words.add}
        </Button>
      </p>
    </Group>
  );
}

/** Names with values, a line each. What is typed stays as it is until it makes sense. */
function MapField({ api, shape, value, onChange, ...common }: CommonProps & { api: Api; shape: Shape; value: Json | undefined; onChange: (value: Json | undefined) => void }) {
  const words = a.value;
  const inner = typeof shape.schema.additionalProperties === 'object' ? api.schemas.shape(shape.schema.additionalProperties) : null;
  const isNumber = inner?.type === 'integer' || inner?.type === 'number';
  const text = useSignal(isObject(value) ? Object.entries(value).map(([name, member]) => `${name}=${String(member)}`).join('\n') : '');
  return (
    <Area
      {...common}
      hint={[common.hint, words.pairPerLine].filter((one) => one !== undefined).join(' ')}
      value={text.value}
      onInput={(entered) => {
        text.value = entered;
        const pairs = entered
          .split('\n')
          .map((line) => /^([^=]+)=(.*)$/.exec(line.trim()))
          .filter((match) => match !== null)
          .map(([, name = '', member = '']): [string, Json] => [name.trim(), isNumber ? Number(member) : member.trim()]);
        onChange(pairs.length === 0 ? undefined : Object.fromEntries(pairs));
      }}
    />
  );
}

/** Whatever has no control of its own. */
function JsonField({ value, onChange, ...common }: CommonProps & { value: Json | undefined; onChange: (value: Json | undefined) => void }) {
  const words = a.value;
  const text = useSignal(value === undefined ? '' : JSON.stringify(value, null, 2));
  const isWrong = useSignal(false);
  return (
    <Area
      {...common}
      isCode
      hint={[common.hint, words.json].filter((one) => one !== undefined).join(' ')}
      error={isWrong.value ? words.jsonWrong : common.error}
      rows={6}
      value={text.value}
      onInput={(entered) => {
        text.value = entered;
        try {
          onChange(entered.trim() === '' ? undefined : (JSON.parse(entered) as Json));
          isWrong.value = false;
        } catch {
          isWrong.value = true;
        }
      }}
    />
  );
}

/** The first complaint about something inside a field that shows it as a whole. */
function firstBelow(errors: ReadonlyMap<string, string>, pointer: string): string | undefined {
  return [...errors].find(([at]) => at.startsWith(`${pointer}/`))?.[1];
}
