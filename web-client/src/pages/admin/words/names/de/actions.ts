// SPDX-License-Identifier: EUPL-1.2
// German words for what can be done.
import type { Names } from '../../index';

export const actions: Names['actions'] = {
  end: { do: 'Für alle beenden', ask: 'Alle verlassen die Besprechung.' },
  lock: { do: 'Abschließen' },
  unlock: { do: 'Aufschließen' },
  remove: { do: 'Jemanden entfernen', ask: 'Die Person verlässt die Besprechung.' },
  unban: { do: 'Ausschluss aufheben' },
  mute: { do: 'Stummschalten' },
  unmute_request: { do: 'Um Einschalten bitten' },
  permit: { do: 'Mikrofon erlauben' },
  lower_hand: { do: 'Hände senken' },
  rename: { do: 'Umbenennen' },
  admit: { do: 'Einlassen' },
  deny: { do: 'Abweisen' },
  move: { do: 'In eine andere Besprechung schicken' },
  sessions: { do: 'Besprechung öffnen' },
  response: { do: 'Einladung beantworten' },
  batch: { do: 'Mehrere anlegen' },
  '{external_id}': { do: 'Nach externer Kennung setzen' },
  renew_link: { do: 'Persönlichen Link erneuern', ask: 'Der bisherige Link gilt dann nicht mehr.' },
  rotate: { do: 'Erneuern', ask: 'Was bisher galt, gilt dann nicht mehr.' },
  rotate_secret: { do: 'Neues Geheimnis', ask: 'Das bisherige Geheimnis gilt dann nicht mehr.' },
  test: { do: 'Testmeldung senden' },
  redeliver: { do: 'Noch einmal senden' },
  password: { do: 'Passwort setzen' },
  test_calls: { do: 'Testanruf machen' },
  erasures: { do: 'Löschen', ask: 'Was über diese Person gespeichert ist, wird endgültig entfernt.' },
};
