/** What lies over the picture: bars, clock, scores, feed, minimap, wire. Reads the view, draws HTML. */

import type { ArenaClient, ShipView } from '../page/client.ts';
import { inPause, PAUSE_TICKS } from '../rules/match.ts';
import { RAIL_COOLDOWN_TICKS } from '../rules/rail.ts';
import { DASH_COOLDOWN_TICKS, shieldAt } from '../rules/ship.ts';
import type { Eye } from '../scene/camera.ts';
import { MAX_HEALTH, MAX_SHIELD, TICK_RATE } from '../schema.ts';
import { ConnectionPanel } from './connection.ts';
import { element, setText } from './dom.ts';
import { Feed, nameOf } from './feed.ts';
import { Minimap } from './minimap.ts';
import { byScore, Scoreboard } from './scoreboard.ts';

export class Hud {
  readonly feed = new Feed();
  readonly #scoreboard = new Scoreboard();
  readonly #minimap = new Minimap();
  readonly #connection = new ConnectionPanel();
  readonly #health = element('health');
  readonly #shield = element('shield');
  readonly #dash = element('dash');
  readonly #rail = element('rail');
  readonly #rapid = element('rapid');
  readonly #vitals = element('vitals');
  readonly #clock = element('clock');
  readonly #respawn = element('respawn');
  readonly #respawnBy = element('respawn-by');
  readonly #respawnIn = element('respawn-in');
  readonly #result = element('result');
  readonly #hurt = element('hurt');
  readonly #hurtFrom = element('hurt-from');
  #killedBy = '';

  update(client: ArenaClient, alive: boolean, eye: Eye): void {
    const now = performance.now();
    this.#bars(client);
    this.#round(client);
    this.#waiting(client, alive);
    this.#scoreboard.update(client, now);
    this.#minimap.update(client, eye, now);
    this.#connection.update(client, now);
  }

  killed(client: ArenaClient, killer: number, victim: number, streak: number): void {
    this.feed.kill(client, killer, victim, streak);
    if (victim === client.seat) this.#killedBy = nameOf(client, killer);
  }

  /** A red edge, and an arc on the side that the hit came from. */
  hurt(from: number | undefined, strength: number): void {
    this.#hurt.style.setProperty('--strength', String(strength));
    replay(this.#hurt);
    if (from === undefined) return;
    this.#hurtFrom.style.setProperty('--from', `${from}rad`);
    replay(this.#hurtFrom);
  }

  #bars(client: ArenaClient): void {
    const ship = ownShip(client);
    const { tick } = client;
    const health = ship?.health ?? 0;
    const shield = ship === undefined ? 0 : shieldAt(ship, tick);
    bar(this.#health, health / MAX_HEALTH, String(health));
    bar(this.#shield, shield / MAX_SHIELD, String(shield));
    cooldown(this.#dash, ship?.dashAt ?? 0, tick, DASH_COOLDOWN_TICKS);
    cooldown(this.#rail, ship?.railAt ?? 0, tick, RAIL_COOLDOWN_TICKS);
    this.#vitals.classList.toggle('gone', ship === undefined);
    this.#vitals.classList.toggle('low', ship !== undefined && health < 35);
    const rapid = ship === undefined ? 0 : Math.max(0, ship.rapidUntil - tick) / TICK_RATE;
    this.#rapid.hidden = rapid === 0;
    if (rapid > 0) setText(this.#rapid, `Rapid fire ${Math.ceil(rapid)}`);
  }

  #round(client: ArenaClient): void {
    const { room } = client.view;
    if (room === undefined) return;
    const left = Math.max(0, Math.ceil((room.endsAt - client.tick) / TICK_RATE));
    setText(this.#clock, `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`);
    this.#clock.classList.toggle('soon', left <= 20);
    const pause = inPause(room, client.tick);
    this.#result.hidden = !pause;
    if (!pause) return;
    const [first] = [...client.view.players].sort(byScore);
    const next = Math.ceil((room.endsAt + PAUSE_TICKS - client.tick) / TICK_RATE);
    const won =
      first === undefined || first.kills === 0 ? 'Nobody wins' : `${first.name} wins with ${first.kills}`;
    setText(this.#result, `${won}\nNext round in ${next}`);
  }

  #waiting(client: ArenaClient, alive: boolean): void {
    const due = client.view.players.get(client.seat)?.respawnAt ?? 0;
    this.#respawn.hidden = alive || due === 0;
    if (this.#respawn.hidden) return;
    setText(this.#respawnBy, this.#killedBy === '' ? 'Destroyed' : `Destroyed by ${this.#killedBy}`);
    setText(this.#respawnIn, (Math.max(0, due - client.tick) / TICK_RATE).toFixed(1));
  }
}

function ownShip(client: ArenaClient): ShipView | undefined {
  for (const ship of client.view.ship) if (ship.owner === client.seat) return ship;
  return undefined;
}

function bar(target: HTMLElement, part: number, words: string): void {
  const filled = part.toFixed(3);
  if (target.style.getPropertyValue('--part') !== filled) target.style.setProperty('--part', filled);
  const label = target.lastElementChild as HTMLElement;
  setText(label, words);
}

/** Fills up until `readyAt`, and then lights up. */
function cooldown(target: HTMLElement, readyAt: number, tick: number, ticks: number): void {
  const wait = Math.max(0, readyAt - tick) / ticks;
  bar(target, 1 - wait, '');
  target.classList.toggle('ready', wait === 0);
}

function replay(target: HTMLElement): void {
  target.classList.remove('shown');
  void target.offsetWidth;
  target.classList.add('shown');
}
