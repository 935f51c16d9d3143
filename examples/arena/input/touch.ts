/** Two thumbs: the left one moves, the right one aims and, pushed far enough, fires. The sticks appear where the thumbs land. */

/** CSS pixels from the middle of a stick to full deflection. */
const REACH = 52;
/** The right stick fires from here on. */
const FIRE_FROM = 0.45;

class Stick {
  x = 0;
  y = 0;
  readonly #element: HTMLElement;
  readonly #knob: HTMLElement;
  #pointer: number | undefined;
  #originX = 0;
  #originY = 0;

  constructor(element: HTMLElement) {
    this.#element = element;
    this.#knob = element.firstElementChild as HTMLElement;
  }

  get held(): boolean {
    return this.#pointer !== undefined;
  }

  grab(event: PointerEvent): void {
    this.#pointer = event.pointerId;
    this.#originX = event.clientX;
    this.#originY = event.clientY;
    this.#element.style.left = `${event.clientX}px`;
    this.#element.style.top = `${event.clientY}px`;
    this.#element.classList.add('held');
  }

  move(event: PointerEvent): void {
    if (event.pointerId !== this.#pointer) return;
    const dx = (event.clientX - this.#originX) / REACH;
    const dy = (event.clientY - this.#originY) / REACH;
    const length = Math.max(1, Math.hypot(dx, dy));
    this.x = dx / length;
    this.y = dy / length;
    this.#knob.style.transform = `translate(${this.x * REACH}px, ${this.y * REACH}px)`;
  }

  release(event?: PointerEvent): void {
    if (event !== undefined && event.pointerId !== this.#pointer) return;
    this.#pointer = undefined;
    this.x = 0;
    this.y = 0;
    this.#knob.style.transform = '';
    this.#element.classList.remove('held');
    this.#element.style.left = '';
    this.#element.style.top = '';
  }
}

export class TouchSticks {
  /** True from the first touch on: the page then shows the sticks and the buttons. */
  active = false;
  readonly #left: Stick;
  readonly #right: Stick;
  #dashes = 0;
  #rails = 0;

  constructor(surface: HTMLElement, overlay: HTMLElement) {
    this.#left = new Stick(overlay.querySelector('.stick.left') as HTMLElement);
    this.#right = new Stick(overlay.querySelector('.stick.right') as HTMLElement);
    press(overlay, '.dash', () => this.#dashes++);
    press(overlay, '.rail', () => this.#rails++);
    surface.addEventListener('pointerdown', (event) => this.#down(event));
    window.addEventListener('pointermove', (event) => this.#move(event));
    window.addEventListener('pointerup', (event) => this.#up(event));
    window.addEventListener('pointercancel', (event) => this.#up(event));
    window.addEventListener('blur', () => this.release());
    if (window.matchMedia('(pointer: coarse)').matches) this.#activate();
  }

  get moveX(): number {
    return this.#left.x;
  }

  get moveY(): number {
    return this.#left.y;
  }

  get aiming(): boolean {
    return Math.hypot(this.#right.x, this.#right.y) > 0.15;
  }

  get aimX(): number {
    return this.#right.x;
  }

  get aimY(): number {
    return this.#right.y;
  }

  get fire(): boolean {
    return Math.hypot(this.#right.x, this.#right.y) > FIRE_FROM;
  }

  takeDashes(): number {
    const dashes = this.#dashes;
    this.#dashes = 0;
    return dashes;
  }

  takeRails(): number {
    const rails = this.#rails;
    this.#rails = 0;
    return rails;
  }

  release(): void {
    this.#left.release();
    this.#right.release();
    this.#dashes = 0;
    this.#rails = 0;
  }

  #down(event: PointerEvent): void {
    if (event.pointerType !== 'touch') return;
    event.preventDefault();
    this.#activate();
    const stick = event.clientX < window.innerWidth / 2 ? this.#left : this.#right;
    if (!stick.held) stick.grab(event);
  }

  #move(event: PointerEvent): void {
    this.#left.move(event);
    this.#right.move(event);
  }

  #up(event: PointerEvent): void {
    this.#left.release(event);
    this.#right.release(event);
  }

  #activate(): void {
    this.active = true;
    document.body.classList.add('touch');
  }
}

function press(overlay: HTMLElement, button: string, pressed: () => void): void {
  (overlay.querySelector(button) as HTMLElement).addEventListener('pointerdown', (event) => {
    event.preventDefault();
    pressed();
  });
}
