/** Turns hands into the game's command, whichever device they are on. */

import { type Input, STICK } from '../schema.ts';
import { KeyboardMouse } from './keyboard-mouse.ts';
import { TouchSticks } from './touch.ts';

export class Controls {
  readonly #desk: KeyboardMouse;
  readonly #touch: TouchSticks;
  #aim = 0;

  constructor(surface: HTMLElement, overlay: HTMLElement) {
    this.#desk = new KeyboardMouse(surface);
    this.#touch = new TouchSticks(surface, overlay);
  }

  set enabled(enabled: boolean) {
    this.#desk.enabled = enabled;
    this.#desk.release();
    this.#touch.release();
  }

  /** Where the hand points, in CSS pixels from the middle of the window: the camera looks ahead that way. */
  get lookX(): number {
    return this.#touch.active ? this.#touch.aimX * 160 : this.#desk.pointerX;
  }

  get lookY(): number {
    return this.#touch.active ? this.#touch.aimY * 160 : this.#desk.pointerY;
  }

  /** `shipX`, `shipY`: where one's own ship is drawn, in CSS pixels from the middle of the window. */
  read(shipX: number, shipY: number): Input {
    const touch = this.#touch;
    const desk = this.#desk;
    if (touch.active) {
      if (touch.aiming) this.#aim = Math.atan2(touch.aimY, touch.aimX);
      else if (Math.hypot(touch.moveX, touch.moveY) > 0.3) this.#aim = Math.atan2(touch.moveY, touch.moveX);
    } else if (Math.hypot(desk.pointerX - shipX, desk.pointerY - shipY) > 2) {
      this.#aim = Math.atan2(desk.pointerY - shipY, desk.pointerX - shipX);
    }
    return {
      mx: Math.round(clampUnit(desk.x + touch.moveX) * STICK),
      my: Math.round(clampUnit(desk.y + touch.moveY) * STICK),
      aim: this.#aim,
      fire: desk.fire || touch.fire,
      dash: desk.takeDashes() + touch.takeDashes(),
      rail: desk.takeRails() + touch.takeRails(),
    };
  }
}

function clampUnit(value: number): number {
  return Math.min(Math.max(value, -1), 1);
}
