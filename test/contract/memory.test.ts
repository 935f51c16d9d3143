// The in-memory link keeps the transport contract.

import { memoryLink } from '@tickwire/netcode/transport';
import { expect, it } from 'vitest';
import { listen, transportContract } from './suite.ts';

transportContract('memory', async () => ({
  open: async () => memoryLink(),
  close: async () => undefined,
}));

it('delivers only when asked to, if so opened', () => {
  const { a, b, pump } = memoryLink({ deliver: 'manual' });
  const heard = listen(b);
  a.send(Uint8Array.of(1));
  a.send(Uint8Array.of(2));
  expect(heard).toHaveLength(0);
  expect(pump()).toBe(2);
  expect(heard.map((bytes) => bytes[0])).toEqual([1, 2]);
  expect(pump()).toBe(0);
});
