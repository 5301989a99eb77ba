import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { seededRandom, systemClock, systemRandom, VirtualClock } from '../clock/mod.ts';
import { type BusFixture, busContract } from './contract.ts';
import { MemoryBus } from './memory.ts';
import { bytes, MessageInbox } from './testing/inbox.ts';

busContract('memory', async (): Promise<BusFixture> => {
  const bus = new MemoryBus({ clock: systemClock, random: systemRandom });
  const spokes = new Map<string, ReturnType<MemoryBus['spoke']>>();
  return {
    hub: bus.hub(),
    spoke: async (uid) => {
      const spoke = bus.spoke(uid);
      spokes.set(uid, spoke);
      return spoke;
    },
    cut: async (uid) => spokes.get(uid)?.cut(),
    mend: async (uid) => spokes.get(uid)?.mend(),
    erase: async (uid) => void bus.write(uid, undefined),
    [Symbol.asyncDispose]: async () => {},
  };
});

test('withheld, doubled, late and reordered pushes: what one read brings is the newest all the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 20 }), fc.integer(), async (fates, seed) => {
      const random = seededRandom(seed);
      const late: (() => void)[] = [];
      let index = 0;
      const bus = new MemoryBus({
        clock: new VirtualClock(),
        random,
        // 0 withheld, 1 as it should be, 2 twice, 3 late.
        carry: (_push, send) => {
          const fate = fates[index++];
          if (fate === 1 || fate === 2) send();
          if (fate === 2) send();
          if (fate === 3) late.splice(Math.floor(random.next() * (late.length + 1)), 0, send);
        },
      });
      const inbox = new MessageInbox();
      const end = new AbortController();
      const watch = bus.spoke('c1').watch('c1', inbox.take, end.signal);
      for (const generation of fates.keys()) await bus.hub().put('c1', bytes(String(generation)));
      for (const send of late) send();
      await watch.refresh();
      end.abort();
      const generations = inbox.texts.filter((t) => t !== 'absent').map(Number);
      assert.equal(Math.max(...generations), fates.length - 1);
      assert.ok(generations.every((g) => g < fates.length));
    }),
  );
});

test('values are copies: who changes his bytes afterwards changes nothing here', async () => {
  const bus = new MemoryBus({ clock: new VirtualClock(), random: seededRandom(1) });
  const mine = bytes('one');
  await bus.hub().put('c1', mine);
  mine.fill(0);
  assert.deepEqual(await bus.spoke('c1').get('c1'), bytes('one'));
});
