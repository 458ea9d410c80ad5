// SPDX-License-Identifier: EUPL-1.2
// Something that is done and not kept as a thing, such as erasing a person's data.
import { useSignal } from '@preact/signals';
import { Button } from '../../ui/Button';
import { ScreenHeading } from '../../ui/PageFrame';
import { ActionDialog } from './actions';
import type { Api } from './api';
import type { Place } from './resources';
import { a, actionWords, fieldHelp, resourceText, resourceTitle } from './words';

interface FormPageProps {
  api: Api;
  place: Place;
}

/** The page: what it is, and the way to it. */
export function FormPage({ api, place }: FormPageProps) {
  const isOpen = useSignal(false);
  const { resource, values } = place;
  if (resource.create === null) return null;
  const help = fieldHelp(null, resource.path, resource.create.description);
  return (
    <div class="stack" data-testid="form-page">
      <ScreenHeading>{resourceTitle(resource)}</ScreenHeading>
      {resourceText(resource) !== undefined && <p>{resourceText(resource)}</p>}
      {help !== undefined && <p>{help}</p>}
      <p>
        <Button kind="primary" data-testid="form-open" onClick={() => (isOpen.value = true)}>
          {actionWords(resource.name, a.value.do).do} …
        </Button>
      </p>
      {isOpen.value && (
        <ActionDialog
          api={api}
          action={resource.create}
          values={values}
          subject={null}
          onClose={() => (isOpen.value = false)}
          onDone={() => (isOpen.value = false)}
        />
      )}
    </div>
  );
}
