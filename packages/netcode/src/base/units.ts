/** The units that the whole code base counts in, and the few constants that both sides must agree on. */

/** Monotonic milliseconds. Only differences mean something; the shells bring the clock. */
export type Millis = number;

/** Simulation step number: ordered, never wraps. Travels as 32 bits, at most MAX_TICK. */
export type Tick = number;

/** Ticks live in rows of Int32 words: 414 days at 60 Hz. */
export const MAX_TICK = 2 ** 31 - 1;

/** A player's number in a room, 1..maxPlayers. Seat 0 is the server. */
export type Seat = number;

/** Entity id: `owner seat at birth * 65536 + that seat's spawn counter`. 0 means none. */
export type EntityId = number;

/** Changes whenever a datagram of one build can no longer be read by another. Sent in the handshake. */
export const PROTOCOL_VERSION = 3;

/** The largest data-channel message that stays one UDP packet from a server to a browser (measured). */
export const MAX_DATAGRAM_BYTES = 1164;

/** What IPv4, UDP, DTLS, SCTP and the data channel add to each of our datagrams on the wire (measured). */
export const WIRE_OVERHEAD_BYTES = 93;

/** A field's base values are kept this long: 4.3 s at 60 Hz. Rows held longer are coded from the empty row. */
export const HELD_WINDOW_TICKS = 256;

/** Send gate: to a peer unheard for this long go only probes. */
export const GATE_AFTER_MS = 250;

/** While the gate is closed, one probe per this long. Complete silence would make both sides wait for ever. */
export const PROBE_EVERY_MS = 100;

/** Silence after which a session counts as away, and when its page had announced that it is hidden. */
export const AWAY_AFTER_MS = 3_000;
export const HIDDEN_AWAY_AFTER_MS = 15_000;

/** The last levels of a player whose commands are missing hold this long, on the server and in what others predict; then they are neutral. */
export const HOLD_LEVELS_MS = 250;
