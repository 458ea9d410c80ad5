// SPDX-License-Identifier: EUPL-1.2
// German help for fields.
import type { Names } from '../../index';

export const help: Names['help'] = {
  slug: 'Kleine Buchstaben, Ziffern und Bindestriche.',
  oidc_claim_value: 'Der Wert, mit dem der Anmeldedienst diese Organisation nennt.',
  networks: 'Adressen oder Netze, etwa 192.0.2.0/24. Anrufe von anderswo werden nicht angenommen.',
  'PhoneTrunkInput.id': 'Leer: aus dem Namen gebildet. Sie ändert sich nie.',
  trusts_caller_ids: 'Nur, wenn dort niemand eine fremde Nummer angeben kann.',
  'PhoneCredentials.password': 'Wird nie gezeigt. Leer: Es bleibt, wie es ist.',
  'PhoneNumberInput.number': 'Mit + und Ländervorwahl, oder genau so, wie der Anschluss sie nennt.',
  'PhoneNumberInput.tenants': 'Leer: für alle.',
  allowed_networks: 'Adresse/Länge, etwa 10.20.0.0/16. Leer: von überall.',
  scopes: 'Sie können nur vergeben, was Sie selbst haben.',
  retention: 'Wie viele Tage etwas bleibt. Leer: wie es der Server vorgibt.',
  limits: 'Leer: keine Grenze. Nur die Verwaltung des Servers setzt sie.',
  'ApiTokenInput.expires_at': 'Höchstens ein Jahr von heute an; ohne Angabe 90 Tage.',
  'WebhookInput.url': 'https, und im Internet oder in einem Netz, das der Betrieb erlaubt.',
  recurrence_rule: 'Wert von RRULE (RFC 5545), ohne DTSTART.',
  excluded_dates: 'Anfänge, die die Regel nennt und die entfallen.',
  expect_head: 'Ein früher aufbewahrtes Ende zeigt, ob etwas abgeschnitten wurde.',
  accent_colour: 'Etwa #004b76.',
  logo_path: 'Ein Pfad auf diesem Server: Seiten laden nichts von anderswo.',
  policy_overrides: 'Was leer bleibt, gilt wie in der Vorlage.',
  rules: 'Was leer bleibt, gilt wie in der Vorgabe der Organisation.',
  'MuteRequest.identity': 'Leer: alle, die nicht moderieren.',
  'PersonRequest.identity': 'Wer gemeint ist.',
  disabled: 'Wer gesperrt ist, kann sich nicht anmelden und wird überall abgemeldet.',
  'UserInput.email': 'Damit meldet sich die Person an, und dahin gehen Einladungen.',
  locale: 'Für alle, die keine gewählt haben.',
  default_policy_id: 'Für Besprechungen, die keine nennen.',
  action: 'Etwa meeting.update, oder meeting.* für alles, was so beginnt.',
};
