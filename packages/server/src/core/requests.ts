/** Where a server takes its players' requests: to the room's rules, or to handlers outside that may take their time. */

import {
  type AnswerOf,
  decodeRequest,
  encodeAnswer,
  failure,
  type Game,
  isAbout,
  MAX_OUTSTANDING,
  type Outcome,
  outcomeOf,
  type QuestionOf,
  type Refused,
  type RoomInput,
  type Shape,
  type Who,
} from '@tickwire/netcode/internal';
import { count, type ServerCounters } from './counters.ts';
import type { Session } from './session.ts';

/** Handlers outside the room. Each gives the answer or `refuse(reason)`, or a promise of one; its errors are not sent. */
export type ServerAnswers<S extends Shape> = {
  readonly [N in keyof S['requests']]?: (
    from: Who,
    question: QuestionOf<S, N>,
  ) => AnswerOf<S, N> | Refused | Promise<AnswerOf<S, N> | Refused>;
};

type Handler = (from: Who, question: unknown) => unknown;

export class RequestDesk<S extends Shape> {
  readonly #game: Game;
  readonly #handlers: Readonly<Partial<Record<string, Handler>>>;
  readonly #counters: ServerCounters;
  readonly #warn: (message: string) => void;
  /** Requests whose handlers failed are named once. */
  readonly #warned = new Set<string>();

  constructor(
    game: Game<S>,
    answers: ServerAnswers<S>,
    counters: ServerCounters,
    warn: (message: string) => void,
  ) {
    this.#game = game as unknown as Game;
    this.#handlers = answers as unknown as Readonly<Partial<Record<string, Handler>>>;
    this.#counters = counters;
    this.#warn = warn;
  }

  /** Whether these bytes of the reliable stream are for this desk. */
  isFor(bytes: Uint8Array): boolean {
    return isAbout(this.#game, bytes);
  }

  /** Takes a request. One for the rules is given back as what enters the room; all others are answered here. */
  take(session: Session, bytes: Uint8Array): RoomInput | undefined {
    const request = decodeRequest(this.#game, bytes);
    if (request === undefined) {
      count(this.#counters.messagesRefused, 'bad-payload');
      return undefined;
    }
    const { id, name, payload } = request;
    if (session.asked.has(id)) {
      count(this.#counters.messagesRefused, 'duplicate-request');
      return undefined;
    }
    if (session.asked.size >= MAX_OUTSTANDING) {
      count(this.#counters.messagesRefused, 'busy');
      this.#reply(session, name, id, failure('busy'));
      return undefined;
    }
    if (payload === undefined) {
      count(this.#counters.messagesRefused, 'invalid-payload');
      this.#reply(session, name, id, failure('malformed'));
      return undefined;
    }
    session.asked.set(id, name);
    if (this.#game.definition.answers?.[name] !== undefined)
      return { type: 'request', seat: session.seat, id, name, question: payload.value };
    this.#ask(session, name, id, payload.value);
    return undefined;
  }

  /** What the rules answered. */
  answer(session: Session | undefined, name: string, id: number, outcome: Outcome): void {
    if (session?.asked.get(id) !== name) {
      // They have left, or loaded their page again since they asked.
      this.#counters.answersLost++;
      return;
    }
    session.asked.delete(id);
    this.#reply(session, name, id, outcome);
  }

  #ask(session: Session, name: string, id: number, question: unknown): void {
    const handler = this.#handlers[name];
    const { asked } = session;
    const settle = (outcome: Outcome): void => {
      // A page that was loaded again counts its requests anew: an answer to the former one must not reach it.
      this.answer(session.asked === asked ? session : undefined, name, id, outcome);
    };
    const failed = (error: unknown): void => {
      this.#threw(name, error);
      settle(failure('failed'));
    };
    if (handler === undefined) {
      settle(failure('unhandled'));
      return;
    }
    try {
      const returned = handler({ seat: session.seat, name: session.name }, question);
      if (returned instanceof Promise) returned.then((value) => settle(outcomeOf(value)), failed);
      else settle(outcomeOf(returned));
    } catch (error) {
      failed(error);
    }
  }

  #reply(session: Session, name: string, id: number, outcome: Outcome): void {
    const { bytes, code } = this.#encode(name, id, outcome);
    if (session.channels.sendReliable(bytes)) count(this.#counters.answered, code);
    else this.#counters.answersLost++;
  }

  /** An answer that cannot travel is the handler's mistake, not the player's. */
  #encode(
    name: string,
    id: number,
    outcome: Outcome,
  ): { bytes: Uint8Array; code: keyof ServerCounters['answered'] } {
    try {
      const bytes = encodeAnswer(this.#game, name, id, outcome);
      return { bytes, code: outcome.ok ? 'answered' : outcome.code };
    } catch (error) {
      this.#threw(name, error);
      return { bytes: encodeAnswer(this.#game, name, id, failure('failed')), code: 'failed' };
    }
  }

  #threw(name: string, error: unknown): void {
    if (this.#warned.has(name)) return;
    this.#warned.add(name);
    this.#warn(`request "${name}": its handler failed with "${String(error)}"; the player was told "failed"`);
  }
}
