import { serve } from '@tickwire/server';
import { game } from './game.ts';

const { url } = await serve(game, { static: 'dist' });
console.log(`Physics at ${url}`);
