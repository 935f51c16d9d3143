/** What `npm run tickwire -- train examples/arena/training.ts` plays: the arena among its own bots. */

import { createBot } from './bots/think.ts';
import { game } from './game.ts';

export { game };
export const think = createBot(game.definition.options?.map ?? 'cross');
