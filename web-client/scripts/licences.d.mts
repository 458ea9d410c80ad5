// SPDX-License-Identifier: EUPL-1.2
import type { Plugin } from 'vite';

export declare function licencesText(root: string): string;
export declare function licences(): Plugin;
