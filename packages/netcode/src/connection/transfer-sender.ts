/** Sends transfers: which blocks go into a packet, and which must go again because theirs did not arrive. */

import { type Seq, seqDelta, seqNext } from '../base/seq.ts';
import type { Millis } from '../base/units.ts';
import { BLOCKS_HEADER_BYTES, writeBlocks } from './fragments.ts';
import {
  assertTransferable,
  BLOCK_BYTES,
  blocksOf,
  MAX_OPEN_TRANSFERS,
  type Transfer,
  type TransferControl,
  TransferHandle,
} from './transfer.ts';
import { Outgoing } from './transfer-outgoing.ts';
import { type Path, TransferPace } from './transfer-pace.ts';
import { LOST, NONE, OPEN, PACKET_SLOTS, PacketRuns, RUNS } from './transfer-packets.ts';

/** What a sender does with the rest of its session. */
export interface TransferOutlet {
  /** Queues a reliable message. */
  tell(control: TransferControl): void;
  ended(transfer: Transfer): void;
}

export interface TransferSenderStats {
  blockBytesSent: number;
  blockBytesResent: number;
  /** Datagrams whose blocks were taken for lost, and those among them that had arrived after all. */
  datagramsLost: number;
  datagramsRevived: number;
}

/** Transfers that wait for an open one to end. */
const MAX_WAITING = 64;

export class TransferSender {
  readonly pace = new TransferPace();
  readonly stats: TransferSenderStats = {
    blockBytesSent: 0,
    blockBytesResent: 0,
    datagramsLost: 0,
    datagramsRevived: 0,
  };
  readonly #outlet: TransferOutlet;
  #waiting: Outgoing[] = [];
  readonly #open: Outgoing[] = [];
  #nextId: Seq = 0;
  #inFlight = 0;
  /** From the first transfer on: most sessions send none. */
  #packets: PacketRuns | undefined;

  constructor(outlet: TransferOutlet) {
    this.#outlet = outlet;
  }

  /** Takes `bytes` as they are, without a copy: they must not change until the transfer is over. */
  send(name: string, bytes: Uint8Array, priority: number): Transfer {
    assertTransferable(name, bytes);
    const transfer = new TransferHandle(name, bytes.length, false, (one, reason) =>
      this.#withdraw(one, reason),
    );
    if (this.#waiting.length >= MAX_WAITING) {
      transfer.fail('busy', '');
      return transfer;
    }
    this.#packets ??= new PacketRuns();
    this.#waiting.push(new Outgoing(transfer, bytes, priority));
    this.#offerMore();
    return transfer;
  }

  get busy(): boolean {
    return this.#open.length > 0;
  }

