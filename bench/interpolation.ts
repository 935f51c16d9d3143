/**
 * What drawing others costs per frame: the client's own path against @geckos.io/snapshot-interpolation, on the same entities with x, y
 * and an angle, 20 snapshots and 60 frames per second. Finding snapshots and pairing rows is part of the time. `--json` for machines.
 */

import { FRAMES_PER_SNAPSHOT, Peer, STEP, Tickwire, TURN, TURN_STEP } from './drawing/sides.ts';

const SIZES = [100, 1_000, 5_000];
const WARM_ROUNDS = 8;
const MEMORY_ROUNDS = 9;
/** Snapshots of one round: three seconds. */
const ROUND = 60;
const ROUND_FRAMES = ROUND * FRAMES_PER_SNAPSHOT;
/** Frames that the peer draws in one round: about 100 ms of work. */
const PEER_FRAMES: Readonly<Record<number, number>> = { 100: 600, 1000: 45, 5000: 6 };
/** One frame in so many of the first round is compared, value by value. */
const COMPARED = 7;

const HELP = `npm run bench:interpolation [-- --json] [-- --rounds=N]

Times one drawn frame of ${SIZES.join(', ')} entities: Tickwire's client against @geckos.io/snapshot-interpolation.
They take turns, N rounds each (default 11); medians are printed. What both draw is compared first.`;

interface Result {
  readonly entities: number;
  readonly tickwireUs: number;
  readonly peerUs: number;
  readonly ratio: number;
  readonly nsPerEntity: number;
  /** With every second row sent a tick earlier, so that no two neighbours blend alike. */
  readonly scatteredUs: number;
  /** Reading every value through `client.view` in a loop, beside the drawing. */
  readonly readUs: number;
  readonly allocatedPerFrame: number;
  readonly allocatedPerRead: number;
  /** The peer drew the same values, within a grid step. */
  readonly checked: boolean;
}

const json = process.argv.includes('--json');
const help = process.argv.includes('--help') || process.argv.includes('-h');
const rounds = Number(process.argv.find((arg) => arg.startsWith('--rounds='))?.slice(9) ?? 11);
/** What was read, so that no compiler leaves the reading out. */
let sink = 0;

if (help) console.log(HELP);
else if (Number.isInteger(rounds) && rounds >= 1) run();
else stop('--rounds takes a whole number from 1, such as 11.');

function run(): void {
  const results = SIZES.map(measure);
  if (json) console.log(JSON.stringify({ rows: results }));
  else print(results);
  if (!Number.isFinite(sink) || results.some(({ checked }) => !checked))
    stop('The two draw different values.');
}

function measure(entities: number): Result {
  const tickwire = new Tickwire(entities);
  const peer = new Peer(entities);
  progress(`${entities} entities: comparing`);
  const checked = compare(tickwire, peer);
  const scattered = new Tickwire(entities, true);
  const times = { drawn: [] as number[], scattered: [] as number[], reads: [] as number[] };
  const peers: number[] = [];
  progress(`${entities} entities: warming up`);
  // Nothing calls the collector from here on: it would throw away what the compiler has learnt.
  for (let i = 0; i < WARM_ROUNDS; i++) {
    playRound(tickwire);
    readRound(tickwire);
    playRound(scattered);
  }
  for (let i = 0; i < rounds; i++) {
    progress(`${entities} entities: round ${i + 1} of ${rounds}`);
    timeRound(tickwire, times.drawn);
    timeReads(tickwire, times.reads);
    timeRound(scattered, times.scattered);
    timePeer(peer, PEER_FRAMES[entities] ?? 1, peers);
  }
  progress(`${entities} entities: memory`);
  const grown = { drawn: [] as number[], reads: [] as number[], nothing: [] as number[] };
  for (let i = 0; i < MEMORY_ROUNDS; i++) {
    grown.drawn.push(growth(() => playRound(tickwire)));
    grown.reads.push(growth(() => readRound(tickwire)));
    grown.nothing.push(growth(() => {}));
  }
  const perFrame = (bytes: number[]): number =>
    rounded(Math.max(0, median(bytes) - median(grown.nothing)) / ROUND_FRAMES, 1);
  const tickwireUs = (median(times.drawn) * 1000) / FRAMES_PER_SNAPSHOT;
  const peerUs = median(peers) * 1000;
  return {
    entities,
    tickwireUs: rounded(tickwireUs, 2),
    peerUs: rounded(peerUs, 1),
    ratio: Math.floor(peerUs / tickwireUs),
    nsPerEntity: rounded((tickwireUs * 1000) / entities, 2),
    scatteredUs: rounded((median(times.scattered) * 1000) / FRAMES_PER_SNAPSHOT, 2),
    readUs: rounded(median(times.reads) * 1000, 2),
    allocatedPerFrame: perFrame(grown.drawn),
    allocatedPerRead: perFrame(grown.reads),
    checked,
  };
}

