// A page that plays boxes and shows its client to the test.

import { connect } from '@tickwire/netcode/client';
import { boxes } from '../../contract/boxes.ts';

const held = new Set<string>();
addEventListener('keydown', (event) => held.add(event.code));
addEventListener('keyup', (event) => held.delete(event.code));
const page = globalThis as unknown as Record<string, unknown>;
const before = performance.now();

try {
  const client = await connect(boxes);
  const joinedMs = performance.now() - before;
  let drawing = true;
  const draw = (): void => {
    if (!drawing) return;
    client.frame(() => ({ dx: held.has('ArrowRight') ? 1 : 0 }));
    requestAnimationFrame(draw);
  };
  draw();
  page['stopDrawing'] = () => {
    drawing = false;
  };
  page['look'] = () => ({
    seat: client.seat,
    state: client.state,
    tick: client.tick,
    joinedMs,
    x: [...client.view.box].find((box) => box.mine)?.x,
  });
  page['client'] = client;
} catch (error) {
  page['failure'] = { code: (error as { code: string }).code, afterMs: performance.now() - before };
}
