// SPDX-License-Identifier: EUPL-1.2
import type { DeviceProblem } from '../conference/model';
import type { Preview, PreviewDevice, PreviewState } from '../conference/preview';
import { t } from '../i18n';
import { Banner } from '../ui/Banner';
import { Button } from '../ui/Button';

interface DeviceProblemsProps {
  preview: Preview;
  onRetry: (device: PreviewDevice) => void;
}

/** What does not work, how to put it right, and that it does not keep anybody out. */
export function DeviceProblems({ preview, onRetry }: DeviceProblemsProps) {
  const microphone = problemOf(preview.microphone.value);
  const camera = problemOf(preview.camera.value);
  return (
    <div class="device-problems" role="status">
      {microphone !== null && microphone === camera ? (
        <Problem subject="both" problem={microphone} onRetry={() => (onRetry('microphone'), onRetry('camera'))} />
      ) : (
        <>
          {microphone !== null && (
            <Problem subject="microphone" problem={microphone} onRetry={() => onRetry('microphone')} />
          )}
          {camera !== null && <Problem subject="camera" problem={camera} onRetry={() => onRetry('camera')} />}
        </>
      )}
    </div>
  );
}

interface ProblemProps {
  subject: 'microphone' | 'camera' | 'both';
  problem: DeviceProblem;
  onRetry: () => void;
}

function Problem({ subject, problem, onRetry }: ProblemProps) {
  const words = t.value.deviceProblems;
  return (
    <Banner
      kind="warning"
      testId={`problem-${subject}`}
      actions={<Button onClick={onRetry}>{words.retry}</Button>}
    >
      {words[subject][problem]}
      <p>
        {words.help[problem]} {words.youMayJoin}
      </p>
    </Banner>
  );
}

function problemOf(state: PreviewState): DeviceProblem | null {
  return state.kind === 'problem' ? state.problem : null;
}
