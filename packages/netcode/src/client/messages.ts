/** What the page and the server say to each other beside play: messages, requests with their answers, transfers. */

import type { Millis } from '../base/units.ts';
import { MessageChannels } from '../connection/channels.ts';
import { Requests } from '../connection/requests.ts';
import type { Game } from '../simulation/game.ts';
import { decodeMessage, encodeMessage, type MessageRefusal } from '../simulation/messages.ts';
import { decodeAnswer, encodeRequest, isAbout, type Outcome } from '../simulation/requests.ts';
import type { ClientEvent } from './types.ts';

export class ClientMessages {
  channels: MessageChannels;
  /** Why messages in accepted datagrams were not delivered. */
  readonly refused: Partial<Record<MessageRefusal, number>> = {};
  readonly #game: Game;
  readonly #transferBytes: number;
  readonly #out: (event: ClientEvent) => void;
  readonly #requests = new Requests();

  constructor(game: Game, transferBytes: number, out: (event: ClientEvent) => void) {
    this.#game = game;
    this.#transferBytes = transferBytes;
    this.#out = out;
    this.channels = new MessageChannels(transferBytes);
  }

  /** Queues a message. False when the queue is full. */
  send(name: string, payload: unknown): boolean {
    const { bytes, reliable } = encodeMessage(this.#game, 'client', name as never, payload as never);
    return reliable ? this.channels.sendReliable(bytes) : this.channels.sendUnreliable(bytes);
  }

  /** Asks the server something; gives the request's id. Undefined when too much is unanswered, or nobody is there to ask. */
  request(name: string, payload: unknown, until: Millis, isAnybodyThere: boolean): number | undefined {
    const bytes = encodeRequest(this.#game, name as never, this.#requests.id, payload as never);
    if (!isAnybodyThere || this.#requests.full || !this.channels.sendReliable(bytes)) return undefined;
    return this.#requests.add(name, until);
  }

  /** Ends the requests that have waited for too long. */
  expire(now: Millis): void {
    for (
      let asked = this.#requests.takeOverdue(now);
      asked !== undefined;
      asked = this.#requests.takeOverdue(now)
    )
      this.#settle(asked, { ok: false, code: 'timed-out', reason: '' });
  }

  /** Delivers what has arrived. */
  take(): void {
    for (let raw = this.channels.receive(); raw !== undefined; raw = this.channels.receive()) {
      if (raw.reliable && this.channels.transfers.take(raw.bytes)) continue;
      if (raw.reliable && isAbout(this.#game, raw.bytes)) {
        this.#takeAnswer(raw.bytes);
        continue;
      }
      const message = decodeMessage(this.#game, 'server', raw.bytes, raw.reliable);
      if (typeof message === 'string') this.#refuse(message);
      else this.#out({ type: 'message', ...message });
    }
  }

  /** What was asked stays unanswered, what was on its way does not arrive. */
  abandon(): void {
    for (const asked of this.#requests.takeAll())
      this.#settle(asked, { ok: false, code: 'ended', reason: '' });
    const { transfers } = this.channels;
    transfers.abandon();
    for (let event = transfers.pollEvent(); event !== undefined; event = transfers.pollEvent())
      this.#out(event);
  }

  /** Nothing of the former session's streams goes on. */
  forget(): void {
    this.abandon();
    this.channels = new MessageChannels(this.#transferBytes);
  }

  #takeAnswer(bytes: Uint8Array): void {
    const answer = decodeAnswer(this.#game, bytes);
    if (answer === undefined) {
      this.#refuse('bad-payload');
      return;
    }
    const asked = this.#requests.take(answer.id, answer.name);
    // Late, twice, or never asked for.
    if (asked === undefined) this.#refuse('unknown-answer');
    else this.#settle(asked, answer.outcome);
  }

  #settle({ id, name }: { readonly id: number; readonly name: string }, outcome: Outcome): void {
    this.#out({ type: 'answer', id, name, outcome });
  }

  #refuse(refusal: MessageRefusal): void {
    this.refused[refusal] = (this.refused[refusal] ?? 0) + 1;
  }
}
