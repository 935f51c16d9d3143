/** Keys and pointer of a desktop. Holds what is held now; pulls are counted until they are read. */

const LEFT = new Set(['KeyA', 'ArrowLeft']);
const RIGHT = new Set(['KeyD', 'ArrowRight']);
const UP = new Set(['KeyW', 'ArrowUp']);
const DOWN = new Set(['KeyS', 'ArrowDown']);
const DASH = new Set(['Space', 'ShiftLeft', 'ShiftRight']);
const RAIL = 'KeyE';

export class KeyboardMouse {
  /** While false, keys belong to the page: somebody types a name. */
  enabled = false;
  fire = false;
  /** CSS pixels from the middle of the window. */
  pointerX = 0;
  pointerY = 0;
  readonly #held = new Set<string>();
  #dashes = 0;
  #rails = 0;

  constructor(surface: HTMLElement) {
    window.addEventListener('keydown', (event) => this.#down(event));
    window.addEventListener('keyup', (event) => this.#held.delete(event.code));
    window.addEventListener('blur', () => this.release());
    document.addEventListener('visibilitychange', () => this.release());
    window.addEventListener('pointermove', (event) => this.#point(event));
    surface.addEventListener('pointerdown', (event) => this.#press(event));
    window.addEventListener('pointerup', (event) => {
      if (event.pointerType !== 'touch' && event.button === 0) this.fire = false;
    });
    surface.addEventListener('contextmenu', (event) => event.preventDefault());
  }

  get x(): number {
    return this.#axis(RIGHT) - this.#axis(LEFT);
  }

  get y(): number {
    return this.#axis(DOWN) - this.#axis(UP);
  }

  /** Dashes since the last call. */
  takeDashes(): number {
    const dashes = this.#dashes;
    this.#dashes = 0;
    return dashes;
  }

  /** Rail shots since the last call. */
  takeRails(): number {
    const rails = this.#rails;
    this.#rails = 0;
    return rails;
  }

  /** Lets go of everything: the window lost the keyboard, so no key-up will come. */
  release(): void {
    this.#held.clear();
    this.fire = false;
    this.#dashes = 0;
    this.#rails = 0;
  }

  #axis(codes: ReadonlySet<string>): number {
    for (const code of codes) if (this.#held.has(code)) return 1;
    return 0;
  }

  #down(event: KeyboardEvent): void {
    if (!this.enabled || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLInputElement) return;
    if (event.code === 'Space' || event.code.startsWith('Arrow')) event.preventDefault();
    if (event.repeat) return;
    this.#held.add(event.code);
    if (DASH.has(event.code)) this.#dashes++;
    if (event.code === RAIL) this.#rails++;
  }

  #point(event: PointerEvent): void {
    if (event.pointerType === 'touch') return;
    this.pointerX = event.clientX - window.innerWidth / 2;
    this.pointerY = event.clientY - window.innerHeight / 2;
  }

  #press(event: PointerEvent): void {
    if (event.pointerType === 'touch' || !this.enabled) return;
    this.#point(event);
    if (event.button === 0) this.fire = true;
    if (event.button === 2) this.#rails++;
  }
}
