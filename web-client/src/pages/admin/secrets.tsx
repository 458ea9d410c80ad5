// SPDX-License-Identifier: EUPL-1.2
// What an answer shows only once: what it has beyond what pages show of such a thing.
import { Button } from '../../ui/Button';
import { ScreenHeading } from '../../ui/PageFrame';
import { CopyButton } from '../../ui/Copy';
import type { Api } from './api';
import type { Shape } from './document';
import type { JsonObject } from './form';
import { a, fieldName } from './words';

/** Names of fields that are shown once. */
export function secretsIn(made: JsonObject, known: Shape): readonly string[] {
  return Object.keys(made).filter((name) => typeof made[name] === 'string' && made[name] !== '' && !(name in known.properties) && isSecret(name));
}

/** A field that is merely new must not look like a secret. */
function isSecret(name: string): boolean {
  return /secret|token|password|key/.test(name);
}

interface SecretsProps {
  api: Api;
  made: JsonObject;
  known: Shape;
  onDone: () => void;
}

/** The page that shows them. */
export function SecretsOf({ made, known, onDone }: SecretsProps) {
  const words = a.value;
  return (
    <div class="stack" data-testid="secrets">
      <ScreenHeading>{words.secretTitle}</ScreenHeading>
      <p class="notice notice-warning">{words.secretText}</p>
      <div class="card section">
        <SecretFields made={made} known={known} />
      </div>
      <p>
        <Button kind="primary" data-testid="secrets-done" onClick={onDone}>
          {words.close}
        </Button>
      </p>
    </div>
  );
}

/** Each with a button to copy it. */
export function SecretFields({ made, known }: { made: JsonObject; known: Shape }) {
  const words = a.value;
  const names = [...Object.keys(made).filter((name) => name === 'id'), ...secretsIn(made, known)];
  return (
    <dl class="facts">
      {names.map((name) => (
        <div key={name} class="facts-row">
          <dt>{fieldName(null, name)}</dt>
          <dd>
            <code class="code secret" data-testid={`secret-${name}`}>
              {String(made[name])}
            </code>
            <br />
            <CopyButton text={String(made[name])} label={words.copy} name={`${words.copy}: ${fieldName(null, name)}`} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
