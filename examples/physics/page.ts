/** Hands in, bodies out. Arrow keys or WASD; or hold the pointer where the disc shall go. */

import { connect } from '@tickwire/netcode/client';
import { GOAL, game, HEIGHT, KINDS, STICK, WIDTH } from './game.ts';

/** Pixels per metre, and the margin around the field in metres: the goals are drawn in it. */
const SCALE = 40;
const MARGIN_X = 1.5;
const MARGIN_Y = 0.5;

const LEFT = '#ff6b8b';
const RIGHT = '#5cc8ff';

const canvas = document.querySelector('canvas') as HTMLCanvasElement;
const pen = canvas.getContext('2d') as CanvasRenderingContext2D;
const status = document.querySelector('p') as HTMLElement;

const held = new Set<string>();
addEventListener('keydown', (event) => {
  if (event.code.startsWith('Arrow')) event.preventDefault();
  held.add(event.code);
});
addEventListener('keyup', (event) => held.delete(event.code));
addEventListener('blur', () => held.clear());

/** Where the pointer is held down, in metres. */
let pointer: { x: number; y: number } | undefined;
const point = (event: PointerEvent): void => {
  const box = canvas.getBoundingClientRect();
  pointer =
    event.buttons === 0
      ? undefined
      : {
          x: ((event.clientX - box.x) / box.width) * (WIDTH + 2 * MARGIN_X) - MARGIN_X,
          y: ((event.clientY - box.y) / box.height) * (HEIGHT + 2 * MARGIN_Y) - MARGIN_Y,
        };
};
for (const type of ['pointerdown', 'pointermove', 'pointerup', 'pointercancel'] as const)
  canvas.addEventListener(type, point);

const axis = (less: string[], more: string[]): number =>
  Number(more.some((key) => held.has(key))) - Number(less.some((key) => held.has(key)));

const join = () => connect(game);
type Client = Awaited<ReturnType<typeof join>>;

function hands(client: Client): { dx: number; dy: number } {
  let dx = axis(['ArrowLeft', 'KeyA'], ['ArrowRight', 'KeyD']);
  let dy = axis(['ArrowUp', 'KeyW'], ['ArrowDown', 'KeyS']);
  const mine = [...client.view.disc].find((disc) => disc.mine);
  if (pointer !== undefined && mine !== undefined) {
    dx = pointer.x - mine.x;
    dy = pointer.y - mine.y;
  }
  const length = Math.hypot(dx, dy);
  const share = length === 0 ? 0 : (STICK * Math.min(1, length)) / length;
  return { dx: Math.round(dx * share), dy: Math.round(dy * share) };
}

function drawField(left: number, right: number): void {
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.fillStyle = '#070b14';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.setTransform(SCALE, 0, 0, SCALE, MARGIN_X * SCALE, MARGIN_Y * SCALE);
  const top = (HEIGHT - GOAL) / 2;
  pen.fillStyle = '#ff6b8b33';
  pen.fillRect(-MARGIN_X, top, MARGIN_X, GOAL);
  pen.fillStyle = '#5cc8ff33';
  pen.fillRect(WIDTH, top, MARGIN_X, GOAL);
  pen.fillStyle = '#0d1424';
  pen.fillRect(0, 0, WIDTH, HEIGHT);
  pen.strokeStyle = '#24304a';
  pen.lineWidth = 0.06;
  pen.beginPath();
  pen.moveTo(WIDTH / 2, 0);
  pen.lineTo(WIDTH / 2, HEIGHT);
  pen.moveTo(WIDTH / 2 + 2, HEIGHT / 2);
  pen.arc(WIDTH / 2, HEIGHT / 2, 2, 0, 2 * Math.PI);
  pen.rect(0, 0, WIDTH, HEIGHT);
  pen.stroke();
  for (const [x, color] of [
    [0, LEFT],
    [WIDTH, RIGHT],
  ] as const) {
    pen.strokeStyle = color;
    pen.lineWidth = 0.12;
    pen.beginPath();
    pen.moveTo(x, top);
    pen.lineTo(x, top + GOAL);
    pen.stroke();
  }
  pen.font = '700 1.6px system-ui, sans-serif';
  pen.textBaseline = 'top';
  pen.textAlign = 'right';
  pen.fillStyle = '#ff6b8b99';
  pen.fillText(String(left), WIDTH / 2 - 0.5, 0.4);
  pen.textAlign = 'left';
  pen.fillStyle = '#5cc8ff99';
  pen.fillText(String(right), WIDTH / 2 + 0.5, 0.4);
}

/** Draws around a body's middle, turned as it is. */
function at({ x, y, turn }: { x: number; y: number; turn: number }, draw: () => void): void {
  pen.save();
  pen.translate(x, y);
  pen.rotate(turn);
  draw();
  pen.restore();
}

function disc(radius: number, fill: string, rim: string): void {
  pen.beginPath();
  pen.arc(0, 0, radius - 0.04, 0, 2 * Math.PI);
  pen.fillStyle = fill;
  pen.fill();
  pen.strokeStyle = rim;
  pen.lineWidth = 0.08;
  pen.stroke();
  // A spoke shows the spin.
  pen.beginPath();
  pen.moveTo(radius * 0.35, 0);
  pen.lineTo(radius * 0.85, 0);
  pen.stroke();
}

function drawBodies(client: Client): void {
  const { view } = client;
  for (const crate of view.crate)
    at(crate, () => {
      const size = KINDS.crate.size - 0.04;
      pen.fillStyle = '#8a6a44';
      pen.fillRect(-size, -size, 2 * size, 2 * size);
      pen.strokeStyle = '#c79a63';
      pen.lineWidth = 0.08;
      pen.strokeRect(-size, -size, 2 * size, 2 * size);
      pen.beginPath();
      pen.moveTo(-size, -size);
      pen.lineTo(size, size);
      pen.moveTo(size, -size);
      pen.lineTo(-size, size);
      pen.stroke();
    });
  for (const ball of view.ball) at(ball, () => disc(KINDS.ball.size, '#ffd166', '#fff1c9'));
  for (const each of view.disc)
    at(each, () => disc(KINDS.disc.size, `hsl(${each.hue} 70% 52%)`, each.mine ? '#ffffff' : '#ffffff55'));
}

try {
  const client = await join();
  Object.assign(globalThis, { tickwire: client }); // for the console: tickwire.stats()
  status.textContent = 'Push the ball with the arrow keys, or hold the pointer. Open this page twice.';
  client.on('state', (state) => {
    if (state !== 'playing') status.textContent = `The server is gone: ${state}.`;
  });
  const draw = (): void => {
    client.frame(() => hands(client));
    drawField(client.view.room?.left ?? 0, client.view.room?.right ?? 0);
    drawBodies(client);
    requestAnimationFrame(draw);
  };
  draw();
} catch (error) {
  status.textContent = (error as Error).message;
}
