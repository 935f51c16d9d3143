// The game server of the connection pages.

import { serve } from '@tickwire/server';
import { boxes } from '../../contract/boxes.ts';

const NO_LIMIT = { burst: 1e6, perSecond: 1e6 };
await serve(boxes, { joins: NO_LIMIT, calls: NO_LIMIT, graceMs: 5_000 });
