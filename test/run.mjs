// `npm test` and `npm run check`: checks Node, installs what is missing, then runs the stages.
// This file reads on old versions of Node, so that they get a sentence and not a syntax error.
import { prepare } from '../examples/prepare.mjs';

prepare(console.log);
import('./stages.mjs');
