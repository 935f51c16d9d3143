/** Sound effects, synthesised when needed: no files. Silent until the page has been touched, as browsers ask. */

export type SoundName =
  | 'shot'
  | 'rail'
  | 'hit'
  | 'tick'
  | 'hurt'
  | 'explosion'
  | 'dash'
  | 'pickup'
  | 'arrive'
  | 'kill'
  | 'click';

/** Everything that is still sounding; more than this and new quiet ones are left out. */
const MOST_VOICES = 24;

/** A tone: wave, start and end pitch in Hz, seconds, loudness. */
type Tone = readonly [
  wave: OscillatorType,
  from: number,
  to: number,
  seconds: number,
  gain: number,
  delay?: number,
];
/** Noise through a filter: kind, start and end cutoff in Hz, seconds, loudness. */
type Noise = readonly [filter: BiquadFilterType, from: number, to: number, seconds: number, gain: number];

interface Recipe {
  readonly tones?: readonly Tone[];
  readonly noises?: readonly Noise[];
  /** Pitch varies by this much, so that repeats do not drill. */
  readonly vary?: number;
  /** The same sound again within this many seconds is left out. */
  readonly rest?: number;
}

const RECIPES: Readonly<Record<SoundName, Recipe>> = {
  shot: {
    tones: [
      ['square', 720, 190, 0.09, 0.16],
      ['triangle', 1400, 320, 0.06, 0.2],
    ],
    noises: [['highpass', 3200, 1800, 0.04, 0.14]],
    vary: 0.08,
    rest: 0.02,
  },
  rail: {
    tones: [
      ['sawtooth', 1900, 110, 0.34, 0.2],
      ['sine', 210, 45, 0.4, 0.6],
      ['triangle', 3200, 900, 0.16, 0.16],
    ],
    noises: [['bandpass', 5200, 500, 0.3, 0.5]],
    vary: 0.04,
    rest: 0.03,
  },
  hit: {
    tones: [['triangle', 980, 420, 0.09, 0.4]],
    noises: [['bandpass', 2600, 900, 0.08, 0.4]],
    vary: 0.1,
    rest: 0.02,
  },
  tick: { noises: [['bandpass', 4200, 2200, 0.045, 0.32]], vary: 0.2, rest: 0.03 },
  hurt: {
    tones: [
      ['sine', 170, 60, 0.2, 0.7],
      ['square', 110, 70, 0.08, 0.12],
    ],
    noises: [['lowpass', 1400, 200, 0.16, 0.45]],
    vary: 0.05,
    rest: 0.04,
  },
  explosion: {
    tones: [
      ['sine', 150, 30, 0.6, 0.9],
      ['triangle', 420, 60, 0.25, 0.25],
    ],
    noises: [['lowpass', 3800, 90, 0.8, 0.9]],
    vary: 0.15,
  },
  dash: { tones: [['sine', 240, 760, 0.16, 0.16]], noises: [['bandpass', 500, 3400, 0.2, 0.5]], vary: 0.06 },
  pickup: {
    tones: [
      ['triangle', 660, 660, 0.09, 0.34],
      ['triangle', 880, 880, 0.09, 0.34, 0.07],
      ['triangle', 1320, 1320, 0.18, 0.3, 0.14],
    ],
  },
  arrive: {
    tones: [
      ['sine', 220, 880, 0.3, 0.3],
      ['triangle', 440, 1320, 0.26, 0.12, 0.05],
    ],
  },
  kill: {
    tones: [
      ['triangle', 523, 523, 0.1, 0.36],
      ['triangle', 784, 784, 0.24, 0.36, 0.09],
      ['sine', 1568, 1568, 0.22, 0.12, 0.09],
    ],
  },
  click: { tones: [['triangle', 900, 700, 0.05, 0.25]] },
};

const MUTED_KEY = 'tickwire:muted';

export class Sounds {
  #context: AudioContext | undefined;
  #master: GainNode | undefined;
  #noise: AudioBuffer | undefined;
  #muted = stored() === '1';
  #voices = 0;
  readonly #last = new Map<SoundName, number>();

  get muted(): boolean {
    return this.#muted;
  }

