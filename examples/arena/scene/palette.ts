/** The colours: ink and slate for the place, one clear colour per player, three for what can be picked up. */

export const INK = {
  void: 0x05070c,
  beyond: 0x080b13,
  floor: 0x0c111d,
  line: 0x182133,
  cross: 0x34435f,
  wallSide: 0x0d1220,
  wallSideLit: 0x141c2e,
  wallTop: 0x202c4a,
  wallEdge: 0x6680bd,
  wallInset: 0x33446d,
  wire: 0x1f4450,
  paper: 0xe9eef7,
  alarm: 0xff5a5f,
} as const;

export const PICKUP_COLOURS = { health: 0x6df0a4, shield: 0x5cc8ff, rapid: 0xffc24d } as const;

/** A player's colour: equally light for every hue, so that nobody is easier to see than another. */
export function playerColour(hue: number): number {
  return cached(colours, hue, () => oklch(0.79, 0.145, hue));
}

export function cssColour(colour: number): string {
  return `#${colour.toString(16).padStart(6, '0')}`;
}

const colours = new Map<number, number>();

function cached(memory: Map<number, number>, key: number, make: () => number): number {
  let value = memory.get(key);
  if (value === undefined) {
    value = make();
    memory.set(key, value);
  }
  return value;
}

/** OKLCH to 24-bit sRGB (Ottosson's matrices). Too colourful values are clipped. */
function oklch(lightness: number, chroma: number, hue: number): number {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const red = toByte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
  const green = toByte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
  const blue = toByte(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s);
  return (red << 16) | (green << 8) | blue;
}

function toByte(linear: number): number {
  const value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
  return Math.round(Math.min(Math.max(value, 0), 1) * 255);
}
