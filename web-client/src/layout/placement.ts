// SPDX-License-Identifier: EUPL-1.2
import type { Rect } from './grid';

/** A rectangle as style properties. Whole pixels, or pictures are blurred. Set by script, which the policy allows. */
export function placement({ x, y, width, height }: Rect) {
  return {
    left: `${Math.round(x)}px`,
    top: `${Math.round(y)}px`,
    width: `${Math.floor(width)}px`,
    height: `${Math.floor(height)}px`,
  };
}
