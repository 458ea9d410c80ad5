// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { NotSupported } from '../screens/NotSupported';
import { ServerProblem } from '../screens/ServerProblem';
import { Start } from '../screens/Start';
import { LiveRegions } from '../ui/LiveRegion';
import { loadConfig, type Config } from './config';
import { Meeting } from './Meeting';
import { LazyPages } from './LazyPages';
import { route } from './router';
import { missingFeatures } from './support';

/** Chooses the screen. */
export function App() {
  return (
    <>
      <Screen />
      <LiveRegions />
    </>
  );
}

const missing = missingFeatures();

function Screen() {
  const config = useSignal<Config | 'failed' | null>(null);
  useEffect(() => {
    loadConfig().then(
      (loaded) => (config.value = loaded),
      () => (config.value = 'failed'),
    );
  }, [config]);

  // Scheduling needs neither camera nor WebRTC.
  if (missing.length > 0 && route.value.name !== 'pages') return <NotSupported missing={missing} />;
  if (config.value === 'failed') return <ServerProblem />;
  // It takes one round trip; a spinner would only flicker.
  if (config.value === null) return null;
  const { value: to } = route;
  if (to.name === 'meeting') return <Meeting key={to.room} room={to.room} config={config.value} />;
  if (to.name === 'pages') return <LazyPages config={config.value} path={to.path} query={to.query} />;
  return <Start config={config.value} isLost={to.name === 'unknown'} />;
}
