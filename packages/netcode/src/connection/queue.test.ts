import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Queue } from './queue.ts';

it('behaves like an array, for any sequence of calls', () => {
  const call = fc.oneof(
    fc.constant('push'),
    fc.constant('push'),
    fc.constant('shift'),
    fc.nat(5),
    fc.constant('clear'),
  );
  fc.assert(
    fc.property(fc.array(call, { maxLength: 300 }), (calls) => {
      const queue = new Queue<number>();
      const model: number[] = [];
      calls.forEach((what, i) => {
        if (what === 'push') {
          queue.push(i);
          model.push(i);
        } else if (what === 'shift') {
          expect(queue.shift()).toBe(model.shift());
        } else if (what === 'clear' && i % 7 === 0) {
          queue.clear();
          model.length = 0;
        } else if (typeof what === 'number' && what < model.length) {
          queue.remove(what);
          model.splice(what, 1);
        }
        expect(queue.length).toBe(model.length);
        expect(queue.at(0)).toBe(model[0]);
      });
    }),
  );
});
