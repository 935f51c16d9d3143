/** Keys in, boxes out. */

import { connect } from '@tickwire/netcode/client';
import { game } from './game.ts';

const canvas = document.querySelector('canvas') as HTMLCanvasElement;
const pen = canvas.getContext('2d') as CanvasRenderingContext2D;
const status = document.querySelector('p') as HTMLElement;

const held = new Set<string>();
addEventListener('keydown', (event) => held.add(event.code));
addEventListener('keyup', (event) => held.delete(event.code));
addEventListener('blur', () => held.clear());
const axis = (less: string, more: string) => Number(held.has(more)) - Number(held.has(less));

try {
  const client = await connect(game);
  Object.assign(globalThis, { tickwire: client }); // for the console: tickwire.stats()
  status.textContent = 'Move with the arrow keys. Open this page twice.';
  client.on('state', (state) => {
    if (state !== 'playing') status.textContent = `The server is gone: ${state}.`;
  });
  const draw = () => {
    client.frame(() => ({ dx: axis('ArrowLeft', 'ArrowRight'), dy: axis('ArrowUp', 'ArrowDown') }));
    pen.clearRect(0, 0, 800, 600);
    for (const box of client.view.box) {
      pen.fillStyle = `hsl(${box.hue} 80% 65%)`;
      pen.fillRect(box.x - 20, box.y - 20, 40, 40);
      if (box.mine) pen.strokeRect(box.x - 24, box.y - 24, 48, 48);
    }
    requestAnimationFrame(draw);
  };
  pen.strokeStyle = '#fff';
  pen.lineWidth = 2;
  draw();
} catch (error) {
  status.textContent = (error as Error).message;
}