  /** Whether a datagram of its own is due, beside those that carry something else. */
  owesDatagram(now: Millis, path: Path): boolean {
    if (this.#choose() === undefined) return false;
    this.pace.advance(now, path);
    return this.pace.owesDatagram(this.#inFlight);
  }

  /** Writes the blocks that may leave now into the packet `seq`, as far as they fit; gives the index after them. */
  fill(now: Millis, seq: Seq, path: Path, out: Uint8Array, offset: number, end: number): number {
    const packets = this.#packets;
    if (packets === undefined) return offset;
    // The slot's former packet was sent 256 packets ago: nothing can acknowledge it any more.
    if (packets.state[seq % PACKET_SLOTS] === OPEN) this.#lose(packets, seq % PACKET_SLOTS);
    packets.begin(now, seq);
    if (!this.busy) return offset;
    this.pace.advance(now, path);
    this.#judgeLost(now, packets);
    const stop = Math.min(end, offset + this.pace.allowance(this.#inFlight));
    let at = offset;
    for (let run = 0; run < RUNS; run++) {
      const outgoing = stop - at <= BLOCKS_HEADER_BYTES ? undefined : this.#choose();
      if (outgoing === undefined || !outgoing.take(stop - at - BLOCKS_HEADER_BYTES)) break;
      const { runFrom, runBytes } = outgoing;
      at = writeBlocks(out, at, outgoing.id, runFrom, outgoing.bytes, runFrom * BLOCK_BYTES, runBytes);
      packets.add(seq, outgoing.id, runFrom, blocksOf(runBytes));
      outgoing.served += runBytes;
      this.stats.blockBytesSent += runBytes;
      if (outgoing.runAgain) this.stats.blockBytesResent += runBytes;
      if (outgoing.wholeSent && !outgoing.endSent) this.#end(outgoing);
    }
    packets.finish(seq, at - offset);
    this.#inFlight += at - offset;
    this.pace.spent(at - offset);
    return at;
  }

  acked(seq: Seq): void {
    const packets = this.#packets;
    const slot = seq % PACKET_SLOTS;
    if (packets?.seq[slot] !== seq || packets.state[slot] === NONE) return;
    if (packets.state[slot] === OPEN) {
      this.#inFlight -= packets.bytes[slot]!;
      this.pace.acked();
    } else {
      this.stats.datagramsRevived++;
    }
    packets.state[slot] = NONE;
    for (let run = slot * RUNS; run < slot * RUNS + packets.runs[slot]!; run++)
      this.#find(packets.id[run]!)?.acked(packets.from[run]!, packets.count[run]!);
  }

  /** Packet numbers begin anew: what was under way goes again. */
  resetFlight(): void {
    const packets = this.#packets;
    if (packets === undefined) return;
    for (let slot = 0; slot < PACKET_SLOTS; slot++)
      if (packets.state[slot] === OPEN) this.#giveBack(packets, slot);
    packets.clear();
    this.#inFlight = 0;
    this.pace.reset();
  }

  /** What the receiver says. False when it cannot be true: the peer breaks the rules. */
  hear(control: TransferControl): boolean {
    const outgoing = this.#find(control.transfer);
    // It crossed our withdrawal.
    if (outgoing === undefined) return seqDelta(control.transfer, this.#nextId) < 0;
    switch (control.what) {
      case 'grant':
        if (control.blocks > outgoing.blocks || control.blocks < outgoing.granted) return false;
        outgoing.granted = control.blocks;
        outgoing.transfer.state = 'moving';
        return true;
      case 'done':
        if (!outgoing.endSent) return false;
        this.#close(outgoing);
        outgoing.transfer.succeed(outgoing.bytes);
        this.#outlet.ended(outgoing.transfer);
        return true;
      case 'refused':
        this.#close(outgoing);
        outgoing.transfer.fail(control.code, control.reason);
        this.#outlet.ended(outgoing.transfer);
        return true;
      default:
        return false;
    }
  }

  /** The session is over: nothing moves any more. */
  abandon(): void {
    const all = [...this.#open.splice(0), ...this.#waiting.splice(0)];
    for (const { transfer } of all) {
      transfer.fail('ended', '');
      this.#outlet.ended(transfer);
    }
  }

  #offerMore(): void {
    while (this.#open.length < MAX_OPEN_TRANSFERS && this.#waiting.length > 0) {
      let next = 0;
      for (let i = 1; i < this.#waiting.length; i++)
        if (this.#waiting[i]!.priority > this.#waiting[next]!.priority) next = i;
      const outgoing = this.#waiting.splice(next, 1)[0]!;
      outgoing.id = this.#nextId;
      this.#nextId = seqNext(this.#nextId);
      // It shares from now on, and does not catch up with what the others had before it came.
      outgoing.served = this.#open.reduce((least, { served }) => Math.min(least, served), Infinity);
      if (outgoing.served === Infinity) outgoing.served = 0;
      this.#open.push(outgoing);
      const { name, length } = outgoing.transfer;
      this.#outlet.tell({ what: 'offer', transfer: outgoing.id, length, name });
      if (outgoing.wholeSent) this.#end(outgoing); // nothing to send
    }
  }

  #end(outgoing: Outgoing): void {
    outgoing.endSent = true;
    this.#outlet.tell({ what: 'end', transfer: outgoing.id, hash: outgoing.hash.finish() });
  }

  #withdraw(transfer: TransferHandle, reason: string): void {
    const outgoing = this.#open.find((one) => one.transfer === transfer);
    this.#waiting = this.#waiting.filter((one) => one.transfer !== transfer);
    transfer.fail('cancelled', reason);
    if (outgoing !== undefined) {
      this.#outlet.tell({ what: 'withdrawn', transfer: outgoing.id, code: 'cancelled', reason });
      this.#close(outgoing);
    }
    this.#outlet.ended(transfer);
  }

  #close(outgoing: Outgoing): void {
    this.#open.splice(this.#open.indexOf(outgoing), 1);
    this.#offerMore();
  }

  #find(id: Seq): Outgoing | undefined {
    return this.#open.find((one) => one.id === id);
  }

  /** The most urgent one that has something to send; among equals the one that was served least. */
  #choose(): Outgoing | undefined {
    let best: Outgoing | undefined;
    for (const one of this.#open) {
      if (!one.canSend) continue;
      if (best === undefined || one.priority > best.priority) best = one;
      else if (one.priority === best.priority && one.served < best.served) best = one;
    }
    return best;
  }

  #judgeLost(now: Millis, packets: PacketRuns): void {
    const before = now - this.pace.resendAfter;
    for (; packets.oldest !== packets.newest; packets.oldest = seqNext(packets.oldest)) {
      const slot = packets.oldest % PACKET_SLOTS;
      if (packets.seq[slot] !== packets.oldest || packets.state[slot] !== OPEN) continue;
      if (packets.sentAt[slot]! > before) return;
      this.#lose(packets, slot);
    }
  }

  #lose(packets: PacketRuns, slot: number): void {
    this.stats.datagramsLost++;
    this.pace.lost();
    this.#inFlight -= packets.bytes[slot]!;
    this.#giveBack(packets, slot);
    packets.state[slot] = LOST;
  }

  #giveBack(packets: PacketRuns, slot: number): void {
    for (let run = slot * RUNS; run < slot * RUNS + packets.runs[slot]!; run++)
      this.#find(packets.id[run]!)?.again(packets.from[run]!, packets.count[run]!);
  }
}
