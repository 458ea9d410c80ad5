// SPDX-License-Identifier: EUPL-1.2
// Form fields with label, hint and error tied together for screen readers. `pointer` names the field as the server does
// (RFC 6901), so that its complaint is shown here and the focus finds it.
import type { ComponentChildren, PartialInputHTMLAttributes, TargetedInputEvent } from 'preact';
import { useId } from 'preact/hooks';
import { SelectBox, TickBox } from '../../ui/Field';
import { Icon } from '../../ui/Icon';
import { typeAttribute, type InputType } from '../../ui/input-type';

interface Common {
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  pointer?: string;
  testId?: string;
  /** Shows the label to screen readers only. */
  isLabelHidden?: boolean;
  /** Stands beside the label, such as that the field is optional. */
  note?: string | undefined;
}

interface FrameProps extends Common {
  id: string;
  children: ComponentChildren;
}

function Frame({ id, label, hint, error, pointer, isLabelHidden, note, children }: FrameProps) {
  return (
    <div class="field" data-pointer={pointer}>
      <label class={isLabelHidden === true ? 'visually-hidden' : 'field-label'} for={id}>
        {label}
        {note !== undefined && <span class="field-note">{note}</span>}
      </label>
      {children}
      <Hint id={id} hint={hint} error={error} />
    </div>
  );
}

function Hint({ id, hint, error }: { id: string; hint?: ComponentChildren; error?: string | undefined }) {
  return (
    <>
      <div class="field-hint" id={`${id}-hint`}>
        {hint}
      </div>
      <p class="field-error" id={`${id}-error`}>
        {error !== undefined && (
          <>
            <Icon name="error" /> <span>{error}</span>
          </>
        )}
      </p>
    </>
  );
}

const describedBy = (id: string) => ({ 'aria-describedby': `${id}-hint ${id}-error` });

/** Attributes that an input may have beside ours. */
export type Native = Pick<
  PartialInputHTMLAttributes<HTMLInputElement>,
  'name' | 'autoComplete' | 'autoCapitalize' | 'spellcheck' | 'maxLength' | 'min' | 'max' | 'step' | 'inputMode' | 'placeholder' | 'pattern'
>;

interface InputProps extends Common {
  value: string;
  onInput: (text: string) => void;
  type?: InputType;
  native?: Native;
  isRequired?: boolean;
}

/** One line. */
export function Input({ value, onInput, type = 'text', native = {}, testId, isRequired, ...common }: InputProps) {
  const id = useId();
  return (
    <Frame id={id} {...common}>
      <input
        {...native}
        id={id}
        class="input"
        {...typeAttribute(type)}
        value={value}
        data-testid={testId}
        aria-required={isRequired === true ? true : undefined}
        aria-invalid={common.error !== undefined}
        {...describedBy(id)}
        onInput={(event: TargetedInputEvent<HTMLInputElement>) => onInput(event.currentTarget.value)}
      />
    </Frame>
  );
}

interface AreaProps extends Common {
  value: string;
  onInput: (text: string) => void;
  rows?: number;
  maxLength?: number | undefined;
  isCode?: boolean;
}

/** Several lines. */
export function Area({ value, onInput, rows = 3, maxLength, testId, isCode, ...common }: AreaProps) {
  const id = useId();
  return (
    <Frame id={id} {...common}>
      <textarea
        id={id}
        class={`input area ${isCode === true ? 'code' : ''}`}
        rows={rows}
        maxLength={maxLength}
        value={value}
        data-testid={testId}
        spellcheck={isCode !== true}
        aria-invalid={common.error !== undefined}
        {...describedBy(id)}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </Frame>
  );
}

export interface Option {
  readonly value: string;
  readonly label: string;
}

interface ChoiceProps extends Common {
  value: string;
  options: readonly Option[];
  onChange: (value: string) => void;
}

/** One of several, as the browser's own list. */
export function Choice({ value, options, onChange, testId, ...common }: ChoiceProps) {
  const id = useId();
  return (
    <Frame id={id} {...common}>
      <SelectBox
        id={id}
        value={value}
        options={options}
        testId={testId}
        aria={{ 'aria-invalid': common.error !== undefined, ...describedBy(id) }}
        onChange={onChange}
      />
    </Frame>
  );
}

interface TickProps extends Omit<Common, 'isLabelHidden' | 'note'> {
  isOn: boolean;
  onChange: (isOn: boolean) => void;
}

/** Yes or no. */
export function Tick({ label, hint, error, pointer, testId, isOn, onChange }: TickProps) {
  const id = useId();
  return (
    <div class="field" data-pointer={pointer}>
      <TickBox
        label={label}
        isOn={isOn}
        testId={testId}
        aria={{ 'aria-invalid': error !== undefined, ...describedBy(id) }}
        onChange={onChange}
      />
      <Hint id={id} hint={hint} error={error} />
    </div>
  );
}

interface GroupProps {
  legend: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  pointer?: string;
  class?: string;
  children: ComponentChildren;
}

/** Fields that belong together. */
export function Group({ legend, hint, error, pointer, class: extra = '', children }: GroupProps) {
  const id = useId();
  return (
    <fieldset class={`group ${extra}`} data-pointer={pointer} {...describedBy(id)} tabIndex={pointer === undefined ? undefined : -1}>
      <legend class="group-legend">{legend}</legend>
      <Hint id={id} hint={hint} error={error} />
      {children}
    </fieldset>
  );
}

interface ToggleSetProps<T extends string> {
  legend: string;
  isLegendHidden?: boolean;
  options: readonly { readonly value: T; readonly label: string; readonly name?: string }[];
  isOn: (value: T) => boolean;
  onChange: (value: T, isOn: boolean) => void;
  /** One of them only, as radio buttons. */
  isSingle?: boolean;
  error?: string | undefined;
  testId?: string;
}

/** A row of switches, such as the days of the week. */
export function ToggleSet<T extends string>({ legend, isLegendHidden, options, isOn, onChange, isSingle, error, testId }: ToggleSetProps<T>) {
  const id = useId();
  return (
    <fieldset class="toggle-set" data-testid={testId} {...describedBy(id)}>
      <legend class={isLegendHidden === true ? 'visually-hidden' : 'field-label'}>{legend}</legend>
      <div class="toggle-row">
        {options.map(({ value, label, name }) => (
          <label key={value} class="toggle">
            <input
              type={isSingle === true ? 'radio' : 'checkbox'}
              name={id}
              class="toggle-input"
              value={value}
              checked={isOn(value)}
              aria-label={name}
              onChange={(event) => onChange(value, event.currentTarget.checked)}
            />
            <span class="toggle-face">{label}</span>
          </label>
        ))}
      </div>
      <Hint id={id} error={error} />
    </fieldset>
  );
}

/** Moves the focus to the first field that is wrong, in the order of the page. */
export function focusFirstError(root: HTMLElement | null): void {
  const wrong = root?.querySelector<HTMLElement>('[aria-invalid="true"], .group:has(> .field-error:not(:empty))');
  wrong?.focus();
}
