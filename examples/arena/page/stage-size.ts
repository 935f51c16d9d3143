/** Keeps the canvas as large as the window, in device pixels, so that lines stay crisp on dense screens. */

import type * as Phaser from 'phaser';

/** Beyond two device pixels per CSS pixel nobody sees the difference, but every phone feels it. */
const MOST_DENSITY = 2;

export function density(): number {
  return Math.min(Math.max(window.devicePixelRatio || 1, 1), MOST_DENSITY);
}

export function deviceSize(): { width: number; height: number } {
  return {
    width: Math.max(2, Math.round(window.innerWidth * density())),
    height: Math.max(2, Math.round(window.innerHeight * density())),
  };
}

export function followWindow(game: Phaser.Game): void {
  const fit = () => {
    const { width, height } = deviceSize();
    game.scale.setZoom(1 / density());
    game.scale.resize(width, height);
  };
  window.addEventListener('resize', fit);
  window.visualViewport?.addEventListener('resize', fit);
}
