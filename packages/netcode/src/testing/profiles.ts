/** Named networks, so that tests, tools and people mean the same thing by `mobile`. */

import type { LinkOptions } from './link.ts';

export type ProfileName = 'perfect' | 'wifi' | 'mobile' | 'terrible';

/**
 * All times are **one way**: a round trip over `mobile` takes 140 ms before jitter. The number after ± is the standard
 * deviation of the one-way delay, which is cut off at twice that. Use one link per direction.
 */
export const PROFILES: Readonly<Record<ProfileName, LinkOptions>> = {
  /** 10 ms, always. Not 0: prediction must have something to predict. */
  perfect: { latencyMs: 10 },

  /** 20 ± 8 ms, 0.5 % lost one by one. */
  wifi: { latencyMs: 20, jitterMs: 8, loss: 0.005 },

  /** 70 ± 30 ms, 5 % lost: 1 datagram in 16 falls into a burst, which lasts 5 datagrams and takes 4 of them. */
  mobile: {
    latencyMs: 70,
    jitterMs: 30,
    bursts: { pGoodToBad: 1 / 75, pBadToGood: 1 / 5, lossGood: 0, lossBad: 0.8 },
  },

  /** 150 ± 80 ms, 20 % lost: 1 datagram in 4 falls into a burst of 8, which takes 4 of 5. Overtaking, copies. */
  terrible: {
    latencyMs: 150,
    jitterMs: 80,
    bursts: { pGoodToBad: 1 / 24, pBadToGood: 1 / 8, lossGood: 0, lossBad: 0.8 },
    reorder: 0.05,
    duplicate: 0.02,
  },
};
