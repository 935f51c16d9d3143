/**
 * Joins two recordings of one match and finds where they part: a client's with its server's, or a server's with that of its replay.
 *
 * A client starts again from each snapshot that it had mispredicted. Between two of these starts, the first tick that differs while
 * the one before agreed is a parting; what differs after it in the same stretch is its consequence. A parting is explained when the
 * command differs (it came late or was lost) or when the server wrote all of it where only the server runs. What is left is a
 * desync, unless rows that the client does not predict were elsewhere on the server: then the rules may have read those.
 */

import { UsageError } from '../base/assert.ts';
import { type Cause, Causes } from './cause.ts';
import { type Cell, CellFinder } from './cells.ts';
import { type CommandLine, commandLines, substitution } from './commandlines.ts';
import { type Course, courseOf } from './course.ts';
import { type Kind, kindOf } from './kind.ts';
import type { Recording, TraceTick } from './recording.ts';
import { findRow, type Rows } from './rows.ts';

export interface TraceReport {
  readonly game: string;
  readonly tickRate: number;
  /** The client's seat; 0 for two servers. */
  readonly seat: number;
  /** Words for the two sides, left and right. */
  readonly names: readonly [string, string];
  /** First and last tick that both recorded, and how many were compared. */
  readonly overlap: { readonly from: number; readonly to: number; readonly compared: number };
  /**
   * `same`: no difference. `explained`: by commands and by what only the server runs. `maybe`: rows of others may explain it.
   * `desync`: same inputs, different state.
   */
  readonly verdict: 'same' | 'explained' | 'maybe' | 'desync';
  readonly counts: TraceCounts;
  /** The first parting that nothing explains, or else the first that is explained. */
  readonly first: Parting | undefined;
}

export interface TraceCounts {
  /** Partings by what they are. */
  readonly command: number;
  readonly authority: number;
  readonly maybe: number;
  readonly desync: number;
  /** Ticks whose first prediction was wrong and whose last was right: what others did was not known yet. */
  readonly healed: number;
}

/** Where the two sides part. */
export interface Parting {
  readonly tick: number;
  readonly cause: Cause;
  readonly kind: Kind;
  /** What differs, the lead first. */
  readonly cells: readonly Cell[];
  readonly course: Course;
  readonly commands: readonly CommandLine[];
  /** Names of the command's fields. */
  readonly fields: readonly string[];
  /** Why it counts as a desync or as a maybe; other facts that help. */
  readonly notes: readonly string[];
}

interface Found {
  readonly tick: number;
  readonly base: number;
  readonly cause: Cause;
  readonly type: string;
  /** The lead is the player's own. */
  readonly own: boolean;
  /** Names of what differs, the lead first. */
  readonly fields: readonly string[];
}

/** Partings that are looked at for what comes back. */
const MOST_FOUND = 4_000;

/** Later partings that a pattern is looked for in. */
const SAMPLES = 6;

/** A parting that comes back this long, in at least this share of the snapshots, is no accident of who stood where. */
const RETURN_SECONDS = 2;
const RETURN_SHARE = 0.8;

/** Throws a `UsageError` when the two cannot be joined. The order does not matter. */
export function joinRecordings(a: Recording, b: Recording): TraceReport {
  checkPair(a, b);
  return a.header.side === 'server' && b.header.side === 'client'
    ? new Join(b, a).run()
    : new Join(a, b).run();
}

function checkPair(a: Recording, b: Recording): void {
  if (a.header.game !== b.header.game)
    throw new UsageError(
      `these are two games, "${a.header.game}" and "${b.header.game}"; give two recordings of one match`,
    );
  if (a.header.schemaHash.join() !== b.header.schemaHash.join())
    throw new UsageError(
      `these are two versions of "${a.header.game}" with different fields; record both sides with the same build`,
    );
  if (a.header.side === 'client' && b.header.side === 'client')
    throw new UsageError('these are recordings of two clients; one of the two must be the server’s');
}

class Join {
  readonly #left: Recording;
  readonly #right: Recording;
  readonly #seat: number;
  readonly #cells: CellFinder;
  readonly #causes: Causes;
  readonly #found: Found[] = [];
  readonly #counts = { command: 0, authority: 0, maybe: 0, desync: 0, healed: 0 };

  constructor(left: Recording, right: Recording) {
    this.#left = left;
    this.#right = right;
    this.#seat = left.header.side === 'client' ? left.header.seat : 0;
    this.#cells = new CellFinder(right.header, this.#seat);
    this.#causes = new Causes(right, this.#seat);
  }

  run(): TraceReport {
    const overlap = this.#scan();
    const chosen = this.#choose();
    const { counts } = this;
    const verdict =
      counts.desync > 0
        ? 'desync'
        : counts.maybe > 0
          ? 'maybe'
          : this.#found.length > 0
            ? 'explained'
            : 'same';
    return {
      game: this.#right.header.game,
      tickRate: this.#right.header.tickRate,
      seat: this.#seat,
      names: this.#seat > 0 ? ['client', 'server'] : ['first', 'second'],
      overlap,
      verdict,
      counts,
      first: chosen === undefined ? undefined : this.#parting(chosen),
    };
  }

