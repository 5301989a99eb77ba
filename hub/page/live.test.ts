import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { VirtualClock } from '#shared/clock/mod.ts';
import { Live, type Drawn, type Guest } from './live.ts';
import { look } from './testing/looks.ts';

/** Somebody who is welcome until told otherwise. */
class Visitor implements Guest {
  welcome = true;
  readonly listeners = new Set<() => void>();

  async isWelcome(): Promise<boolean> {
    return this.welcome;
  }

  onEnded(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Some session has ended. */
  somebodyLeaves(): void {
    for (const listener of this.listeners) listener();
  }
}

const drawn: Drawn = { look: look(), sections: new Map([['fleet', '<p>c-00001 is Healthy</p>']]) };
const typeOf = ({ value }: IteratorResult<string>): string => /^event: (\w+)/.exec(String(value))?.[1] ?? '';

test('who is sent away while the fleet is looked at is told nothing of it', { timeout: 60_000 }, async () => {
  const { promise: looked, resolve: finish } = Promise.withResolvers<Drawn>();
  const live = new Live(new VirtualClock(), () => looked);
  const visitor = new Visitor();
  const stream = live.follow('', '1', visitor, new AbortController().signal);
  assert.equal(typeOf(await stream.next()), 'hello');
  const next = stream.next();
  await setImmediate();
  visitor.welcome = false;
  visitor.somebodyLeaves();
  finish(drawn);
  assert.equal(typeOf(await next), 'ended');
  assert.equal((await stream.next()).done, true);
});

test('when somebody else is sent away meanwhile, who stays is told with the next look, at once', { timeout: 60_000 }, async () => {
  const { promise: looked, resolve: finish } = Promise.withResolvers<Drawn>();
  const live = new Live(new VirtualClock(), () => looked);
  const visitor = new Visitor();
  const stream = live.follow('', '1', visitor, new AbortController().signal);
  await stream.next();
  const next = stream.next();
  await setImmediate();
  visitor.somebodyLeaves();
  finish(drawn);
  // No time passes.
  assert.equal(typeOf(await next), 'section');
  assert.equal(typeOf(await stream.next()), 'beat');
  await stream.return(undefined);
});

for (const [how, leave] of [
  ['goes', (stream: AsyncGenerator<string>) => stream.return(undefined)],
  [
    'is sent away',
    async (stream: AsyncGenerator<string>, visitor: Visitor) => {
      visitor.welcome = false;
      visitor.somebodyLeaves();
      for await (const _ of stream);
    },
  ],
] as const)
  test(`nobody listens for who ${how}, and the place is free`, { timeout: 60_000 }, async () => {
    const live = new Live(new VirtualClock(), async () => drawn);
    const visitor = new Visitor();
    const streams = Array.from({ length: 50 }, () => live.follow('', '1', visitor, new AbortController().signal));
    for (const stream of streams) for (let said = ''; said !== 'beat';) said = typeOf(await stream.next());
    assert.deepEqual([visitor.listeners.size, live.isFull], [50, true]);
    for (const stream of streams) await leave(stream, visitor);
    assert.deepEqual([visitor.listeners.size, live.isFull], [0, false]);
  });
