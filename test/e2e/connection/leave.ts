// Opens connections and closes each the moment it is open, or a little earlier.

import { openGeckos } from '@tickwire/netcode/client';

const page = globalThis as unknown as { left: number };
page.left = 0;
while (page.left < 300) {
  const controller = new AbortController();
  if (page.left % 4 === 3) setTimeout(() => controller.abort(), 10 + page.left);
  await openGeckos({ url: location.origin, signal: controller.signal }).then(
    (transport) => {
      transport.send(Uint8Array.of(1, 2, 3));
      transport.close();
    },
    () => undefined,
  );
  page.left++;
}
