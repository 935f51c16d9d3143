/**
 * Mathematics that gives the same bits in every JavaScript engine.
 *
 * `+ - * /` and `Math.sqrt` on doubles are exact by IEEE 754; `Math.sin`, `cos`, `atan2`, `hypot`, `pow` are not, and
 * engines do differ. A step that used them would drift apart between server and client. Everything here is built from the exact ones.
 */

const PI = Math.PI;
const TAU = 2 * PI;
const HALF_PI = PI / 2;
const TAN_PI_8 = 0.41421356237309503;

/** Sine of an angle in radians. Error below 1e-14 for |x| up to 1e5. Taylor series after reduction to ±pi/4. */
export function sin(x: number): number {
  return quarterWave(x, 0);
}

/** Cosine of an angle in radians. Error below 1e-14 for |x| up to 1e5. */
export function cos(x: number): number {
  return quarterWave(x, 1);
}

/** Angle of the vector (x, y) in radians, (-pi, pi]; 0 for the zero vector. */
export function atan2(y: number, x: number): number {
  if (x === 0 && y === 0) return 0;
  const ax = x < 0 ? -x : x;
  const ay = y < 0 ? -y : y;
  let angle = ay <= ax ? atanUnit(ay / ax) : HALF_PI - atanUnit(ax / ay);
  if (x < 0) angle = PI - angle;
  return y < 0 ? -angle : angle;
}

/** Length of the vector (x, y). `Math.hypot` may differ between engines; a square root may not. */
export function hypot(x: number, y: number): number {
  return Math.sqrt(x * x + y * y);
}

/** `value` held within low..high. */
export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

/** The shortest way from angle `from` to angle `to`, in radians, [-pi, pi). */
export function angleDelta(from: number, to: number): number {
  const turn = to - from + PI;
  return turn - Math.floor(turn / TAU) * TAU - PI;
}

/** `value` moved towards `target` by at most `step`; arrives exactly. */
export function approach(value: number, target: number, step: number): number {
  if (value < target) return value + step >= target ? target : value + step;
  return value - step <= target ? target : value - step;
}

/**
 * Friction that always comes to rest: `value * keep`, but at least `least` nearer to zero.
 * Plain multiplication sticks on a grid (x0.98 on a 1/8 grid never gets below 3.1). Give the grid step of the field as `least`.
 */
export function damp(value: number, keep: number, least: number): number {
  const size = value < 0 ? -value : value;
  const loss = Math.max(size * (1 - keep), least);
  if (size <= loss) return 0;
  return value < 0 ? value + loss : value - loss;
}

/** Linear blend: `from` at t = 0, `to` at t = 1. */
export function lerp(from: number, to: number, t: number): number {
  return from + (to - from) * t;
}

function quarterWave(x: number, shift: number): number {
  if (!(x > -1e9 && x < 1e9)) return Number.isFinite(x) ? quarterWave(x % TAU, shift) : NaN;
  const quarter = Math.floor(x / HALF_PI + 0.5);
  // pi/2 in two parts, so that the product with a small integer stays exact in the first.
  const r = x - quarter * 1.5707963267341256 - quarter * 6.077100506506192e-11;
  switch ((quarter + shift) & 3) {
    case 0:
      return sinSeries(r);
    case 1:
      return cosSeries(r);
    case 2:
      return -sinSeries(r);
    default:
      return -cosSeries(r);
  }
}

function sinSeries(r: number): number {
  const s = r * r;
  return (
    r *
    (1 -
      (s / 6) *
        (1 - (s / 20) * (1 - (s / 42) * (1 - (s / 72) * (1 - (s / 110) * (1 - (s / 156) * (1 - s / 210)))))))
  );
}

function cosSeries(r: number): number {
  const s = r * r;
  return (
    1 -
    (s / 2) *
      (1 -
        (s / 12) *
          (1 -
            (s / 30) * (1 - (s / 56) * (1 - (s / 90) * (1 - (s / 132) * (1 - (s / 182) * (1 - s / 240)))))))
  );
}

/** Arc tangent for 0 <= t <= 1: one reduction by pi/4, then the alternating series. */
function atanUnit(t: number): number {
  if (t > TAN_PI_8) return PI / 4 - atanSeries((1 - t) / (1 + t));
  return atanSeries(t);
}

function atanSeries(t: number): number {
  const s = t * t;
  let sum = 0;
  for (let n = 41; n >= 1; n -= 2) sum = 1 / n - s * sum;
  return t * sum;
}
