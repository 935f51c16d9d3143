/** The cards over the whole page: enter a name, connecting, why it did not work, and what to do. */

import { element, setText } from './dom.ts';

const NAME_KEY = 'tickwire:name';
const MOST_LETTERS = 16;

export class Screens {
  readonly #card = element('card');
  readonly #entry = element<HTMLFormElement>('entry');
  readonly #name = element<HTMLInputElement>('name');
  readonly #message = element('message');
  readonly #title = element('message-title');
  readonly #text = element('message-text');
  readonly #button = element<HTMLButtonElement>('message-button');
  readonly #banner = element('banner');
  #pressed: (() => void) | undefined;

  constructor() {
    this.#button.addEventListener('click', () => this.#pressed?.());
  }

  /** Shows the name card; resolves with the name that was entered. */
  askName(): Promise<string> {
    this.#name.value = recall();
    this.#name.maxLength = MOST_LETTERS;
    this.#only(this.#entry);
    this.#name.focus();
    this.#name.select();
    return new Promise((resolve) => {
      this.#entry.onsubmit = (event) => {
        event.preventDefault();
        const name = tidy(this.#name.value);
        remember(name);
        resolve(name);
      };
    });
  }

  connecting(): void {
    this.#say('Connecting', 'Looking for a way to the server.', undefined, true);
  }

  /** Something is wrong: says what, what to do, and offers to try again. */
  failed(title: string, text: string, retry: () => void): void {
    this.#say(title, text, retry, false);
  }

  /** A line at the top while play goes on; empty takes it away. */
  banner(words: string): void {
    this.#banner.hidden = words === '';
    setText(this.#banner, words);
  }

  /** Nothing in the way: play. */
  clear(): void {
    this.#card.hidden = true;
    this.banner('');
    document.body.classList.add('playing');
    (document.activeElement as HTMLElement | null)?.blur();
  }

  #say(title: string, text: string, press: (() => void) | undefined, busy: boolean): void {
    setText(this.#title, title);
    setText(this.#text, text);
    this.#pressed = press;
    this.#button.hidden = press === undefined;
    this.#message.classList.toggle('busy', busy);
    this.#only(this.#message);
    if (press !== undefined) this.#button.focus();
  }

  #only(shown: HTMLElement): void {
    document.body.classList.remove('playing');
    this.#card.hidden = false;
    this.banner('');
    this.#entry.hidden = shown !== this.#entry;
    this.#message.hidden = shown !== this.#message;
  }
}

export function tidy(name: string): string {
  return name.replace(/\s+/g, ' ').trim().slice(0, MOST_LETTERS) || 'Guest';
}

function recall(): string {
  try {
    return localStorage.getItem(NAME_KEY) ?? '';
  } catch {
    return '';
  }
}

function remember(name: string): void {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // A page without storage asks again next time: no harm.
  }
}
