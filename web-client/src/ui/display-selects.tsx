// SPDX-License-Identifier: EUPL-1.2
import {
  APPEARANCES,
  appearance,
  language,
  LANGUAGES,
  type Appearance,
  type Language,
} from '../app/preferences';
import { t } from '../i18n';
import { Select } from './Field';
import { Icon } from './Icon';

interface DisplaySelectProps {
  /** With its label above it, as in a form; otherwise small, with an icon in place of the label. */
  isFormField?: boolean;
}

/** Choice of the language. */
export function LanguageSelect({ isFormField = false }: DisplaySelectProps) {
  const { language: label, languageNames } = t.value.app;
  return (
    <div class={isFormField ? '' : 'mini-select'}>
      {!isFormField && <Icon name="language" />}
      <Select
        label={label}
        isLabelHidden={!isFormField}
        value={language.value}
        options={LANGUAGES.map((value) => ({ value, label: languageNames[value] }))}
        onChange={(value) => {
          language.value = value as Language;
        }}
        testId="language"
      />
    </div>
  );
}

/** Choice between light and dark. */
export function AppearanceSelect({ isFormField = false }: DisplaySelectProps) {
  const { appearance: label, appearances } = t.value.app;
  return (
    <div class={isFormField ? '' : 'mini-select'}>
      {!isFormField && <Icon name="contrast" />}
      <Select
        label={label}
        isLabelHidden={!isFormField}
        value={appearance.value}
        options={APPEARANCES.map((value) => ({ value, label: appearances[value] }))}
        onChange={(value) => {
          appearance.value = value as Appearance;
        }}
        testId="appearance"
      />
    </div>
  );
}
