/** The caller's mistake throws, with the fix in the message. A peer's bytes never come here. */

/** Thrown for a mistake of the program that uses Tickwire. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Throws a `UsageError` unless `condition` holds. Say in the message what to do instead. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new UsageError(message);
}

/** Makes a forgotten case of a closed union a compile error. */
export function unreachable(value: never): never {
  throw new UsageError(`unexpected value ${String(value)}: a case is missing here`);
}
