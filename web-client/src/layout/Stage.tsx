// SPDX-License-Identifier: EUPL-1.2
// The people, or a shared screen with the people beside it. Decides who is seen and where; draws nothing itself.
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { handPlaces } from '../conference/hands';
import type { Conference, ParticipantView } from '../conference/model';
import { fill, t } from '../i18n';
import { IconButton } from '../ui/Button';
import { Icon } from '../ui/Icon';
import { duoRects, gridCapacity, gridRects, shareLayout, type Box, type Rect } from './grid';
import { placement } from './placement';
import { ShareView } from './ShareView';
import { arrangeSeats } from './stable-tiles';
import { Tile } from './Tile';
import './stage.css';

/** Height of the line with the page numbers, in CSS pixels. */
const PAGER_HEIGHT = 52;

/** The large area of the room. */
export function Stage({ conference }: { conference: Conference }) {
  const area = useRef<HTMLDivElement>(null);
  const box = useBoxOf(area);
  return (
    <div class="stage" ref={area}>
      {box.width > 0 && <Seating conference={conference} box={box} />}
    </div>
  );
}

function Seating({ conference, box }: { conference: Conference; box: Box }) {
  const words = t.value.room;
  const page = useSignal(0);
  const order = useRef<readonly string[]>([]);
  const { screen, screens, choose } = useShownScreen(conference.remotes.value);

  const people = [...conference.remotes.value, conference.local];
  const plan = planStage(box, people.length, screen !== null);
  order.current = arrangeSeats(
    order.current,
    people.map((person) => ({
      id: person.identity,
      isLocal: person.isLocal,
      isSpeaking: person.isSpeaking.value,
      spokeAtMs: person.spokeAtMs.value,
    })),
    plan.pageSize,
  );
  const pages = plan.pageSize === 0 ? 1 : Math.ceil(people.length / plan.pageSize);
  const shownPage = Math.min(page.value, pages - 1);
  const byId = new Map(people.map((person) => [person.identity, person]));
  const shown = order.current
    .slice(shownPage * plan.pageSize, (shownPage + 1) * plan.pageSize)
    .flatMap((id) => byId.get(id) ?? []);
  const rects = plan.rects(shown);
  const hands = handPlaces(people);

  return (
    <>
      {screen !== null && (
        <ShareView key={screen.identity} person={screen} rect={plan.screen} others={screens} onChoose={choose} />
      )}
      {people.length === 1 && <Alone rect={duoRects(box).other} />}
      <ul class="tiles" aria-label={words.stage}>
        {shown.map((person, index) => (
          <Tile
            key={person.identity}
            person={person}
            rect={rects[index] ?? { x: 0, y: 0, width: 0, height: 0 }}
            handPlace={hands.get(person.identity) ?? null}
            isInset={plan.kind === 'duo' && person.isLocal}
          />
        ))}
      </ul>
      {pages > 1 && <Pager page={shownPage} pages={pages} onPage={(next) => (page.value = next)} />}
    </>
  );
}

interface Plan {
  readonly kind: 'grid' | 'duo' | 'share';
  readonly pageSize: number;
  readonly screen: Rect;
  readonly rects: (shown: readonly ParticipantView[]) => readonly Rect[];
}

const NOWHERE: Rect = { x: 0, y: 0, width: 0, height: 0 };

function planStage(box: Box, count: number, hasScreen: boolean): Plan {
  if (hasScreen) {
    const whole = shareLayout(box);
    const layout = count > whole.capacity ? shareLayout(aboveThePager(box)) : whole;
    return {
      kind: 'share',
      pageSize: layout.capacity,
      screen: layout.screen,
      rects: (shown) => layout.tiles(shown.length),
    };
  }
  if (count <= 2) {
    const { other, own } = duoRects(box);
    const rects = (shown: readonly ParticipantView[]) => shown.map((person) => (person.isLocal ? own : other));
    return { kind: 'duo', pageSize: 2, screen: NOWHERE, rects };
  }
  const space = count > gridCapacity(box) ? aboveThePager(box) : box;
  return {
    kind: 'grid',
    pageSize: gridCapacity(space),
    screen: NOWHERE,
    rects: (shown) => gridRects(space, shown.length),
  };
}

function aboveThePager(box: Box): Box {
  return { width: box.width, height: Math.max(0, box.height - PAGER_HEIGHT) };
}

/** The screen on stage: the one chosen by hand, or else the one shared last. The own screen is never shown back. */
function useShownScreen(remotes: readonly ParticipantView[]) {
  const chosen = useSignal<string | null>(null);
  const sharing = useRef<readonly string[]>([]);
  const screens = remotes.filter((person) => person.screen.value !== null);
  const ids = screens.map((person) => person.identity);
  // In the order in which the sharing began.
  sharing.current = [
    ...sharing.current.filter((id) => ids.includes(id)),
    ...ids.filter((id) => !sharing.current.includes(id)),
  ];
  const shownId = ids.includes(chosen.value ?? '') ? chosen.value : sharing.current.at(-1);
  return {
    screens,
    screen: screens.find((person) => person.identity === shownId) ?? null,
    choose: (id: string) => {
      chosen.value = id;
    },
  };
}

/** Nobody else has come yet. */
function Alone({ rect }: { rect: Rect }) {
  const words = t.value.room;
  return (
    <div class="alone" style={placement(rect)}>
      <Icon name="group" />
      <p class="alone-title">{words.alone}</p>
      <p>{words.aloneText}</p>
    </div>
  );
}

interface PagerProps {
  page: number;
  pages: number;
  onPage: (page: number) => void;
}

function Pager({ page, pages, onPage }: PagerProps) {
  const words = t.value.room;
  const text = fill(words.page, { page: page + 1, pages });
  return (
    <nav class="pager" aria-label={text}>
      <IconButton
        icon="chevronLeft"
        label={words.previousPage}
        data-testid="previous-page"
        onClick={() => onPage((page - 1 + pages) % pages)}
      />
      <span aria-live="polite">{text}</span>
      <IconButton
        icon="chevronRight"
        label={words.nextPage}
        data-testid="next-page"
        onClick={() => onPage((page + 1) % pages)}
      />
    </nav>
  );
}

function useBoxOf(element: { readonly current: HTMLElement | null }): Box {
  const box = useSignal<Box>({ width: 0, height: 0 });
  // Measured before the first paint already: the observer would report a frame later.
  useLayoutEffect(() => {
    const stage = element.current;
    if (stage === null) return undefined;
    const measure = () => {
      const { width, height } = stage.getBoundingClientRect();
      // Hidden behind a panel it has no size; whoever sits where stays there meanwhile.
      if (width > 0 && height > 0) box.value = { width, height };
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(stage);
    return () => observer.disconnect();
  }, [element, box]);
  return box.value;
}