  setMuted(muted: boolean): void {
    this.#muted = muted;
    if (this.#master !== undefined) this.#master.gain.value = muted ? 0 : 0.5;
    try {
      localStorage.setItem(MUTED_KEY, muted ? '1' : '0');
    } catch {
      // A page without storage forgets it: no harm.
    }
  }

  /** To be called from a click, a touch or a key: browsers keep pages silent before. */
  unlock(): void {
    if (this.#context === undefined) {
      if (typeof AudioContext === 'undefined' || navigator.userActivation?.hasBeenActive === false) return;
      this.#context = new AudioContext();
      const limiter = this.#context.createDynamicsCompressor();
      this.#master = this.#context.createGain();
      this.#master.gain.value = this.#muted ? 0 : 0.5;
      this.#master.connect(limiter).connect(this.#context.destination);
      this.#noise = whiteNoise(this.#context);
    }
    if (this.#context.state === 'suspended') void this.#context.resume();
  }

  /** `volume` 0..1, `pan` -1 (left) .. 1 (right). */
  play(name: SoundName, volume = 1, pan = 0): void {
    const context = this.#context;
    const master = this.#master;
    if (context === undefined || master === undefined || this.#muted || context.state !== 'running') return;
    const recipe = RECIPES[name];
    const now = context.currentTime;
    if (volume < 0.03 || (this.#voices >= MOST_VOICES && volume < 0.6)) return;
    if (now - (this.#last.get(name) ?? -1) < (recipe.rest ?? 0)) return;
    this.#last.set(name, now);
    const out = context.createStereoPanner();
    out.pan.value = pan;
    out.connect(master);
    const pitch = 1 + (Math.random() * 2 - 1) * (recipe.vary ?? 0);
    for (const tone of recipe.tones ?? []) this.#tone(context, out, tone, now, volume, pitch);
    for (const noise of recipe.noises ?? []) this.#hiss(context, out, noise, now, volume, pitch);
  }

  #tone(
    context: AudioContext,
    out: AudioNode,
    [wave, from, to, seconds, gain, delay = 0]: Tone,
    now: number,
    volume: number,
    pitch: number,
  ): void {
    const source = context.createOscillator();
    const start = now + delay;
    source.type = wave;
    source.frequency.setValueAtTime(from * pitch, start);
    source.frequency.exponentialRampToValueAtTime(Math.max(to * pitch, 20), start + seconds);
    this.#voice(context, source, source, out, start, seconds, gain * volume);
  }

  #hiss(
    context: AudioContext,
    out: AudioNode,
    [kind, from, to, seconds, gain]: Noise,
    now: number,
    volume: number,
    pitch: number,
  ): void {
    if (this.#noise === undefined) return;
    const source = context.createBufferSource();
    source.buffer = this.#noise;
    source.loop = true;
    const filter = context.createBiquadFilter();
    filter.type = kind;
    filter.frequency.setValueAtTime(from * pitch, now);
    filter.frequency.exponentialRampToValueAtTime(Math.max(to * pitch, 20), now + seconds);
    source.connect(filter);
    this.#voice(context, source, filter, out, now, seconds, gain * volume);
  }

  #voice(
    context: AudioContext,
    source: AudioScheduledSourceNode,
    end: AudioNode,
    out: AudioNode,
    start: number,
    seconds: number,
    loudness: number,
  ): void {
    const gain = context.createGain();
    gain.gain.setValueAtTime(Math.max(loudness, 0.0002), start);
    gain.gain.exponentialRampToValueAtTime(0.0001, start + seconds);
    end.connect(gain).connect(out);
    this.#voices++;
    source.onended = () => {
      this.#voices--;
      gain.disconnect();
    };
    source.start(start);
    source.stop(start + seconds + 0.02);
  }
}

function whiteNoise(context: AudioContext): AudioBuffer {
  const buffer = context.createBuffer(1, context.sampleRate, context.sampleRate);
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < samples.length; i++) samples[i] = Math.random() * 2 - 1;
  return buffer;
}

function stored(): string | null {
  try {
    return localStorage.getItem(MUTED_KEY);
  } catch {
    return null;
  }
}
