// SPDX-License-Identifier: EUPL-1.2
// German words for what the document names.
import type { Names } from '../index';
import { actions } from './de/actions';
import { fields } from './de/fields';
import { help } from './de/help';
import { resources } from './de/resources';
import { values } from './de/values';

export const deNames: Names = { resources, fields, help, actions, values };
