/** All codecs, in the order of the report. */

import type { CodecType } from './codec.ts';
import { colyseusBroadcast, colyseusView } from './colyseus.ts';
import { geckosSchema, json, msgpackr } from './full.ts';
import { tickwireFast, tickwireSmall } from './tickwire.ts';

export const CODECS: readonly CodecType[] = [
  tickwireSmall,
  tickwireFast,
  colyseusView,
  colyseusBroadcast,
  msgpackr,
  geckosSchema,
  json,
];
