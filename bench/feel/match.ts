/**
 * One match of the arena over one network, watched: who plays, what the server had at every tick, and what each page showed in every
 * frame by each method.
 *
 * Two people play over the network: one whose hands stop and go, and one whose hands are a bot's mind that sees what its page holds.
 * Both shoot the rail gun at what they see. Bots on the server make the crowd.
 */

import { Rig, type RigClient } from '@tickwire/netcode/testing';
import { createBot } from '../../examples/arena/bots/think.ts';
import { game } from '../../examples/arena/game.ts';
import { mapOf } from '../../examples/arena/rules/map.ts';
import type { Input, World } from '../../examples/arena/schema.ts';
import { type Cell, linkOf } from './cells.ts';
import { Corrections } from './corrections.ts';
import { Figures } from './figures.ts';
import { Hits } from './hits.ts';
import { shootAtSight } from './marksman.ts';
import { Geckos } from './methods/geckos.ts';
import { Lerp100 } from './methods/lerp.ts';
import type { Method } from './methods/method.ts';
import { Tickwire } from './methods/tickwire.ts';
import { Answers, StopAndGo } from './probe.ts';
import { type ArenaShape, seatOf, TICK_MS, TICK_RATE } from './ships.ts';
import { Arrivals, Trace } from './trace.ts';
import { Truth } from './truth.ts';

const PEOPLE = 2;
const BOTS = 6;
/** A bot makes up its mind at every so many ticks. */
const THINK_TICKS = 3;
/** Before anything counts: joins, clocks, the first estimates. */
const WARM_UP_MS = 6_000;
/** After the last moment that counts, until it is shown. */
const TAIL_MS = 1_000;
const STEP_MS = 500;

const MAP = game.definition.options?.map ?? 'cross';

/** What is seen at one person's page. */
export class Page {
  readonly client: RigClient<ArenaShape>;
  readonly traces: readonly Trace[];
  readonly arrivals = new Arrivals();
  /** By method, in the order of `traces`; only of the page whose hands stop and go. */
  readonly answers: readonly Answers[];
  readonly corrections: Corrections;
  readonly slack = new Figures();
  readonly lead = new Figures();

  constructor(client: RigClient<ArenaShape>) {
    this.client = client;
    const methods: Method[] = [new Tickwire(client.core), new Lerp100(), new Geckos()];
    this.traces = methods.map((method) => new Trace(method));
    this.answers = methods.map(() => new Answers());
    this.corrections = new Corrections(client.core);
  }
}

export class Match {
  readonly rig: Rig<ArenaShape>;
  readonly pages: readonly Page[];
  readonly truth = new Truth();
  readonly hits = new Hits();
  readonly #map = mapOf(MAP);
  readonly #hands = new StopAndGo(this.#map);
  readonly #fighter = createBot(MAP);
  #counts = false;
  #before: readonly Counts[] = [];
  #ranAt = 0;
  /** Milliseconds that count so far. */
  measuredMs = 0;

  constructor(cell: Cell, seed: number) {
    const crowd = bots();
    this.rig = new Rig<ArenaShape>({
      game: this.hits.game,
      seed,
      clients: PEOPLE,
      link: linkOf(cell),
      bots: Array.from({ length: BOTS }, () => crowd),
      script: (core, _now, rng) => {
        const world = core.predictor?.simulation.world as World | undefined;
        if (world === undefined) return {};
        const [ship] = world.ship.ownedBy(core.seat);
        const input =
          core === this.rig.clients[0]?.core
            ? this.#hands.hands(ship, rng)
            : this.#fighter(world, core.seat, core.tick);
        return shootAtSight(core, input, this.#map, rng);
      },
    });
    this.pages = this.rig.clients.map((client) => new Page(client));
    this.rig.onTick = (tick) => {
      this.#ranAt = this.rig.now;
      this.truth.note(tick, this.rig.server.room.world.ship);
    };
    this.rig.onSnapshot = ({ index }, replica) => {
      const page = this.pages[index] as Page;
      page.corrections.before(this.#counts);
      page.arrivals.add(replica.tick);
      for (const { method } of page.traces) method.arrived(this.rig.now, replica);
    };
    this.rig.onFrame = ({ index }) => this.#frame(this.pages[index] as Page, index === 0);
  }

  /** Lets the clocks settle, then plays what counts, and holds it against the truth. */
  play(seconds: number, progress?: (doneMs: number, ofMs: number) => void): this {
    const { rig } = this;
    const total = WARM_UP_MS + seconds * 1_000 + TAIL_MS;
    rig.run(WARM_UP_MS);
    this.#counts = true;
    this.#before = this.pages.map((page) => countsOf(rig, page));
    const from = rig.server.tick;
    while (rig.now < total) {
      rig.run(Math.min(STEP_MS, total - rig.now));
      progress?.(rig.now, total);
    }
    this.measuredMs = total - WARM_UP_MS;
    const to = from + seconds * TICK_RATE;
    for (const { traces, client } of this.pages) {
      for (const trace of traces) trace.judge(this.truth, from, to);
      this.hits.judge(client.core.seat, from, to);
    }
    rig.expectClean();
    return this;
  }

  /** What a page's connection did in the time that counts. */
  counts(page: Page): Counts {
    const before = this.#before[this.pages.indexOf(page)] as Counts;
    const after = countsOf(this.rig, page);
    return {
      mispredictions: after.mispredictions - before.mispredictions,
      substituted: after.substituted - before.substituted,
      bytesUp: after.bytesUp - before.bytesUp,
      bytesDown: after.bytesDown - before.bytesDown,
    };
  }

  #frame(page: Page, probed: boolean): void {
    const { core } = page.client;
    page.corrections.after(this.#counts);
    const present = this.rig.server.tick + (this.rig.now - this.#ranAt) / TICK_MS;
    page.traces.forEach((trace, i) => {
      const tick = trace.method.frame(this.rig.now);
      if (!this.#counts) return;
      if (tick !== undefined) trace.note(tick, page.arrivals, present, core.seat);
      if (probed) this.#answer(trace.method, page.answers[i] as Answers, core.seat);
    });
    if (!this.#counts) return;
    const { slack, lead } = core.stats();
    page.slack.add(slack);
    page.lead.add(lead);
  }

  #answer(method: Method, answers: Answers, seat: number): void {
    let [own, ownX, ownY]: [number | undefined, number, number] = [undefined, 0, 0];
    method.ships((id, x, y) => {
      if (seatOf(id) === seat) [own, ownX, ownY] = [id, x, y];
    });
    answers.frame(own, ownX, ownY, this.#hands.pushed);
  }
}

/** What a connection counts up from its beginning. */
export interface Counts {
  readonly mispredictions: number;
  readonly substituted: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

function countsOf(rig: Rig<ArenaShape>, { client }: Page): Counts {
  const commands = rig.server.session(client.core.seat)?.commands.stats;
  return {
    mispredictions: client.core.stats().mispredictions,
    substituted: (commands?.substituted ?? 0) + (commands?.neutral ?? 0),
    bytesUp: client.up.stats.bytesSent,
    bytesDown: client.down.stats.bytesSent,
  };
}

/** The arena's own bots, with a little time to think. */
function bots(): (world: World, me: number, tick: number) => Input {
  const mind = createBot(MAP);
  const held = new Map<number, Input>();
  return (world, me, tick) => {
    const last = held.get(me);
    if (last !== undefined && (tick + me) % THINK_TICKS !== 0) return last;
    const input = mind(world, me, tick);
    held.set(me, input);
    return input;
  };
}
