/** The arena's page: from the name card to the running match, and back to a clear message when something fails. */

import * as Phaser from 'phaser';
import { element } from './hud/dom.ts';
import { Hud } from './hud/hud.ts';
import { Screens, tidy } from './hud/screens.ts';
import { Controls } from './input/controls.ts';
import { adviceFor } from './page/advice.ts';
import { type ArenaClient, join } from './page/client.ts';
import { density, deviceSize, followWindow } from './page/stage-size.ts';
import { ArenaScene } from './scene/arena-scene.ts';
import { EMOTES } from './schema.ts';
import { Sounds } from './sound/sounds.ts';

declare global {
  interface Window {
    /** The running client, for the console: try `tickwire.stats()`. */
    tickwire?: ArenaClient;
  }
}

/** A connection that is gone for this long gets a card in place of a line. */
const PATIENCE_MS = 7_000;
let patience = 0;

const surface = element('game');
const sounds = new Sounds();
const screens = new Screens();
const controls = new Controls(surface, element('thumbs'));
const hud = new Hud();
const scene = new ArenaScene({ controls, sounds, hud });

wireButtons();
if (hasWebGL()) {
  startPhaser();
  void enter();
} else {
  screens.failed(
    'No WebGL',
    'This browser cannot draw the arena. Turn on hardware acceleration, or try another browser.',
    () => location.reload(),
  );
}

async function enter(): Promise<void> {
  const given = new URLSearchParams(location.search).get('name');
  await play(given === null ? await screens.askName() : tidy(given));
}

async function play(name: string): Promise<void> {
  screens.connecting();
  await scene.ready;
  try {
    start(await join(name), name);
  } catch (error) {
    const { title, text } = adviceFor(error);
    screens.failed(title, text, () => void play(name));
  }
}

function start(client: ArenaClient, name: string): void {
  window.tickwire = client;
  scene.attach(client);
  client.on('message', (type, payload) => {
    if (type === 'kill') {
      hud.killed(client, payload.killer, payload.victim, payload.streak);
      scene.killed(payload.killer, payload.victim);
    }
    if (type === 'emote') scene.say(payload.seat, EMOTES[payload.kind] ?? '');
  });
  client.on('state', (state, detail) => {
    if (state === 'playing') resumed();
    if (state === 'reconnecting') interrupted(detail.code === 'shutdown');
    if (state === 'closed') ended(client, name, detail);
  });
  resumed();
}

function resumed(): void {
  clearTimeout(patience);
  patience = 0;
  screens.clear();
  controls.enabled = true;
}

/** The client goes on trying by itself: first a line at the top, after a while a card that says so. */
function interrupted(serverClosed: boolean): void {
  if (patience !== 0) return; // the client says so before every attempt
  screens.banner('Connection lost. Reconnecting…');
  patience = window.setTimeout(
    () => {
      controls.enabled = false;
      screens.failed(
        serverClosed ? 'The server has closed' : 'The server is gone',
        'The game goes on as soon as it is back. If the server is yours, start it again with "npm start".',
        () => location.reload(),
      );
    },
    serverClosed ? 1_500 : PATIENCE_MS,
  );
}

function ended(client: ArenaClient, name: string, detail: unknown): void {
  clearTimeout(patience);
  patience = 0;
  controls.enabled = false;
  if (window.tickwire === client) scene.attach(undefined);
  const { title, text } = adviceFor(detail, 'Connection closed');
  screens.failed(title, text, () => void play(name));
}

function startPhaser(): void {
  const game = new Phaser.Game({
    type: Phaser.WEBGL,
    parent: surface,
    backgroundColor: '#05070c',
    banner: false,
    audio: { noAudio: true },
    input: { keyboard: false, mouse: false, touch: false, gamepad: false },
    scale: { mode: Phaser.Scale.NONE, ...deviceSize(), zoom: 1 / density() },
    render: { antialias: true, antialiasGL: false, powerPreference: 'high-performance', roundPixels: false },
    scene,
  });
  followWindow(game);
}

function hasWebGL(): boolean {
  const pen = document.createElement('canvas').getContext('webgl');
  pen?.getExtension('WEBGL_lose_context')?.loseContext();
  return pen !== null;
}

function wireButtons(): void {
  const mute = element('mute');
  const show = () => mute.setAttribute('aria-pressed', String(sounds.muted));
  const toggle = () => {
    sounds.setMuted(!sounds.muted);
    show();
  };
  show();
  mute.addEventListener('click', toggle);
  // The events that count as a touch of the page; before one of them a sound would only make the browser warn.
  for (const type of ['mousedown', 'pointerup', 'keydown'] as const)
    window.addEventListener(type, () => sounds.unlock());
  window.addEventListener('keydown', (event) => {
    if (event.target instanceof HTMLInputElement || event.repeat || event.ctrlKey || event.metaKey) return;
    if (event.code === 'KeyM') toggle();
    const kind = ['Digit1', 'Digit2', 'Digit3', 'Digit4'].indexOf(event.code);
    const client = window.tickwire;
    if (kind >= 0 && client?.state === 'playing') client.send('emote', { seat: client.seat, kind });
  });
}