  get counts(): TraceCounts {
    return this.#counts;
  }

  /** Compares tick by tick and notes the partings. */
  #scan(): TraceReport['overlap'] {
    let from = -1;
    let to = -1;
    let compared = 0;
    let before: { readonly tick: number; readonly base: number; readonly same: boolean } | undefined;
    for (const left of this.#left.ticks()) {
      const right = this.#right.at(left.tick);
      if (right === undefined) continue;
      if (from < 0) from = left.tick;
      to = left.tick;
      compared++;
      const cells = this.#cellsAt(left, right);
      const base = left.run?.base ?? 0;
      // Known to have agreed a tick before: restored from it, compared equal, or the first of two servers' ticks.
      const agreed =
        left.run === undefined
          ? (before?.same ?? true)
          : base >= 0 &&
            (base === left.tick - 1 ||
              (before?.tick === left.tick - 1 && before.base === base && before.same));
      if (cells.length > 0 && agreed) this.#note(left, right, cells);
      if (cells.length === 0) this.#noteHealed(left, right);
      before = { tick: left.tick, base, same: cells.length === 0 };
      if (cells.length > 0 && left.run === undefined) {
        to = this.#lastCommon(to);
        break;
      }
    }
    if (compared === 0) throw new UsageError(this.#noOverlap());
    return { from, to, compared };
  }

