// SPDX-License-Identifier: EUPL-1.2
import '../theme/fonts.css';
import '../theme/tokens.css';
import '../theme/base.css';
import '../ui/controls.css';
import '../ui/picture.css';
import '../theme/forced-colors.css';
import { render } from 'preact';
import { startAppearance } from '../theme/appearance';
import { App } from './App';
import { startRouter } from './router';

startAppearance();
startRouter();
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
