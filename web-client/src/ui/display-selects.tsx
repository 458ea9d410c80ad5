// SPDX-License-Identifier: EUPL-1.2
import type { Signal } from '@preact/signals';
import { APPEARANCES, appearance, language, LANGUAGES } from '../app/preferences';
import { t } from '../i18n';
import { Select } from './Field';
import { Icon } from './Icon';
import type { IconName } from './icons';

interface DisplaySelectProps {
  /** With its label above it, as in a form; otherwise small, with an icon in place of the label. */
  isFormField?: boolean;
}

/** Choice of the language. */
export function LanguageSelect({ isFormField = false }: DisplaySelectProps) {
  const { language: label, languageNames } = t.value.app;
  const options = LANGUAGES.map((value) => ({ value, label: languageNames[value] }));
  return (
    <PreferenceSelect
      icon="language"
      label={label}
      chosen={language}
      options={options}
      isFormField={isFormField}
      testId="language"
    />
  );
}

/** Choice between light and dark. */
export function AppearanceSelect({ isFormField = false }: DisplaySelectProps) {
  const { appearance: label, appearances } = t.value.app;
  const options = APPEARANCES.map((value) => ({ value, label: appearances[value] }));
  return (
    <PreferenceSelect
      icon="contrast"
      label={label}
      chosen={appearance}
      options={options}
      isFormField={isFormField}
      testId="appearance"
    />
  );
}

interface PreferenceSelectProps<T extends string> {
  icon: IconName;
  label: string;
  chosen: Signal<T>;
  options: readonly { readonly value: T; readonly label: string }[];
  isFormField: boolean;
  testId: string;
}

function PreferenceSelect<T extends string>(props: PreferenceSelectProps<T>) {
  const { icon, chosen, isFormField, ...select } = props;
  return (
    <div class={isFormField ? '' : 'mini-select'}>
      {!isFormField && <Icon name={icon} />}
      <Select
        {...select}
        isLabelHidden={!isFormField}
        value={chosen.value}
        onChange={(value) => {
          chosen.value = value as T;
        }}
      />
    </div>
  );
}
