// What every implementation of the bus's ports does; the in-memory one and NATS pass it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HubBus, type SpokeBus, valueBytesMax } from './ports.ts';
import { bytes, EventInbox, MessageInbox } from './testing/inbox.ts';

export interface BusFixture extends AsyncDisposable {
  readonly hub: HubBus;
  /** Connected as that cluster. */
  readonly spoke: (clusterUid: string) => Promise<SpokeBus>;
  /** Breaks the connection of the cluster's spoke, until it is mended. */
  readonly cut: (clusterUid: string) => Promise<void>;
  readonly mend: (clusterUid: string) => Promise<void>;
  /** Leaves a delete marker in place of the cluster's value. */
  readonly erase: (clusterUid: string) => Promise<void>;
}

const textOf = (value: Uint8Array | undefined): string | undefined => (value ? Buffer.from(value).toString() : undefined);

export function busContract(name: string, open: () => Promise<BusFixture>): void {
  const law = (title: string, run: (bus: BusFixture, signal: AbortSignal) => Promise<void>): void =>
    test(`${name}: ${title}`, { timeout: 60_000 }, async () => {
      await using bus = await open();
      const end = new AbortController();
      try {
        await run(bus, end.signal);
      } finally {
        end.abort();
      }
    }) as unknown as void;

  law('what is put is what is got, and only under its own key', async ({ hub, spoke }) => {
    const [one, two] = [await spoke('c1'), await spoke('c2')];
    const first = await hub.put('c1', bytes('one'));
    const second = await hub.put('c2', bytes('two'));
    assert.ok(second.sequence > first.sequence);
    assert.equal(textOf(await one.get('c1')), 'one');
    assert.equal(textOf(await two.get('c2')), 'two');
    const held = await hub.held('c1');
    assert.deepEqual([held.sequence, textOf(held.bytes)], [first.sequence, 'one']);
  });

  law('a key that was never written is absent, for the hub with sequence 0', async ({ hub, spoke }, signal) => {
    const one = await spoke('c1');
    assert.equal(await one.get('c1'), undefined);
    assert.deepEqual(await hub.held('c1'), { sequence: 0, bytes: undefined });
    const inbox = new MessageInbox();
    one.watch('c1', inbox.take, signal);
    await inbox.untilText('absent');
    assert.deepEqual(new Set(inbox.texts), new Set(['absent']));
  });

  law('a write that expects another sequence is a conflict, changes nothing and is not pushed', async ({ hub, spoke }, signal) => {
    const one = await spoke('c1');
    const inbox = new MessageInbox();
    const { sequence } = await hub.put('c1', bytes('one'), { sequence: 0 });
    one.watch('c1', inbox.take, signal);
    await inbox.untilText('one');
    await assert.rejects(hub.put('c1', bytes('refused'), { sequence: 0 }), { code: 'CONFLICT' });
    await assert.rejects(hub.put('c1', bytes('refused'), { sequence: sequence + 7 }), { code: 'CONFLICT' });
    assert.equal(textOf((await hub.held('c1')).bytes), 'one');
    await hub.put('c1', bytes('two'), { sequence });
    await inbox.untilText('two');
    assert.ok(!inbox.texts.includes('refused'));
  });

  law('nothing empty, nothing too large, and no name that is a pattern', async ({ hub }) => {
    await assert.rejects(hub.put('c1', new Uint8Array()), { code: 'TOO_LARGE' });
    await assert.rejects(hub.put('c1', new Uint8Array(valueBytesMax + 1)), { code: 'TOO_LARGE' });
    for (const uid of ['', '*', '>', 'c1.c2', 'C1', 'c 1', `c${'1'.repeat(63)}`]) {
      await assert.rejects(hub.put(uid, bytes('x')), { code: 'BAD_NAME' });
      await assert.rejects(hub.held(uid), { code: 'BAD_NAME' });
    }
    await hub.put('c1', new Uint8Array(valueBytesMax).fill(1));
    assert.equal((await hub.held('c1')).bytes?.byteLength, valueBytesMax);
  });

  law('a watcher gets what is there, then what is written, and on demand what is there again', async ({ hub, spoke }, signal) => {
    await hub.put('c1', bytes('one'));
    const one = await spoke('c1');
    const inbox = new MessageInbox();
    const watch = one.watch('c1', inbox.take, signal);
    await inbox.untilText('one');
    await hub.put('c2', bytes('of another'));
    await hub.put('c1', bytes('two'));
    await inbox.untilText('two');
    const before = inbox.all.length;
    await watch.refresh();
    assert.equal(inbox.texts.slice(before).at(-1), 'two');
    assert.ok(!inbox.texts.includes('of another'));
  });

  law('a delete marker is absent, never a state, and can be written over', async ({ hub, spoke, erase }, signal) => {
    const one = await spoke('c1');
    const inbox = new MessageInbox();
    await hub.put('c1', bytes('one'));
    const watch = one.watch('c1', inbox.take, signal);
    await inbox.untilText('one');
    await erase('c1');
    await inbox.untilText('absent');
    await watch.refresh();
    assert.equal(await one.get('c1'), undefined);
    const { sequence, bytes: none } = await hub.held('c1');
    assert.equal(none, undefined);
    await hub.put('c1', bytes('two'), { sequence });
    await inbox.untilText('two');
    assert.ok(inbox.all.every((m) => m === 'absent' || m.byteLength > 0));
  });

  law('a spoke cannot read the key of another', async ({ hub, spoke }) => {
    await hub.put('c2', bytes('secret'));
    const one = await spoke('c1');
    await assert.rejects(one.get('c2'), { code: 'REFUSED' });
    await assert.rejects(one.get('*'), { code: 'BAD_NAME' });
    assert.equal(await one.get('c1'), undefined);
  });

  law('who was away gets the newest when it is back, without asking', async ({ hub, spoke, cut, mend }, signal) => {
    const one = await spoke('c1');
    const [inbox, events] = [new MessageInbox(), new EventInbox()];
    one.events(events.take);
    await hub.put('c1', bytes('one'));
    one.watch('c1', inbox.take, signal);
    await inbox.untilText('one');
    await cut('c1');
    await events.untilKind('disconnected');
    assert.equal(one.connected, false);
    for (const text of ['two', 'three', 'four']) await hub.put('c1', bytes(text));
    await mend('c1');
    await inbox.untilText('four');
    await events.untilKind('connected');
    assert.equal(one.connected, true);
    assert.ok(!inbox.texts.includes('two') && !inbox.texts.includes('three'));
    await hub.put('c1', bytes('five'));
    await inbox.untilText('five');
  });

  law('a renewed connection goes on watching', async ({ hub, spoke }, signal) => {
    const one = await spoke('c1');
    const inbox = new MessageInbox();
    one.watch('c1', inbox.take, signal);
    await inbox.untilText('absent');
    await one.reconnect();
    await hub.put('c1', bytes('one'));
    await inbox.untilText('one');
  });

  law('after its signal a watch is silent', async ({ hub, spoke }, signal) => {
    const one = await spoke('c1');
    const [ended, other] = [new MessageInbox(), new MessageInbox()];
    const end = new AbortController();
    const watch = one.watch('c1', ended.take, end.signal);
    await ended.untilText('absent');
    end.abort();
    const before = ended.all.length;
    one.watch('c1', other.take, signal);
    await hub.put('c1', bytes('one'));
    await other.untilText('one');
    await watch.refresh();
    assert.equal(ended.all.length, before);
  });

  law('a closed connection says so', async ({ spoke, hub }, signal) => {
    const one = await spoke('c1');
    const watch = one.watch('c1', () => {}, signal);
    await one.close();
    await one.close();
    await assert.rejects(watch.refresh(), { code: 'CLOSED' });
    assert.equal(one.connected, false);
    await assert.rejects(one.get('c1'), { code: 'CLOSED' });
    await assert.rejects(one.reconnect(), { code: 'CLOSED' });
    await hub.close();
    await assert.rejects(hub.put('c1', bytes('x')), { code: 'CLOSED' });
  });
}