  #cellsAt(left: TraceTick, right: TraceTick): Cell[] {
    return this.#cells.find(left, right, this.#left.at(left.tick - 1), this.#right.at(left.tick - 1));
  }

  #note(left: TraceTick, right: TraceTick, cells: readonly Cell[]): void {
    const cause = this.#causes.of(left, right, cells);
    const lead = cells[0] as Cell;
    this.#counts[cause]++;
    if (this.#found.length < MOST_FOUND)
      this.#found.push({
        tick: left.tick,
        base: left.run?.base ?? 0,
        cause,
        type: lead.type,
        own: lead.owner === this.#seat,
        fields: cells.filter((cell) => cell.type === lead.type && !cell.alone).map((cell) => cell.field),
      });
  }

  #noteHealed(left: TraceTick, right: TraceTick): void {
    const first = left.run?.first;
    if (first !== undefined && this.#cells.compare(first.tables, first.controls, right).length > 0)
      this.#counts.healed++;
  }

  /** The first parting of the first kind that is surely a desync; else the first that nothing explains; else the first. */
  #choose(): Found | undefined {
    const open = this.#found.filter(({ cause }) => cause === 'maybe' || cause === 'desync');
    for (const found of open) {
      if (found.cause !== 'desync' && !this.#returns(found)) continue;
      // The same trouble may have begun before, when it was not yet so clear.
      const fields = this.#fieldsAlike(found);
      const alike = open.filter((other) => other.type === found.type && fields.has(other.fields[0] ?? ''));
      for (const { cause } of alike) if (cause === 'maybe') this.#counts.maybe--;
      for (const { cause } of alike) if (cause === 'maybe') this.#counts.desync++;
      return alike[0];
    }
    return open[0] ?? this.#found[0];
  }

  /** The fields of this parting and of those of the next seconds that share its lead. */
  #fieldsAlike(first: Found): Set<string> {
    const alike = new Set(first.fields);
    for (const found of this.#after(first)) for (const field of found.fields) alike.add(field);
    return alike;
  }

  #returns(found: Found): boolean {
    // What is nobody's, or another's, may be pushed about for as long.
    if (!found.own) return false;
    const { snapshotRate } = this.#right.header;
    const bases = new Set(this.#after(found).map(({ base }) => base));
    return bases.size >= RETURN_SECONDS * snapshotRate * RETURN_SHARE;
  }

  /** Partings from this one on for 2 s, in which its lead differs too. */
  #after({ tick, type, fields: [lead = ''] }: Found): Found[] {
    const end = tick + RETURN_SECONDS * this.#right.header.tickRate;
    return this.#found.filter(
      (found) =>
        found.tick >= tick &&
        found.tick < end &&
        found.cause !== 'command' &&
        found.type === type &&
        found.fields.includes(lead),
    );
  }

  #parting({ tick, cause: noted }: Found): Parting {
    const left = this.#left.at(tick) as TraceTick;
    const right = this.#right.at(tick) as TraceTick;
    const cells = this.#cellsAt(left, right);
    const lead = cells[0] as Cell;
    const cause = noted === 'maybe' && this.#counts.desync > 0 ? 'desync' : noted;
    const names: readonly [string, string] = this.#seat > 0 ? ['client', 'server'] : ['first', 'second'];
    const course = courseOf(this.#left, this.#right, this.#cells, tick, lead);
    return {
      tick,
      cause,
      kind: this.#kind(cause, tick, {
        names,
        cells,
        rightAfter: this.#numberAt(lead, tick + 1),
        again: this.#leadsAfter(tick, lead),
      }),
      cells,
      course,
      commands: commandLines(this.#left, this.#right, this.#seat > 0 ? this.#seat : lead.owner, tick),
      fields: this.#right.header.command.map(({ name }) => name),
      notes: this.#notes(noted, cause, left, right, lead),
    };
  }

  #kind(cause: Cause, tick: number, scene: Parameters<typeof kindOf>[0]): Kind {
    if (cause === 'command') {
      const [left, right] = [this.#left.at(tick), this.#right.at(tick)] as [TraceTick, TraceTick];
      const other = this.#causes.sameCommands(left, right)
        ? this.#causes.unknownSeat(left, right)
        : undefined;
      if (other !== undefined)
        return {
          word: 'command',
          sentence: `the client did not know the command of seat ${other} for this tick: the network, not the rules`,
        };
      const seat = this.#seat > 0 ? this.#seat : (scene.cells[0]?.owner ?? 0);
      return { word: 'command', sentence: substitution(this.#left, this.#right, seat, tick, scene.names) };
    }
    if (cause === 'authority')
      return {
        word: 'authority',
        sentence:
          'the server wrote it where only the server runs (ctx.authority, join, a message): the client cannot know, the snapshot tells it',
      };
    return kindOf(scene);
  }

  /** What became of the same field in the next partings. */
  #leadsAfter(tick: number, { type, field }: Cell): Cell[] {
    const later = this.#found.filter(
      (found) => found.tick > tick && found.type === type && found.fields.includes(field),
    );
    return later.slice(0, SAMPLES).flatMap((found) => {
      const left = this.#left.at(found.tick);
      const right = this.#right.at(found.tick);
      if (left === undefined || right === undefined) return [];
      return this.#cellsAt(left, right).find((cell) => cell.type === type && cell.field === field) ?? [];
    });
  }

  #numberAt(lead: Cell, tick: number): number | undefined {
    const after = this.#right.at(tick);
    const t = this.#right.header.types.findIndex(({ name }) => name === lead.type);
    const { layout } = lead;
    const type = this.#right.header.types[t];
    if (after === undefined || type === undefined || layout === undefined) return undefined;
    const rows = after.tables[t] as Rows;
    const at = findRow(type.stride, rows, lead.id);
    return at < 0 ? undefined : (rows.data[at + layout.at] ?? 0) * layout.step;
  }

  #notes(noted: Cause, cause: Cause, left: TraceTick, right: TraceTick, lead: Cell): string[] {
    const notes: string[] = [];
    if (noted === 'desync' && this.#seat > 0)
      notes.push(
        'Same rows, same command, and what the client does not predict stood still: only the rules can differ.',
      );
    else if (cause === 'desync' && this.#seat > 0)
      notes.push(
        'It comes back after the corrections of the next 2 s, so it does not depend on what others did.',
      );
    else if (cause === 'maybe')
      notes.push(
        `The network does not explain it. Rows that the client does not predict were elsewhere on the server (${(this.#causes.moved(left, right) ?? ['unknown']).join(', ')}): if the rules read those here, this is no bug.`,
      );
    const { discarded } = left.run ?? {};
    if (discarded !== undefined && discarded.writes + discarded.spawns + discarded.despawns > 0)
      notes.push(
        `The client discarded ${discarded.writes} writes, ${discarded.spawns} spawns and ${discarded.despawns} despawns of rows that it does not predict in this tick.`,
      );
    const locals = this.#locals(left, lead);
    if (locals.length > 0 && cause !== 'command' && cause !== 'authority')
      notes.push(
        `Its local fields differed a tick before: ${locals.join(', ')}. Nothing that is sent may depend on a local field.`,
      );
    return notes;
  }

  /** Local fields of the lead's row that differed a tick before. */
  #locals(left: TraceTick, lead: Cell): string[] {
    const t = this.#right.header.types.findIndex(({ name }) => name === lead.type);
    const type = this.#right.header.types[t];
    const ours = this.#left.at(left.tick - 1)?.tables[t];
    const theirs = this.#right.at(left.tick - 1)?.tables[t];
    if (type === undefined || ours === undefined || theirs === undefined) return [];
    const l = findRow(type.stride, ours, lead.id);
    const r = findRow(type.stride, theirs, lead.id);
    if (l < 0 || r < 0) return [];
    return type.fields
      .filter(({ local, at }) => local && ours.data[l + at] !== theirs.data[r + at])
      .map(({ name }) => name);
  }

  #lastCommon(at: number): number {
    const left = this.#left.range?.to ?? at;
    return Math.max(at, Math.min(left, this.#right.range?.to ?? at));
  }

  #noOverlap(): string {
    const [left, right] = [this.#left.range, this.#right.range];
    if (left === undefined)
      return 'one of the recordings is empty: it ended before a snapshot settled a tick';
    if (right === undefined) return 'the server’s recording is empty';
    return `the recordings share no tick: one holds ${left.from}..${left.to}, the other ${right.from}..${right.to}; save both within the time that they keep`;
  }
}
