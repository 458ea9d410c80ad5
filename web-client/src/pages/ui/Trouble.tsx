// SPDX-License-Identifier: EUPL-1.2
// A request that failed: what, why, and when it is worth another try.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { fill, plural } from '../../i18n';
import { Banner } from '../../ui/Banner';
import { Button } from '../../ui/Button';
import { ApiProblem } from '../../app/problem';
import { w } from '../words';

interface TroubleProps {
  problem: unknown;
  onRetry?: () => void;
}

/** Shown until its reason is gone. */
export function Trouble({ problem, onRetry }: TroubleProps) {
  const words = w.value.problems;
  const known = problem instanceof ApiProblem ? problem : null;
  const secondsLeft = useCountdown(known);
  const { title, text } = saying(known);
  return (
    <div role="alert" class="trouble" data-testid="trouble">
      <Banner
        kind="danger"
        actions={
          onRetry !== undefined && (
            <Button data-testid="retry" aria-disabled={secondsLeft > 0} onClick={() => secondsLeft === 0 && onRetry()}>
              {words.retry}
            </Button>
          )
        }
      >
        {title}
        <p>{text}</p>
        {secondsLeft > 0 && <p>{plural(words.retryIn, secondsLeft)}</p>}
        {known?.requestId !== null && known?.requestId !== undefined && known.status >= 500 && (
          <p class="fine">{fill(words.requestId, { id: known.requestId })}</p>
        )}
      </Banner>
    </div>
  );
}

function saying(problem: ApiProblem | null): { title: string; text: string } {
  const words = w.value.problems;
  if (problem === null || problem.code === 'unreachable') return { title: words.title, text: words.unreachable };
  if (problem.fields.length > 0) return { title: words.title, text: plural(words.fields, problem.fields.length) };
  if (problem.status === 404) return { title: words.title, text: words.notFound };
  const own = (words.ofCode as Readonly<Record<string, string>>)[problem.code];
  if (own !== undefined) return { title: words.title, text: own };
  if (problem.title === '') return { title: words.title, text: fill(words.other, { status: problem.status }) };
  return { title: problem.title, text: problem.detail };
}

/** Seconds until another try makes sense. */
function useCountdown(problem: ApiProblem | null): number {
  const left = useSignal(0);
  const waitMs = problem?.retryAfterMs ?? 0;
  useEffect(() => {
    const until = Date.now() + waitMs;
    const update = () => {
      left.value = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    };
    update();
    if (waitMs === 0) return undefined;
    const timer = setInterval(update, 1000);
    return () => clearInterval(timer);
  }, [problem, waitMs, left]);
  return left.value;
}

/** Words for each field that the server finds fault with, by its pointer. */
export function fieldErrors(problem: unknown): ReadonlyMap<string, string> {
  if (!(problem instanceof ApiProblem)) return new Map();
  return new Map(problem.fields.map(({ pointer, detail, code }) => [pointer, detail === '' ? code : detail]));
}
