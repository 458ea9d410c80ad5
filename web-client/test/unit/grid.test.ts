// SPDX-License-Identifier: EUPL-1.2
import { describe, expect, it } from 'vitest';
import { duoRects, gridCapacity, gridRects, MAX_TILES_PER_PAGE, shareLayout, TILE_GAP, type Box, type Rect } from '../../src/layout/grid';

const WIDE: Box = { width: 1280, height: 600 };
const PHONE: Box = { width: 360, height: 640 };

/** All tiles lie inside the space and none lies on another. */
function checkPlacing(box: Box, rects: readonly Rect[]) {
  for (const rect of rects) {
    expect(rect.x).toBeGreaterThanOrEqual(-0.01);
    expect(rect.y).toBeGreaterThanOrEqual(-0.01);
    expect(rect.x + rect.width).toBeLessThanOrEqual(box.width + 0.01);
    expect(rect.y + rect.height).toBeLessThanOrEqual(box.height + 0.01);
  }
  rects.forEach((a, i) => {
    for (const b of rects.slice(i + 1)) {
      const isApart =
        a.x + a.width <= b.x + 0.01 || b.x + b.width <= a.x + 0.01 || a.y + a.height <= b.y + 0.01 || b.y + b.height <= a.y + 0.01;
      expect(isApart).toBe(true);
    }
  });
}

const columns = (rects: readonly Rect[]) => new Set(rects.map((rect) => rect.x)).size;

describe('gridRects', () => {
  it('places every number of tiles inside the space without overlap', () => {
    for (const box of [WIDE, PHONE, { width: 900, height: 900 }, { width: 2400, height: 500 }]) {
      for (let count = 1; count <= MAX_TILES_PER_PAGE; count += 1) {
        const rects = gridRects(box, count);
        expect(rects).toHaveLength(count);
        checkPlacing(box, rects);
      }
    }
  });

  it('uses the number of columns that makes the tiles largest', () => {
    // Six people: three by two on a wide screen, which fixed layouts such as "always square" miss.
    expect(columns(gridRects(WIDE, 6))).toBe(3);
    expect(columns(gridRects(PHONE, 2))).toBe(1);
    expect(columns(gridRects({ width: 2400, height: 300 }, 4))).toBe(4);
  });

  it('keeps tiles between upright and 16:9', () => {
    for (let count = 1; count <= 12; count += 1) {
      for (const { width, height } of gridRects(WIDE, count)) {
        expect(width / height).toBeLessThanOrEqual(16 / 9 + 0.01);
        expect(width / height).toBeGreaterThanOrEqual(4 / 3 - 0.01);
      }
      for (const { width, height } of gridRects(PHONE, count)) {
        expect(width / height).toBeGreaterThanOrEqual(3 / 4 - 0.01);
      }
    }
  });

  it('centres a last row that is not full', () => {
    const rects = gridRects(WIDE, 5);
    const last = rects.slice(3);
    const left = last[0]?.x ?? 0;
    const right = WIDE.width - ((last[1]?.x ?? 0) + (last[1]?.width ?? 0));
    expect(left).toBeCloseTo(right);
  });

  it('has nothing to place in no space', () => {
    expect(gridRects({ width: 0, height: 0 }, 3)).toEqual([]);
    expect(gridRects(WIDE, 0)).toEqual([]);
  });
});

describe('gridCapacity', () => {
  it('is limited on a large screen', () => {
    expect(gridCapacity({ width: 3000, height: 2000 })).toBe(MAX_TILES_PER_PAGE);
  });

  it('is smaller where tiles would become unrecognisable', () => {
    expect(gridCapacity({ width: 300, height: 300 })).toBe(4);
    expect(gridCapacity({ width: 20, height: 20 })).toBe(1);
  });
});

describe('duoRects', () => {
  it('lays the own picture into a corner of the other one', () => {
    const { other, own } = duoRects(WIDE);
    expect(own.width).toBeLessThan(other.width / 2);
    expect(own.x + own.width).toBeLessThan(other.x + other.width);
    expect(own.y + own.height).toBeLessThan(other.y + other.height);
  });
});

describe('shareLayout', () => {
  it('gives the screen most of the space', () => {
    for (const box of [WIDE, PHONE]) {
      const { screen } = shareLayout(box);
      expect((screen.width * screen.height) / (box.width * box.height)).toBeGreaterThan(0.7);
    }
  });

  it('never lets people lie on the screen', () => {
    for (const box of [WIDE, PHONE, { width: 700, height: 690 }]) {
      const layout = shareLayout(box);
      checkPlacing(box, [layout.screen, ...layout.tiles(layout.capacity)]);
    }
  });

  it('shows at least two people on a phone', () => {
    expect(shareLayout(PHONE).capacity).toBeGreaterThanOrEqual(2);
  });

  it('shows people beside the screen on a phone that lies on its side', () => {
    const layout = shareLayout({ width: 616, height: 245 });
    expect(layout.capacity).toBeGreaterThanOrEqual(2);
    expect(layout.screen.height).toBe(245);
  });

  it('leaves the people out where there is no room for both', () => {
    const layout = shareLayout({ width: 320, height: 150 });
    expect(layout.capacity).toBe(0);
    expect(layout.screen.height).toBe(150);
  });

  it('keeps the gap between screen and people', () => {
    const layout = shareLayout(WIDE);
    expect((layout.tiles(1)[0]?.x ?? 0) - layout.screen.width).toBeCloseTo(TILE_GAP);
  });
});
