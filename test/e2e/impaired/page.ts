// What is looked at in the page. The functions run there: they use nothing from outside of themselves.

import type { ArenaClient } from '../../../examples/arena/page/client.ts';

declare global {
  interface Window {
    recording?: Recording;
  }
}

/** Where a ship was drawn, how fast it flew then, and which tick the view showed. */
export type Frame = readonly [tick: number, x: number, y: number, vx: number, vy: number];

export interface Recording {
  /** Each frame of the page, and one more every 16 ms where the page is slower. */
  others: Frame[];
  own: Frame[];
  stats: ReturnType<ArenaClient['stats']>[];
  /** Times between two frames of the page, in ms. */
  gaps: number[];
  /** What the connection went through. */
  states: string[];
}

/** Starts, or starts over, what `window.recording` holds. */
export function record(): void {
  const client = window.tickwire as ArenaClient;
  const running = window.recording !== undefined;
  const recording: Recording = { others: [], own: [], stats: [], gaps: [], states: [] };
  window.recording = recording;
  if (running) return;
  const now = (): Recording => window.recording as Recording;
  const look = (): void => {
    const { others, own } = now();
    for (const { mine, x, y, vx, vy } of client.view.ship)
      (mine ? own : others).push([client.view.tick, x, y, vx, vy]);
  };
  let before = performance.now();
  const frame = (): void => {
    const at = performance.now();
    now().gaps.push(at - before);
    before = at;
    look();
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  // A faster screen asks the view more often; software that draws at 10 Hz must not hide what it would show.
  setInterval(() => {
    client.core.draw(performance.now());
    look();
  }, 16);
  setInterval(() => now().stats.push(client.stats()), 100);
  client.on('state', (state, { code }) =>
    now().states.push(`${state}${code === undefined ? '' : ` (${code})`}`),
  );
}

export const recorded = (): Recording => window.recording as Recording;
