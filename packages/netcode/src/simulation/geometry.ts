/**
 * Rays, distances and overlaps of rectangles with round corners (see shapes.ts). Only + - * / and sqrt, so that both sides get the
 * same bits. "Local" coordinates are those of a shape: its middle is at (0, 0) and it is not turned.
 */

/**
 * The share 0..1 of the way from (x, y) by (dx, dy) at which it enters a shape, in local coordinates: 0 when it begins inside, -1
 * when it misses.
 */
export function rayEntry(
  x: number,
  y: number,
  dx: number,
  dy: number,
  halfWidth: number,
  halfHeight: number,
  radius: number,
): number {
  if (halfWidth === 0 && halfHeight === 0) return circleEntry(x, y, dx, dy, radius);
  if (outside2(x, y, halfWidth, halfHeight) <= radius * radius) return 0;
  if (radius === 0) return known(boxEntry(x, y, dx, dy, halfWidth, halfHeight));
  // Two boxes and four discs cover it.
  let first = boxEntry(x, y, dx, dy, halfWidth + radius, halfHeight);
  first = Math.min(first, boxEntry(x, y, dx, dy, halfWidth, halfHeight + radius));
  for (let corner = 0; corner < 4; corner++) {
    const cornerX = (corner & 1) === 0 ? halfWidth : -halfWidth;
    const cornerY = (corner & 2) === 0 ? halfHeight : -halfHeight;
    const share = circleEntry(x - cornerX, y - cornerY, dx, dy, radius);
    if (share >= 0 && share < first) first = share;
  }
  return known(first);
}

/** Squared distance of a point from a rectangle, in local coordinates: 0 inside. */
export function outside2(x: number, y: number, halfWidth: number, halfHeight: number): number {
  const dx = beyond(x, halfWidth);
  const dy = beyond(y, halfHeight);
  return dx * dx + dy * dy;
}

/** How far `value` is beyond -half..half, with its sign. */
export function beyond(value: number, half: number): number {
  return value > half ? value - half : value < -half ? value + half : 0;
}

/** Squared distance of a point from the way between two others. */
export function offWay2(px: number, py: number, x: number, y: number, dx: number, dy: number): number {
  const rx = px - x;
  const ry = py - y;
  const length2 = dx * dx + dy * dy;
  const along = length2 === 0 ? 0 : (rx * dx + ry * dy) / length2;
  const share = along > 0 ? (along < 1 ? along : 1) : 0;
  const ex = rx - dx * share;
  const ey = ry - dy * share;
  return ex * ex + ey * ey;
}

/**
 * Distance between two rectangles. The first is in local coordinates; the second's middle is at (x, y) and it is turned by the angle
 * with this cosine and sine.
 */
export function rectangleDistance(
  halfWidth: number,
  halfHeight: number,
  x: number,
  y: number,
  cos: number,
  sin: number,
  otherWidth: number,
  otherHeight: number,
): number {
  // Where they do not meet, a corner of one is nearest to the other. They meet unless some side of one has all of the other beyond it.
  const spanX = Math.abs(cos) * otherWidth + Math.abs(sin) * otherHeight;
  const spanY = Math.abs(sin) * otherWidth + Math.abs(cos) * otherHeight;
  const backX = -x * cos - y * sin;
  const backY = x * sin - y * cos;
  const backSpanX = Math.abs(cos) * halfWidth + Math.abs(sin) * halfHeight;
  const backSpanY = Math.abs(sin) * halfWidth + Math.abs(cos) * halfHeight;
  const apart =
    Math.abs(x) > halfWidth + spanX ||
    Math.abs(y) > halfHeight + spanY ||
    Math.abs(backX) > otherWidth + backSpanX ||
    Math.abs(backY) > otherHeight + backSpanY;
  if (!apart) return 0;
  let least = Infinity;
  for (let corner = 0; corner < 4; corner++) {
    const right = (corner & 1) === 0 ? 1 : -1;
    const down = (corner & 2) === 0 ? 1 : -1;
    const ox = right * otherWidth;
    const oy = down * otherHeight;
    least = Math.min(
      least,
      outside2(x + ox * cos - oy * sin, y + ox * sin + oy * cos, halfWidth, halfHeight),
    );
    const cx = right * halfWidth;
    const cy = down * halfHeight;
    least = Math.min(
      least,
      outside2(backX + cx * cos + cy * sin, backY - cx * sin + cy * cos, otherWidth, otherHeight),
    );
  }
  return Math.sqrt(least);
}

function circleEntry(x: number, y: number, dx: number, dy: number, radius: number): number {
  const c = x * x + y * y - radius * radius;
  if (c <= 0) return 0;
  const a = dx * dx + dy * dy;
  const b = x * dx + y * dy;
  const root = b * b - a * c;
  if (b >= 0 || root < 0) return -1;
  const share = (-b - Math.sqrt(root)) / a;
  return share <= 1 ? share : -1;
}

/** Infinity when it misses. It does not begin inside. */
function boxEntry(
  x: number,
  y: number,
  dx: number,
  dy: number,
  halfWidth: number,
  halfHeight: number,
): number {
  let from = 0;
  let to = 1;
  if (dx === 0) {
    if (x > halfWidth || x < -halfWidth) return Infinity;
  } else {
    const one = (-halfWidth - x) / dx;
    const other = (halfWidth - x) / dx;
    from = Math.max(from, Math.min(one, other));
    to = Math.min(to, Math.max(one, other));
  }
  if (dy === 0) {
    if (y > halfHeight || y < -halfHeight) return Infinity;
  } else {
    const one = (-halfHeight - y) / dy;
    const other = (halfHeight - y) / dy;
    from = Math.max(from, Math.min(one, other));
    to = Math.min(to, Math.max(one, other));
  }
  return from <= to ? from : Infinity;
}

const known = (share: number): number => (share === Infinity ? -1 : share);
