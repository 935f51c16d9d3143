// What every transport promises. The in-memory link and WebRTC both run this.

import { MAX_DATAGRAM_BYTES, type Transport } from '@tickwire/netcode/transport';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause, type TransportPair, type TransportUnderTest, until } from './pair.ts';

export function transportContract(name: string, make: () => Promise<TransportUnderTest>): void {
  describe(`transport contract: ${name}`, () => {
    let under: TransportUnderTest;
    beforeAll(async () => {
      under = await make();
    });
    afterAll(async () => {
      await under.close();
    });
    const both = async (
      check: (from: Transport, to: Transport, pair: TransportPair) => Promise<void>,
    ): Promise<void> => {
      for (const side of ['a', 'b'] as const) {
        const pair = await under.open();
        const other = side === 'a' ? pair.b : pair.a;
        await check(pair[side], other, pair);
        pair.a.close();
        pair.b.close();
      }
    };

    it('[T1] delivers each datagram whole and on its own, in both directions', () =>
      both(async (from, to) => {
        const heard = listen(to);
        for (const size of [1, 2, 17, 500, MAX_DATAGRAM_BYTES]) from.send(pattern(size));
        await until('five datagrams', () => heard.length === 5);
        const sizes = heard.map((bytes) => bytes.length).sort((x, y) => x - y);
        expect(sizes).toEqual([1, 2, 17, 500, MAX_DATAGRAM_BYTES]);
        for (const bytes of heard) expect([...bytes]).toEqual([...pattern(bytes.length)]);
        expect(from.stats).toMatchObject({ sent: 5, bytesSent: 520 + MAX_DATAGRAM_BYTES });
        expect(to.stats).toMatchObject({ received: 5, bytesReceived: 520 + MAX_DATAGRAM_BYTES });
      }));

    it('[T2] keeps its own copy of what it was given', () =>
      both(async (from, to) => {
        const heard = listen(to);
        const buffer = new Uint8Array(64);
        const view = buffer.subarray(8, 12); // a view into a larger buffer, as a packet writer gives
        view.fill(7);
        from.send(view);
        buffer.fill(9);
        await until('the datagram', () => heard.length === 1);
        expect([...(heard[0] ?? [])]).toEqual([7, 7, 7, 7]);
      }));

    it('[T2] gives the receiver bytes that nobody writes to again', () =>
      both(async (from, to) => {
        const heard = listen(to);
        for (let n = 1; n <= 20; n++) {
          from.send(new Uint8Array(100).fill(n));
          await pause(1);
        }
        await until('twenty datagrams', () => heard.length === 20);
        const values = heard.map((bytes) => new Set(bytes)).map((set) => [...set]);
        expect(values.every((set) => set.length === 1)).toBe(true);
        expect(values.map(([value]) => value).sort((x = 0, y = 0) => x - y)).toEqual(
          Array.from({ length: 20 }, (_, n) => n + 1),
        );
      }));

    it('[T3] drops and counts what is larger than a datagram', () =>
      both(async (from, to) => {
        const heard = listen(to);
        from.send(new Uint8Array(MAX_DATAGRAM_BYTES + 1));
        from.send(new Uint8Array(200_000));
        from.send(Uint8Array.of(1));
        await until('the small one', () => heard.length === 1);
        await pause(20);
        expect(heard.length).toBe(1);
        expect(from.stats).toMatchObject({ oversize: 2, sent: 1 });
      }));

    it('[T4] keeps datagrams that arrive before anyone listens', () =>
      both(async (from, to) => {
        from.send(Uint8Array.of(5));
        await until('arrival', () => to.stats.received === 1);
        const heard = listen(to);
        expect(heard.map((bytes) => [...bytes])).toEqual([[5]]);
      }));

    it('[T5] tells both sides once that it closed, and says why', () =>
      both(async (from, to) => {
        const reasons = { from: [] as string[], to: [] as string[] };
        from.onClose = (reason) => reasons.from.push(reason);
        to.onClose = (reason) => reasons.to.push(reason);
        from.close();
        from.close();
        await until('both sides hear of it', () => reasons.from.length > 0 && reasons.to.length > 0);
        to.close();
        await pause(20);
        expect(reasons.from).toEqual(['closed']);
        expect(reasons.to).toHaveLength(1);
        expect(reasons.to[0]).toMatch(/\w/);
      }));

    it('[T6] counts what is sent after it closed, and never throws', () =>
      both(async (from, to) => {
        let closed = false;
        to.onClose = () => {
          closed = true;
        };
        from.close();
        from.send(Uint8Array.of(1));
        expect(from.stats).toMatchObject({ sent: 0, dropped: 1 });
        expect(from.bufferedAmount()).toBe(0);
        await until('the other side', () => closed);
        to.send(Uint8Array.of(1));
        expect(to.stats).toMatchObject({ sent: 0, dropped: 1 });
        expect(to.bufferedAmount()).toBe(0);
      }));

    it('[T7] never delivers while its user is still inside send', () =>
      both(async (from, to) => {
        let inside = false;
        let reentered = false;
        let heard = 0;
        to.onDatagram = () => {
          reentered ||= inside;
          heard++;
          if (heard < 5) to.send(Uint8Array.of(2));
        };
        from.onDatagram = () => {
          inside = true;
          from.send(Uint8Array.of(3));
          inside = false;
        };
        inside = true;
        from.send(Uint8Array.of(1));
        inside = false;
        await until('the ping-pong', () => heard === 5);
        expect(reentered).toBe(false);
      }));

    it('[T8] says what it is', () =>
      both(async (from) => {
        expect(['webrtc', 'memory', 'websocket']).toContain(from.traits.kind);
        expect(from.traits.maxDatagramBytes).toBe(MAX_DATAGRAM_BYTES);
        expect(from.bufferedAmount()).toBe(0);
      }));

    it('[T9] refuses and counts text, whichever side it comes from', () =>
      both(async (from, to, pair) => {
        if (pair.text === undefined) return; // nothing but binary fits into this transport
        const heard = listen(to);
        const side = from === pair.a ? 'a' : 'b';
        const hostile = ['null', '{}', '{"disconnect":"closed"}', '', '[]', '{"a":{"RELIABLE":1}}', '\u0000'];
        for (const message of hostile) pair.text(side, message);
        from.send(Uint8Array.of(8));
        await until('the datagram after it', () => heard.length === 1 && to.stats.text === hostile.length);
        expect(heard.map((bytes) => [...bytes])).toEqual([[8]]);
        expect(to.stats.faults).toBe(0);
      }));
  });
}

export function listen(transport: Transport): Uint8Array[] {
  const heard: Uint8Array[] = [];
  transport.onDatagram = (bytes) => heard.push(bytes);
  return heard;
}

/** Bytes that name their own position, so that a mixed-up datagram shows. */
const pattern = (size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, n) => (n * 31 + size) & 255);
