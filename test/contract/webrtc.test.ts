// WebRTC on loopback keeps the transport contract.

import { expect, it } from 'vitest';
import { transportContract } from './suite.ts';
import { installWebRtc, WebRtcServer } from './webrtc.ts';

installWebRtc();

transportContract('webrtc', async () => {
  const server = await WebRtcServer.start();
  return { open: () => server.open(), close: () => server.close() };
});

it('[T10] forgets a connection when it ends', async () => {
  const server = await WebRtcServer.start();
  const pairs = await Promise.all(Array.from({ length: 8 }, () => server.open()));
  await expect.poll(() => server.listener.stats).toMatchObject({ open: 8, pending: 0 });
  for (const { a } of pairs) a.close();
  await expect.poll(() => server.listener.stats).toMatchObject({ open: 0, pending: 0 });
  await server.close();
});
