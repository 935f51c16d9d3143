import { hashes } from './hashes.ts';

Object.assign(globalThis, { hashes: (log: number[]) => hashes(Uint8Array.from(log)) });
