/**
 * Catches, during rules in development, what would make client and server differ: ambient randomness, clocks, and the
 * `Math` functions that engines compute differently.
 */

import { UsageError } from '../base/assert.ts';

const INEXACT = [
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'atan2',
  'sinh',
  'cosh',
  'tanh',
  'exp',
  'expm1',
  'log',
  'log2',
  'log10',
  'log1p',
  'pow',
  'hypot',
  'cbrt',
];

const REPLACED = new Set(['sin', 'cos', 'atan2', 'hypot']);

interface Trap {
  readonly holder: Record<string, unknown>;
  readonly name: string;
  readonly original: unknown;
  readonly replacement: unknown;
}

let traps: readonly Trap[] | undefined;
let depth = 0;

/** Runs `rules` with the traps set. Nests; always lifts them again. */
export function withTraps(rules: () => void): void {
  if (depth++ === 0) setAll((trap) => trap.replacement);
  try {
    rules();
  } finally {
    if (--depth === 0) setAll((trap) => trap.original);
  }
}

function setAll(choose: (trap: Trap) => unknown): void {
  traps ??= makeTraps();
  for (const trap of traps) trap.holder[trap.name] = choose(trap);
}

function makeTraps(): Trap[] {
  const math = Math as unknown as Record<string, unknown>;
  const clock = Date as unknown as Record<string, unknown>;
  const found = [
    trap(math, 'random', 'Math.random() draws other numbers on client and server; use ctx.random(entity)'),
    trap(clock, 'now', 'Date.now() reads a clock that client and server do not share; use ctx.tick'),
    ...INEXACT.map((name) =>
      trap(
        math,
        name,
        `Math.${name}() gives other bits in other engines; ${
          REPLACED.has(name)
            ? `import { ${name} } from '@tickwire/netcode'`
            : 'build it from + - * / Math.sqrt, or from the functions of @tickwire/netcode'
        }`,
      ),
    ),
  ];
  const { performance } = globalThis as unknown as { performance?: Record<string, unknown> };
  if (performance !== undefined)
    found.push(
      trap(
        performance,
        'now',
        'performance.now() reads a clock that client and server do not share; use ctx.tick',
      ),
    );
  return found;
}

function trap(holder: Record<string, unknown>, name: string, reason: string): Trap {
  const replacement = (): never => {
    throw new UsageError(`in a rule: ${reason}`);
  };
  return { holder, name, original: holder[name], replacement };
}