function playRound(tickwire: Tickwire): void {
  for (let snapshot = 0; snapshot < ROUND; snapshot++) {
    tickwire.arrive();
    drawFrames(tickwire);
  }
}

/** The frames between two snapshots: one of them pairs rows. */
function drawFrames(tickwire: Tickwire): void {
  for (let frame = 0; frame < FRAMES_PER_SNAPSHOT; frame++) tickwire.draw();
}

function readRound(tickwire: Tickwire): void {
  for (let frame = 0; frame < ROUND_FRAMES; frame++) sink += tickwire.read();
}

/** Bytes by which the heap grows. */
function growth(work: () => void): number {
  const before = process.memoryUsage().heapUsed;
  work();
  return process.memoryUsage().heapUsed - before;
}

/** Milliseconds of the frames of each snapshot. */
function timeRound(tickwire: Tickwire, into: number[]): void {
  for (let snapshot = 0; snapshot < ROUND; snapshot++) {
    tickwire.arrive();
    const start = performance.now();
    drawFrames(tickwire);
    into.push(performance.now() - start);
  }
}

/** Milliseconds of each reading of all rows. */
function timeReads(tickwire: Tickwire, into: number[]): void {
  for (let reading = 0; reading < ROUND; reading++) {
    const start = performance.now();
    sink += tickwire.read();
    into.push(performance.now() - start);
  }
}

/** Milliseconds of each frame; the arrival of snapshots is not counted. */
function timePeer(peer: Peer, frames: number, into: number[]): void {
  for (let frame = 0; frame < frames; frame++) {
    peer.advance(1);
    const start = performance.now();
    sink += peer.draw().length;
    into.push(performance.now() - start);
  }
}

/** Whether both draw the same, within a grid step, over frames spread through a round. */
function compare(tickwire: Tickwire, peer: Peer): boolean {
  let compared = 0;
  let equal = true;
  for (let frame = 0; frame < ROUND_FRAMES; frame++) {
    if (frame % FRAMES_PER_SNAPSHOT === 0) tickwire.arrive();
    tickwire.draw();
    const { view } = tickwire;
    // The first snapshot is waited for before anything moves.
    if (view.tick < 0 || frame % COMPARED !== 0) continue;
    peer.advance(view.tick - peer.tick);
    const drawn = peer.draw();
    equal &&= drawn.length === view.ship.count;
    for (const { id, x, y, r } of drawn) {
      const ship = view.ship.get(Number(id));
      if (ship === undefined) return false;
      const turned = Math.abs(ship.angle - Number(r)) % TURN;
      equal &&= Math.abs(ship.x - Number(x)) <= STEP && Math.abs(ship.y - Number(y)) <= STEP;
      equal &&= Math.min(turned, TURN - turned) <= TURN_STEP;
      compared++;
    }
  }
  return equal && compared > 0;
}

function print(rows: readonly Result[]): void {
  const columns: [string, (row: Result) => string][] = [
    ['entities', ({ entities }) => entities.toLocaleString('en')],
    ['Tickwire', ({ tickwireUs }) => `${tickwireUs.toFixed(2)} µs`],
    ['per entity', ({ nsPerEntity }) => `${nsPerEntity.toFixed(2)} ns`],
    ['allocated', ({ allocatedPerFrame }) => `${allocatedPerFrame} B`],
    ['scattered', ({ scatteredUs }) => `${scatteredUs.toFixed(2)} µs`],
    ['reading all', ({ readUs }) => `${readUs.toFixed(2)} µs`],
    ['allocated', ({ allocatedPerRead }) => `${allocatedPerRead} B`],
    ['peer', ({ peerUs }) => `${peerUs.toFixed(1)} µs`],
    ['ratio', ({ ratio }) => `${ratio.toLocaleString('en')}x`],
    ['same values', ({ checked }) => (checked ? 'yes' : 'NO')],
  ];
  console.log(`One drawn frame, against @geckos.io/snapshot-interpolation; medians of ${rounds} rounds\n`);
  console.log(columns.map(([title]) => title.padStart(12)).join(''));
  for (const row of rows) console.log(columns.map(([, cell]) => cell(row).padStart(12)).join(''));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function progress(what: string): void {
  console.error(what);
}

function stop(why: string): void {
  console.error(why);
  process.exitCode = 1;
}
