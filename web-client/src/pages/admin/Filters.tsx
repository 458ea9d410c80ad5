// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import { Button } from '../../ui/Button';
import type { Api } from './api';
import { inOrder } from './curation';
import type { Parameter } from './document';
import type { Json } from './form';
import { Field } from './SchemaForm';
import { a } from './words';

interface FiltersProps {
  api: Api;
  parameters: readonly Parameter[];
  set: Readonly<Record<string, string>>;
  /** What is asked for instead of filtering, such as for a report. */
  submit?: string;
  /** Whether somebody has chosen something. */
  isFiltered?: boolean;
  errors?: ReadonlyMap<string, string>;
  onChange: (chosen: Record<string, string>) => void;
}

const NO_ERRORS: ReadonlyMap<string, string> = new Map();

/** Query parameters as fields. */
export function Filters({ api, parameters, set, submit, isFiltered = false, errors = NO_ERRORS, onChange }: FiltersProps) {
  const words = a.value;
  const values = useSignal<Record<string, Json | undefined>>(read(api, parameters, set));
  const write = () => Object.fromEntries(Object.entries(values.value).map(([name, value]) => [name, value === undefined || value === null ? '' : String(value)]));
  // The server names parameters `query/NAME`; as fields they are pointers.
  const own = new Map([...errors].map(([pointer, text]) => [pointer.replace(/^query/, ''), text]));
  const order = inOrder(parameters.map(({ name }) => name));
  const ordered = parameters.toSorted((left, right) => order.indexOf(left.name) - order.indexOf(right.name));
  const form = (
    <form
      class="stack"
      noValidate
      data-testid="filters"
      onSubmit={(event) => {
        event.preventDefault();
        onChange(write());
      }}
    >
      <div class="columns">
        {ordered.map(({ name, schema, description, required }) => (
          <Field
            key={name}
            api={api}
            errors={own}
            offers={{}}
            owner={null}
            name={name}
            schema={{ ...schema, ...(description === undefined ? {} : { description }) }}
            isRequired={required === true}
            pointer={`/${name}`}
            value={values.value[name]}
            onChange={(value) => (values.value = { ...values.value, [name]: value })}
          />
        ))}
      </div>
      <div class="actions">
        <Button type="submit" kind={submit === undefined ? 'secondary' : 'primary'} data-testid="apply-filters">
          {submit ?? words.filter}
        </Button>
        {submit === undefined && isFiltered && (
          <Button
            kind="quiet"
            onClick={() => {
              values.value = {};
              onChange({});
            }}
          >
            {words.clear}
          </Button>
        )}
      </div>
    </form>
  );
  if (submit !== undefined) return <div class="card section">{form}</div>;
  return (
    <details class="card filters" open={isFiltered}>
      <summary>{words.filters}</summary>
      {form}
    </details>
  );
}

/** What an address bar says, as values. */
function read(api: Api, parameters: readonly Parameter[], set: Readonly<Record<string, string>>): Record<string, Json | undefined> {
  return Object.fromEntries(
    parameters.map(({ name, schema }) => {
      const text = set[name] ?? '';
      const { type } = api.schemas.shape(schema);
      if (text === '') return [name, undefined];
      if (type === 'boolean') return [name, text === 'true'];
      return [name, type === 'integer' || type === 'number' ? Number(text) : text];
    }),
  );
}
