/** The kill feed, and the big words in the middle when the kill was one's own. */

import type { ArenaClient } from '../page/client.ts';
import { cssColour, playerColour } from '../scene/palette.ts';
import { element } from './dom.ts';

const SHOWN_MS = 6_000;
const MOST_ROWS = 5;
const ANNOUNCE_MS = 1_900;

const STREAKS: Readonly<Record<number, string>> = {
  3: 'On a roll',
  5: 'Unstoppable',
  8: 'Live wire',
  12: 'High voltage',
};

export class Feed {
  readonly #list = element('feed');
  readonly #announce = element('announce');
  #announceTimer = 0;

  kill(client: ArenaClient, killer: number, victim: number, streak: number): void {
    const row = document.createElement('li');
    row.append(this.#name(client, killer), icon(), this.#name(client, victim));
    if (killer === client.seat || victim === client.seat) row.className = 'own';
    this.#list.append(row);
    while (this.#list.childElementCount > MOST_ROWS) this.#list.firstElementChild?.remove();
    setTimeout(() => row.remove(), SHOWN_MS);
    if (killer === client.seat) this.announce(`Destroyed ${nameOf(client, victim)}`, STREAKS[streak] ?? '');
  }

  announce(words: string, below: string): void {
    this.#announce.replaceChildren(line('strong', words), line('span', below));
    this.#announce.classList.remove('shown');
    // Reading the layout restarts the animation.
    void this.#announce.offsetWidth;
    this.#announce.classList.add('shown');
    clearTimeout(this.#announceTimer);
    this.#announceTimer = window.setTimeout(() => this.#announce.classList.remove('shown'), ANNOUNCE_MS);
  }

  #name(client: ArenaClient, seat: number): HTMLElement {
    const name = line('b', nameOf(client, seat));
    name.style.color = cssColour(playerColour(client.view.players.get(seat)?.hue ?? 0));
    return name;
  }
}

export function nameOf(client: ArenaClient, seat: number): string {
  return client.view.players.get(seat)?.name ?? 'somebody';
}

function line(tag: 'b' | 'strong' | 'span', words: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = words;
  return made;
}

function icon(): HTMLElement {
  const made = document.createElement('i');
  made.textContent = '›';
  made.setAttribute('aria-label', 'destroyed');
  return made;
}
