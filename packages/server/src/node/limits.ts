// Token buckets: how much one connection or one address may ask for.

import { isIP } from 'node:net';

export interface Rate {
  /** How many may come at once. */
  readonly burst: number;
  /** How many per second in the long run. */
  readonly perSecond: number;
}

/** Refills with time, never above its burst. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #at: number;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = now;
  }

  /** Takes `amount` tokens, or none at all when there are too few. `now` in milliseconds. */
  take(now: number, amount = 1): boolean {
    this.#refill(now);
    if (this.#tokens < amount) return false;
    this.#tokens -= amount;
    return true;
  }

  #refill(now: number): void {
    const elapsed = Math.max(0, now - this.#at);
    this.#at = now;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + (elapsed * this.#rate.perSecond) / 1000);
  }
}

/** Addresses remembered at once; beyond it the one unheard for longest is forgotten. */
const ADDRESS_LIMIT = 8192;

/** One bucket per address; memory stays bounded however many addresses knock. */
export class AddressBuckets {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  get size(): number {
    return this.#buckets.size;
  }

  take(now: number, address: string, amount = 1): boolean {
    const key = addressKey(address);
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#rate, now);
    this.#buckets.delete(key); // a map iterates in the order of insertion: oldest first
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > ADDRESS_LIMIT) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    return bucket.take(now, amount);
  }
}

/** IPv4 as it is; IPv6 by its /64, since one subscriber holds that many addresses. */
export function addressKey(address: string): string {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail = ''] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const groups = plain.includes('::')
    ? [...left, ...new Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right]
    : left;
  return `${groups.slice(0, 4).join(':')}::/64`;
}

export const isLoopback = (address: string): boolean =>
  address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
