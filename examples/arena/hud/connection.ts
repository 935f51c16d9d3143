/** How the wire is: a dot and the round trip; on F3 or a click all figures and a graph of the last seconds. */

import { type ArenaClient, tracing } from '../page/client.ts';
import { element, setText } from './dom.ts';

const EVERY_MS = 250;
const GRAPH_EVERY_MS = 50;
const SAMPLES = 150;

/** Round trip in ms up to which the wire counts as good, and as fair. */
const GOOD_MS = 80;
const FAIR_MS = 170;

export class ConnectionPanel {
  readonly #button = element('net');
  readonly #label = element('net-label');
  readonly #panel = element('net-panel');
  readonly #figures = element('net-figures');
  readonly #save = element<HTMLButtonElement>('net-save');
  readonly #graph = element<HTMLCanvasElement>('net-graph');
  readonly #pen = this.#graph.getContext('2d');
  readonly #ages = new Float32Array(SAMPLES);
  readonly #trips = new Float32Array(SAMPLES);
  readonly #wrong = new Float32Array(SAMPLES);
  #at = 0;
  #mispredictions = 0;
  #next = 0;
  #nextSample = 0;
  #client: ArenaClient | undefined;

  constructor() {
    this.#button.addEventListener('click', () => this.#toggle());
    window.addEventListener('keydown', (event) => {
      if (event.code !== 'F3') return;
      event.preventDefault();
      if (event.shiftKey && tracing) this.#download();
      else this.#toggle();
    });
    this.#save.hidden = !tracing;
    this.#save.addEventListener('click', () => this.#download());
  }

  update(client: ArenaClient, now: number): void {
    this.#client = client;
    if (now >= this.#nextSample && !this.#panel.hidden) {
      this.#nextSample = now + GRAPH_EVERY_MS;
      this.#sample(client);
    }
    if (now < this.#next) return;
    this.#next = now + EVERY_MS;
    const stats = client.stats();
    const quality =
      client.state !== 'playing' || stats.rtt > FAIR_MS || stats.loss > 0.1
        ? 'bad'
        : stats.rtt > GOOD_MS || stats.loss > 0.03
          ? 'fair'
          : 'good';
    this.#button.dataset['quality'] = quality;
    setText(this.#label, client.state === 'playing' ? `${Math.round(stats.rtt)} ms` : client.state);
    if (this.#panel.hidden) return;
    this.#show({
      'round trip': `${stats.rtt.toFixed(0)} ± ${stats.jitter.toFixed(0)} ms`,
      loss: `${(stats.loss * 100).toFixed(1)} %`,
      'snapshot age': `${stats.snapshotAge.toFixed(0)} ms`,
      'view delay': `${stats.viewDelay.toFixed(0)} ms`,
      'lead, slack': `${stats.lead.toFixed(1)}, ${stats.slack.toFixed(1)} ticks`,
      mispredictions: String(stats.mispredictions),
      predicted: healthOf(stats.health),
      'worst of them': worstOf(stats.health),
      entities: String(stats.entities),
      'in, out': `${(stats.bytesInPerSecond / 1024).toFixed(1)}, ${(stats.bytesOutPerSecond / 1024).toFixed(1)} kB/s`,
    });
  }

  #toggle(): void {
    this.#panel.hidden = !this.#panel.hidden;
    this.#button.setAttribute('aria-expanded', String(!this.#panel.hidden));
    this.#next = 0;
  }

  /** The recording of the last seconds, as a file for `tickwire trace`. */
  #download(): void {
    const bytes = this.#client?.trace();
    if (bytes === undefined) return;
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
    link.download = 'client.trace';
    link.click();
    URL.revokeObjectURL(link.href);
  }

  #show(figures: Readonly<Record<string, string>>): void {
    if (this.#figures.childElementCount === 0) {
      for (const name of Object.keys(figures)) {
        const term = document.createElement('dt');
        term.textContent = name;
        this.#figures.append(term, document.createElement('dd'));
      }
    }
    const values = this.#figures.querySelectorAll('dd');
    for (const [index, value] of Object.values(figures).entries())
      setText(values[index] as HTMLElement, value);
  }

  #sample(client: ArenaClient): void {
    const stats = client.stats();
    this.#at = (this.#at + 1) % SAMPLES;
    this.#trips[this.#at] = stats.rtt;
    this.#ages[this.#at] = stats.snapshotAge;
    this.#wrong[this.#at] = stats.mispredictions > this.#mispredictions ? 1 : 0;
    this.#mispredictions = stats.mispredictions;
    const pen = this.#pen;
    if (pen === null) return;
    const { width, height } = this.#graph;
    const most = Math.max(120, ...this.#trips, ...this.#ages) * 1.1;
    pen.clearRect(0, 0, width, height);
    pen.fillStyle = '#ff5a5f';
    this.#each((x, i) => {
      if (this.#wrong[i]! > 0) pen.fillRect(x, 0, 2, height);
    });
    this.#line(pen, this.#ages, '#5cc8ff', most);
    this.#line(pen, this.#trips, '#ffc24d', most);
  }

  #line(pen: CanvasRenderingContext2D, values: Float32Array, colour: string, most: number): void {
    pen.strokeStyle = colour;
    pen.lineWidth = 2;
    pen.beginPath();
    this.#each((x, i) => pen.lineTo(x, this.#graph.height * (1 - values[i]! / most) - 2));
    pen.stroke();
  }

  /** Oldest first. */
  #each(visit: (x: number, index: number) => void): void {
    for (let i = 1; i <= SAMPLES; i++) visit((i / SAMPLES) * this.#graph.width, (this.#at + i) % SAMPLES);
  }
}

type Health = ReturnType<ArenaClient['stats']>['health'];

const healthOf = ({ matched, jitter, diverging }: Health): string =>
  `${matched} matched, ${jitter} jitter, ${diverging} diverging`;

/** The field that the server corrects most, and by how many grid steps on average. */
function worstOf({ worst }: Health): string {
  if (worst === undefined) return 'none';
  return `${worst.entity} ${worst.field ?? ''}, ${worst.drift.toFixed(1)} steps`;
}
