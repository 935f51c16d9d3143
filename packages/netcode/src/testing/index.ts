/** Instruments for games and for Tickwire itself: the rig, simulated links, the sync test. */

export { hideTab, sleepLaptop } from './hitches.ts';
export { type Bursts, type LinkOptions, type LinkStats, SimLink } from './link.ts';
export { PROFILES, type ProfileName } from './profiles.ts';
export {
  type Problem,
  Rig,
  type RigChecks,
  RigClient,
  type RigClientOptions,
  type RigLink,
  type RigOptions,
  type Script,
} from './rig.ts';
export { type Divergence, type SyncTestOptions, type SyncTestResult, syncTest } from './synctest.ts';
