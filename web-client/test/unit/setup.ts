// SPDX-License-Identifier: EUPL-1.2
import { beforeEach } from 'vitest';
import { language } from '../../src/app/preferences';

// Otherwise the texts would depend on the machine's own language.
beforeEach(() => {
  language.value = 'de';
});
