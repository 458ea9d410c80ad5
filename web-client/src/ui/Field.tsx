// SPDX-License-Identifier: EUPL-1.2
import type { AllHTMLAttributes, Ref, TargetedInputEvent } from 'preact';
import { useId } from 'preact/hooks';
import { Icon } from './Icon';
import { typeAttribute, type InputType } from './input-type';

interface TextFieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  value: string;
  onInput: (text: string) => void;
  inputRef?: Ref<HTMLInputElement>;
  testId: string;
  /** `tel` brings up a keyboard with digits where there is no other. */
  type?: Extract<InputType, 'text' | 'tel'>;
  autoComplete?: 'off' | 'name' | 'tel';
  isReadOnly?: boolean;
  maxLength?: number;
  /** What the key on a phone's keyboard says. */
  enterKeyHint?: 'go' | 'next' | 'done';
}

/** One line of text with its label, hint and error; the last two are tied to the input for screen readers. */
export function TextField({ label, hint, error, inputRef, isReadOnly, testId, type = 'text', onInput, ...rest }: TextFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
      </label>
      <input
        {...rest}
        {...(inputRef === undefined ? {} : { ref: inputRef })}
        id={id}
        class="input"
        {...typeAttribute(type)}
        autoCapitalize={rest.autoComplete === 'name' ? 'words' : 'none'}
        spellcheck={false}
        readOnly={isReadOnly}
        data-testid={testId}
        onInput={(event: TargetedInputEvent<HTMLInputElement>) => onInput(event.currentTarget.value)}
        aria-invalid={error !== undefined}
        aria-describedby={`${id}-hint ${id}-error`}
      />
      <p class="field-hint" id={`${id}-hint`}>
        {hint}
      </p>
      <p class="field-error" id={`${id}-error`} role="alert">
        {error !== undefined && (
          <>
            <Icon name="error" /> {error}
          </>
        )}
      </p>
    </div>
  );
}

interface SelectProps {
  label: string;
  value: string;
  options: readonly { readonly value: string; readonly label: string }[];
  onChange: (value: string) => void;
  /** Shows the label to screen readers only. */
  isLabelHidden?: boolean;
  testId?: string;
}

/** The browser's own list of choices, which works with every keyboard and screen reader. */
export function Select({ label, value, options, onChange, isLabelHidden, testId }: SelectProps) {
  const id = useId();
  return (
    <div class="field">
      <label class={isLabelHidden === true ? 'visually-hidden' : 'field-label'} for={id}>
        {label}
      </label>
      <SelectBox id={id} value={value} options={options} testId={testId} onChange={onChange} />
    </div>
  );
}

interface TickBoxProps {
  label: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
  testId: string | undefined;
  /** What ties a hint and an error to it. */
  aria?: Pick<AllHTMLAttributes<HTMLInputElement>, 'aria-invalid' | 'aria-describedby'>;
}

/** Yes or no, without hint and error. */
export function TickBox({ label, isOn, testId, aria = {}, onChange }: TickBoxProps) {
  return (
    <label class="tick">
      <input {...aria} type="checkbox" checked={isOn} data-testid={testId} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

type SelectBoxProps = Pick<SelectProps, 'value' | 'options' | 'onChange'> & {
  id: string;
  testId: string | undefined;
  /** What ties a hint and an error to it. */
  aria?: Pick<AllHTMLAttributes<HTMLSelectElement>, 'aria-invalid' | 'aria-describedby'>;
};

/** The list without its label. */
export function SelectBox({ id, value, options, testId, aria = {}, onChange }: SelectBoxProps) {
  return (
    <div class="select">
      <select {...aria} id={id} class="input" value={value} data-testid={testId} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}
