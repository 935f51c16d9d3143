// The other processes of the test, from one bundle: the game's server, the bad network, and the rig with the same network.
// Each has its own process, as in life; and the test's own is too busy to keep time to the millisecond.

import { Rig } from '@tickwire/netcode/testing';
import { serve } from '@tickwire/server';
import { type Network, openNet, type RelayStats } from '@tickwire/server/testing';
import { game } from '../../../examples/arena/game.ts';
import { type Commands, type Figures, figuresOf, type Sample, sampleOf } from './figures.ts';
import { type Course, Flight, flyer } from './flights.ts';

export interface Settings {
  readonly seed: number;
  readonly map: string;
  /** Of the built page. */
  readonly folder?: string;
  readonly target?: string;
  readonly network: Network;
}

/** What is asked of a host. */
export type Question = 'report' | { readonly darken: number } | 'rebind';

export interface ServerReport {
  readonly players: readonly { readonly seat: number; readonly name: string; readonly commands: Commands }[];
  /** Where the bot's ship was, by tick. */
  readonly course: readonly (readonly [tick: number, x: number, y: number])[];
  readonly connections: number;
}

export type NetReport = RelayStats;

/** The command clock and the view have found their distance. */
const WARM_UP_MS = 6_000;
const RIG_MS = 30_000;

const [mode, text = '{}'] = process.argv.slice(2);
const settings = JSON.parse(text) as Settings;
const tell = (message: unknown): void => void process.send?.(message);

if (mode === 'server') await hostServer();
else if (mode === 'net') await hostNet();
else tell(playRig());

async function hostServer(): Promise<void> {
  const { seed, map, folder } = settings;
  const course: Course = new Map();
  const server = await serve(game, {
    port: 0,
    host: '127.0.0.1',
    seed,
    options: { map },
    ...(folder === undefined ? {} : { static: folder }),
  });
  server.core.addBot({ name: 'Flyer', think: flyer(map, course) });
  process.on('message', () => {
    const { core } = server;
    const players = [...core.room.world.players].flatMap(({ seat, name }) => {
      const commands = core.session(seat)?.commands.stats;
      return commands === undefined ? [] : [{ seat, name, commands }];
    });
    const way = [...course].map(([tick, { x, y }]) => [tick, x, y] as const);
    tell({ players, course: way, connections: core.stats().connections } satisfies ServerReport);
  });
  tell(`http://127.0.0.1:${server.port}`);
}

async function hostNet(): Promise<void> {
  const { target = '', network, seed } = settings;
  const net = await openNet({ target, port: 0, network, seed });
  process.on('message', (question: Question) => {
    if (question === 'rebind') net.relay.rebind();
    else if (question !== 'report') net.relay.darken(question.darken);
    tell(net.relay.stats());
  });
  tell(net.url);
}

/** Half a minute of the same game over the same network, in virtual time. */
function playRig(): Figures {
  const { seed, map, network } = settings;
  const flight = new Flight();
  const rig = new Rig({
    game,
    seed,
    clients: 1,
    link: network,
    options: { map },
    bots: [flyer(map)],
    script: (client, now) => {
      const own = [...client.view.ship].find((ship) => ship.mine);
      // The page's aim follows where the ship is drawn, so it changes all the time.
      const aim = (now / 700) % 6;
      return {
        ...(own === undefined ? { mx: 0, my: 0 } : flight.steer(map, own)),
        aim,
        fire: false,
        dash: 0,
      };
    },
  });
  rig.run(WARM_UP_MS);
  const [client] = rig.clients;
  const commands = (): Commands => ({
    ...(rig.server.session(client?.core.seat ?? 0)?.commands.stats as Commands),
  });
  const before = commands();
  const samples: Sample[] = [];
  for (let ms = 0; ms < RIG_MS; ms += 100) {
    rig.run(100);
    samples.push(sampleOf(client?.core.stats() as never));
  }
  rig.expectClean();
  return figuresOf(samples, RIG_MS / 1000, [before, commands()]);
}
