// Two players and one ball: the hands that fight over it, and how far what each sees of it is from what the server has.
import type { Game, InputOf } from '@tickwire/netcode';
import { Rig, type RigClient, type RigLink, type RigOptions, type Script } from '@tickwire/netcode/testing';
import { type BallRules, ballGame, HEIGHT, WIDTH } from '../games/ball.ts';

type BallShape = ReturnType<typeof ballGame> extends Game<infer S> ? S : never;
export type BallRig = Rig<BallShape>;
type BallClient = RigClient<BallShape>;

interface Spot {
  x: number;
  y: number;
}

/** Runs at the ball for a while, and then to some other place. Kicks now and then. */
const chase =
  (busy: () => boolean): Script<BallShape> =>
  ({ view, seat }, now, rng): InputOf<BallShape> => {
    const kick = rng.chance(0.05) ? 1 : 0;
    if (!busy()) return {};
    const phase = Math.floor((now + seat * 371) / 600);
    const ball = [...view.ball][0];
    const mine = [...view.striker].find((striker) => striker.mine);
    if (ball === undefined || mine === undefined || phase % 7 === 3) return {};
    const spot = { x: (phase * 197 + seat * 83) % WIDTH, y: (phase * 61 + seat * 139) % HEIGHT };
    const { x, y } = phase % 7 > 4 ? spot : ball;
    return { dx: towards(x - mine.x), dy: towards(y - mine.y), kick };
  };

const towards = (way: number): number => (way > 6 ? 1 : way < -6 ? -1 : 0);

/** What one client saw of the ball. */
export interface Sight {
  /** Server ticks, how far from the truth the ball was drawn at each, and how often it had been touched, as far as was known. */
  readonly errors: {
    readonly at: number;
    readonly tick: number;
    readonly error: number;
    readonly touches: number;
  }[];
  /** When the ball was corrected: the snapshot's tick, and how far it jumped. */
  readonly corrections: { readonly at: number; readonly settled: number; readonly size: number }[];
}

export interface Contest {
  readonly rig: BallRig;
  readonly sights: readonly Sight[];
  /** By tick: how often the ball had been touched, and by whom last. */
  readonly touches: readonly { readonly count: number; readonly by: number }[];
  /** From now on nobody does anything. */
  rest(): void;
}

export type ContestOptions = BallRules & {
  readonly link: RigLink;
  readonly seed: number;
  readonly seconds: number;
  readonly rig?: Partial<RigOptions<BallShape>>;
  /** Called after every frame of a client. */
  readonly after?: (rig: BallRig, client: BallClient) => void;
};

/** Plays, and compares each drawn ball with the server's at that tick. */
export function contest({ link, seed, seconds, rig: more = {}, after, ...rules }: ContestOptions): Contest {
  let busy = true;
  const script = chase(() => busy);
  const rig = new Rig({ game: ballGame(rules), seed, clients: 2, link, script, ...more });
  const truth: Spot[] = [];
  const touches: { count: number; by: number }[] = [];
  rig.onTick = (tick) => {
    const ball = [...rig.server.room.world.ball][0];
    truth[tick] = { x: ball?.x ?? 0, y: ball?.y ?? 0 };
    touches[tick] = { count: ball?.touches ?? 0, by: ball?.touchedBy ?? 0 };
  };
  const drawn = rig.clients.map(
    () => [] as { at: number; tick: number; x: number; y: number; touches: number }[],
  );
  const corrections = rig.clients.map(() => [] as { at: number; settled: number; size: number }[]);
  const before = rig.clients.map(() => new Map<number, Spot>());
  rig.onFrame = (client) => {
    after?.(rig, client);
    const ball = [...client.core.view.ball][0];
    const { predictor } = client.core;
    if (ball === undefined || predictor === undefined || !ball.predicted) return;
    const tick = client.core.view.ownTick;
    drawn[client.index]?.push({ at: rig.now, tick, x: ball.x, y: ball.y, touches: ball.touches });
    noteJumps(client, before[client.index] as Map<number, Spot>, corrections[client.index] ?? [], rig.now);
  };
  rig.run(seconds * 1_000);
  const sights = drawn.map((frames, index) => ({
    corrections: corrections[index] ?? [],
    errors: frames.flatMap(({ at, tick, x, y, touches: known }) => {
      const spot = spotAt(truth, tick);
      return spot === undefined
        ? []
        : [{ at, tick, error: Math.hypot(x - spot.x, y - spot.y), touches: known }];
    }),
  }));
  const rest = (): void => {
    busy = false;
  };
  return { rig, sights, touches, rest };
}

/** Where a client predicts the ball after a tick, if it remembers. */
export function ballAt({ game, predictor }: BallClient['core'], tick: number): Spot | undefined {
  const schema = game.schema.rows.find(({ name }) => name === 'ball');
  const rows = schema === undefined ? undefined : predictor?.at(tick)?.tables[schema.index];
  if (rows === undefined || rows.count === 0) return undefined;
  const [x = 0, y = 0] = ['x', 'y'].map((name) => rows.data[schema?.byName.get(name)?.at ?? 0] ?? 0);
  return { x: x / 256, y: y / 256 };
}

/** A tick whose prediction changed: by how much, at the newest tick that both predictions have. */
function noteJumps(
  { core }: BallClient,
  before: Map<number, Spot>,
  found: { at: number; settled: number; size: number }[],
  now: number,
): void {
  const { predictor } = core;
  if (predictor === undefined) return;
  let size = 0;
  for (let tick = predictor.tick - 8; tick <= predictor.tick; tick++) {
    const spot = ballAt(core, tick);
    if (spot === undefined) continue;
    const old = before.get(tick);
    if (old !== undefined) size = Math.hypot(spot.x - old.x, spot.y - old.y);
    before.set(tick, spot);
    before.delete(tick - 64);
  }
  if (size > 0) found.push({ at: now, settled: predictor.settled, size });
}

function spotAt(truth: readonly Spot[], tick: number): Spot | undefined {
  const low = truth[Math.floor(tick)];
  const high = truth[Math.ceil(tick)];
  if (low === undefined || high === undefined) return undefined;
  const share = tick - Math.floor(tick);
  return { x: low.x + (high.x - low.x) * share, y: low.y + (high.y - low.y) * share };
}

export const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;

/** A correction, and how far from the truth the ball was still drawn 250 ms later. */
interface Convergence {
  readonly size: number;
  readonly rest: number;
}

const CONVERGED_MS = 250;

/**
 * What became of each correction after which the future held nothing unknown: nobody else touched the ball in the ticks that the
 * client had yet to learn of, nor was expected to, and no further correction came.
 */
export function convergences({ sights, touches }: Contest): Convergence[] {
  return sights.flatMap(({ corrections, errors }, index) =>
    corrections.flatMap(({ at, settled, size }, i) => {
      const next = corrections[i + 1];
      const seen = errors.find((frame) => frame.at >= at + CONVERGED_MS);
      if (seen === undefined || (next !== undefined && next.at <= seen.at)) return [];
      if (touches[Math.ceil(seen.tick)]?.count !== seen.touches) return [];
      for (let tick = settled + 1; tick <= seen.tick + 1; tick++)
        if (touches[tick]?.count !== touches[tick - 1]?.count && touches[tick]?.by !== index + 1) return [];
      return [{ size, rest: seen.error }];
    }),
  );
}
