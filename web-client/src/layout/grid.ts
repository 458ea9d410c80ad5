// SPDX-License-Identifier: EUPL-1.2
// Where the tiles go. Pure functions of numbers: no DOM, no signals.

/** A space to fill, in CSS pixels. */
export interface Box {
  readonly width: number;
  readonly height: number;
}

/** A place inside the space. */
export interface Rect extends Box {
  readonly x: number;
  readonly y: number;
}

/** Between tiles, in CSS pixels. */
export const TILE_GAP = 8;

/** More tiles on one page cost a laptop more decoding than anybody gains by them. */
export const MAX_TILES_PER_PAGE = 25;

/** A face is not recognisable below this width. */
const MIN_TILE_WIDTH = 136;
const MIN_TILE_HEIGHT = 96;

/** A row of people above a shared screen is left out when it would be lower than this. */
const SMALLEST_STRIP = 56;

/** Cameras deliver 16:9; wider tiles would only cut off heads. */
const WIDEST = 16 / 9;

interface Grid {
  readonly columns: number;
  readonly rows: number;
  readonly tile: Box;
}

/** Places `count` tiles of equal size so that each is as large as possible; a last row that is not full is centred. */
export function gridRects(box: Box, count: number): Rect[] {
  if (count <= 0 || box.width <= 0 || box.height <= 0) return [];
  const { columns, rows, tile } = bestGrid(box, count);
  const top = (box.height - rows * tile.height - (rows - 1) * TILE_GAP) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inThisRow = Math.min(columns, count - row * columns);
    const left = (box.width - inThisRow * tile.width - (inThisRow - 1) * TILE_GAP) / 2;
    return {
      x: left + (index % columns) * (tile.width + TILE_GAP),
      y: top + row * (tile.height + TILE_GAP),
      ...tile,
    };
  });
}

/** How many tiles the space holds before they become too small. At least one. */
export function gridCapacity(box: Box): number {
  for (let count = MAX_TILES_PER_PAGE; count > 1; count -= 1) {
    const { tile } = bestGrid(box, count);
    if (tile.width >= MIN_TILE_WIDTH && tile.height >= MIN_TILE_HEIGHT) return count;
  }
  return 1;
}

/** Two people: the other one fills the space, the own picture lies in a corner of it. */
export function duoRects(box: Box): { readonly other: Rect; readonly own: Rect } {
  const [other] = gridRects(box, 1);
  const full = other ?? { x: 0, y: 0, width: 0, height: 0 };
  const width = Math.min(Math.max(full.width * 0.2, 112), full.width * 0.4);
  const height = width / WIDEST;
  const margin = TILE_GAP * 1.5;
  return {
    other: full,
    own: {
      x: full.x + full.width - width - margin,
      y: full.y + full.height - height - margin,
      width,
      height,
    },
  };
}

/** A shared screen with as many people beside it as fit. */
export interface ShareLayout {
  readonly screen: Rect;
  /** How many tiles the strip holds; none when the space is too small for both. */
  readonly capacity: number;
  readonly tiles: (count: number) => Rect[];
}

/** Gives the screen most of the space: the people in a column at the right, or in a row above when it is narrow. */
export function shareLayout(box: Box): ShareLayout {
  const isWide = box.width >= 640 && box.width > box.height;
  // A phone on its side: a row would take height that is not there, a column takes width that a screen leaves free.
  const isFlat = box.width >= 480 && box.width > box.height * 2;
  return isWide || isFlat ? columnBesideScreen(box) : rowAboveScreen(box);
}

function columnBesideScreen(box: Box): ShareLayout {
  const width = Math.min(Math.max(box.width * 0.18, 144), 264);
  const height = width / WIDEST;
  const x = box.width - width;
  return {
    screen: { x: 0, y: 0, width: x - TILE_GAP, height: box.height },
    capacity: Math.max(0, Math.floor((box.height + TILE_GAP) / (height + TILE_GAP))),
    tiles: (count) => Array.from({ length: count }, (_, i) => ({ x, y: i * (height + TILE_GAP), width, height })),
  };
}

function rowAboveScreen(box: Box): ShareLayout {
  // At least two: with only one, that would be the own picture.
  const capacity = Math.max(2, Math.floor((box.width + TILE_GAP) / (MIN_TILE_WIDTH + TILE_GAP)));
  const widest = (box.width - (capacity - 1) * TILE_GAP) / capacity;
  const height = Math.min(widest / WIDEST, box.height * 0.22);
  if (height < SMALLEST_STRIP) return { screen: { x: 0, y: 0, ...box }, capacity: 0, tiles: () => [] };
  const width = height * WIDEST;
  const y = height + TILE_GAP;
  return {
    screen: { x: 0, y, width: box.width, height: box.height - y },
    capacity,
    tiles: (count) => {
      const left = (box.width - count * width - (count - 1) * TILE_GAP) / 2;
      return Array.from({ length: count }, (_, i) => ({ x: left + i * (width + TILE_GAP), y: 0, width, height }));
    },
  };
}

function bestGrid(box: Box, count: number): Grid {
  let best: Grid = { columns: 1, rows: count, tile: { width: 0, height: 0 } };
  let bestArea = -1;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const tile = fitTile(
      (box.width - (columns - 1) * TILE_GAP) / columns,
      (box.height - (rows - 1) * TILE_GAP) / rows,
      narrowest(box),
    );
    const area = tile.width * tile.height;
    if (area > bestArea) {
      best = { columns, rows, tile };
      bestArea = area;
    }
  }
  return best;
}

/** On an upright phone a tile may be upright too: the cut-off sides of the picture matter less than its size. */
function narrowest(box: Box): number {
  return box.height > box.width ? 3 / 4 : 4 / 3;
}

/** The largest tile of an allowed shape inside a cell. */
function fitTile(cellWidth: number, cellHeight: number, narrowestShape: number): Box {
  const width = Math.max(0, cellWidth);
  const height = Math.max(0, cellHeight);
  if (width > height * WIDEST) return { width: height * WIDEST, height };
  if (width < height * narrowestShape) return { width, height: width / narrowestShape };
  return { width, height };
}
