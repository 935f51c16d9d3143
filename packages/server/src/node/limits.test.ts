// Token buckets and the key an address counts under.

import { expect, test } from 'vitest';
import { AddressBuckets, addressKey, isLoopback, TokenBucket } from './limits.ts';

test('gives a burst at once and its rate in the long run', () => {
  const bucket = new TokenBucket({ burst: 10, perSecond: 5 }, 0);
  let taken = 0;
  for (let now = 0; now < 10_000; now += 10) if (bucket.take(now)) taken++;
  expect(taken).toBeGreaterThanOrEqual(58);
  expect(taken).toBeLessThanOrEqual(60);
});

test('takes all or nothing, and survives a clock that stands or steps back', () => {
  const bucket = new TokenBucket({ burst: 10, perSecond: 1 }, 1000);
  expect(bucket.take(1000, 11)).toBe(false);
  expect(bucket.take(1000, 10)).toBe(true);
  expect(bucket.take(500)).toBe(false);
  expect(bucket.take(1600)).toBe(true);
});

test('counts a subscriber once: IPv4 by address, IPv6 by its /64', () => {
  expect(addressKey('192.0.2.1')).toBe('192.0.2.1');
  expect(addressKey('::ffff:192.0.2.1')).toBe('192.0.2.1');
  expect(addressKey('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
  expect(addressKey('2001:db8:1:2::9')).toBe('2001:db8:1:2::/64');
  expect(addressKey('2001:db8::9')).toBe('2001:db8:0:0::/64');
  expect(addressKey('::1')).toBe('0:0:0:0::/64');
  expect(addressKey('nonsense')).toBe('nonsense');
});

test('forgets addresses rather than grow', () => {
  const buckets = new AddressBuckets({ burst: 2, perSecond: 1 });
  for (let n = 0; n < 20_000; n++) buckets.take(n / 100, `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
  expect(buckets.size).toBeLessThanOrEqual(8192);
  expect(buckets.take(300, '10.0.77.31')).toBe(true);
});

test('knows this machine', () => {
  expect(['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1'].map(isLoopback)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(['10.0.0.1', '::2', '128.0.0.1'].map(isLoopback)).toEqual([false, false, false]);
});
