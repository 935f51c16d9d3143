/** Who leads: five rows always, all of them while Tab is held. */

import type { ArenaClient, PlayerView } from '../page/client.ts';
import { cssColour, playerColour } from '../scene/palette.ts';
import { element } from './dom.ts';

const EVERY_MS = 250;
const TOP = 5;

export class Scoreboard {
  readonly #top = element('top');
  readonly #panel = element('scores');
  readonly #rows = element('score-rows');
  #next = 0;
  #shown = '';

  constructor() {
    window.addEventListener('keydown', (event) => {
      if (event.code !== 'Tab' || event.target instanceof HTMLInputElement) return;
      if (document.body.classList.contains('playing')) {
        event.preventDefault();
        this.#panel.classList.add('shown');
      }
    });
    window.addEventListener('keyup', (event) => {
      if (event.code === 'Tab') this.#panel.classList.remove('shown');
    });
    window.addEventListener('blur', () => this.#panel.classList.remove('shown'));
    this.#top.addEventListener('click', () => this.#panel.classList.toggle('shown'));
    this.#panel.addEventListener('click', () => this.#panel.classList.remove('shown'));
  }

  update(client: ArenaClient, now: number): void {
    if (now < this.#next) return;
    this.#next = now + EVERY_MS;
    const ranked = [...client.view.players].sort(byScore);
    const shown = ranked
      .map((p) => `${p.seat} ${p.name} ${p.kills} ${p.deaths} ${p.streak} ${p.status}`)
      .join('\n');
    if (shown === this.#shown) return;
    this.#shown = shown;
    const own = ranked.findIndex((player) => player.seat === client.seat);
    const visible = ranked.slice(0, TOP);
    if (own >= TOP) visible.splice(TOP - 1, 1, ranked[own]!);
    this.#top.replaceChildren(
      ...visible.map((player) => this.#compact(client, player, ranked.indexOf(player) + 1)),
    );
    this.#rows.replaceChildren(...ranked.map((player, index) => this.#full(client, player, index + 1)));
  }

  #compact(client: ArenaClient, player: PlayerView, rank: number): HTMLElement {
    const row = document.createElement('li');
    row.className = classOf(client, player);
    row.style.setProperty('--player', cssColour(playerColour(player.hue)));
    row.append(cell('span', String(rank)), cell('b', player.name), cell('em', String(player.kills)));
    return row;
  }

  #full(client: ArenaClient, player: PlayerView, rank: number): HTMLElement {
    const row = document.createElement('tr');
    row.className = classOf(client, player);
    row.style.setProperty('--player', cssColour(playerColour(player.hue)));
    const name = player.status === 'present' ? player.name : `${player.name} (${player.status})`;
    row.append(
      cell('td', String(rank)),
      cell('td', name),
      cell('td', String(player.kills)),
      cell('td', String(player.deaths)),
      cell('td', String(player.streak)),
    );
    return row;
  }
}

/** More kills, then fewer deaths, then the lower seat. */
export function byScore(a: PlayerView, b: PlayerView): number {
  return b.kills - a.kills || a.deaths - b.deaths || a.seat - b.seat;
}

function classOf(client: ArenaClient, player: PlayerView): string {
  return `${player.seat === client.seat ? 'own' : ''} ${player.status === 'away' ? 'away' : ''}`.trim();
}

function cell(tag: 'span' | 'b' | 'em' | 'td', words: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = words;
  return made;
}
