import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../clock/mod.ts';
import {
  backoffMs,
  canonicalJson,
  CodedError,
  compareFence,
  digestOf,
  explain,
  inputsBytes,
  isName,
  jitteredMs,
  KeyedQueue,
  parseInputs,
  revisionOf,
  sha256,
  uidFrom,
  type Inputs,
  type Json,
} from './mod.ts';

const inputs: Inputs = {
  apiVersion: 'wheelhouse.dev/v1alpha1',
  namespace: 'shop',
  serviceAccount: 'shop',
  allow: { namespaces: ['shop'], kinds: ['*'] },
  parameters: { region: 'eu' },
  prune: { shareMax: 0.5 },
  health: { timeoutMs: 300_000 },
};

test('revisions are the ones that were agreed on', () => {
  // Golden: a change here changes the identity of everything that runs anywhere.
  const layer = digestOf('layer');
  assert.equal(revisionOf(layer, inputsBytes(inputs)), 'sha256:c15d09f50b3bc76acce53458fcf36695a3a0bd76f939baee580e74ddaf66fb50');
  assert.equal(revisionOf(layer, new Uint8Array()), 'sha256:cfcdbdeb87b6cccd7181594332f3e58eedce7bacd758f4ec586f9c3c2e1a649b');
  const byHand = sha256(Buffer.from('wheelhouse.revision.v1\0'), sha256('layer'), sha256(inputsBytes(inputs)));
  assert.equal(revisionOf(layer, inputsBytes(inputs)), `sha256:${Buffer.from(byHand).toString('hex')}`);
});

test('canonical JSON: the examples of RFC 8785', () => {
  const value: Json = {
    numbers: JSON.parse('[333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001]') as number[],
    string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
    literals: [null, true, false],
  };
  assert.equal(
    canonicalJson(value),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  const sorted = canonicalJson({ '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 });
  assert.deepEqual([...sorted.matchAll(/:(\d)/g)].map((m) => m[1]).join(''), '2467153');
  assert.throws(() => canonicalJson(Number.NaN), { code: 'NOT_JSON' });
  assert.throws(() => canonicalJson('\ud800'), { code: 'NOT_JSON' });
});

test('canonical JSON: order of keys does not matter, and what is written is read back', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)), { noNullPrototype: true }),
      (value) => {
        const shuffled = Object.fromEntries(Object.entries(value).toReversed());
        const text = (v: typeof value): string | undefined => {
          try {
            return canonicalJson(v);
          } catch {
            return undefined;
          }
        };
        assert.equal(text(value), text(shuffled));
        const written = text(value);
        if (written !== undefined) assert.deepEqual(JSON.parse(written), JSON.parse(JSON.stringify(value)));
      },
    ),
  );
});

test('inputs survive their bytes; each missing field is named', () => {
  assert.deepEqual(parseInputs(inputsBytes(inputs)), inputs);
  for (const field of Object.keys(inputs)) {
    const { [field as keyof Inputs]: _, ...rest } = inputs;
    assert.throws(() => parseInputs(Buffer.from(JSON.stringify(rest))), { code: 'INPUTS_MALFORMED', message: new RegExp(field) });
  }
  assert.throws(() => inputsBytes({ ...inputs, parameters: { big: 'x'.repeat(9_000) } }), { code: 'INPUTS_TOO_LARGE' });
  assert.throws(() => parseInputs(Buffer.from([0xff])), { code: 'INPUTS_MALFORMED' });
});

test('fences compare as pairs, epoch first', () => {
  const fence = (epoch: number, generation: number) => ({ epoch, generation });
  assert.ok(compareFence(fence(2, 1), fence(1, 99)) > 0);
  assert.ok(compareFence(fence(1, 2), fence(1, 3)) < 0);
  assert.equal(compareFence(fence(1, 2), fence(1, 2)), 0);
});

test('the queue: one visit for many events, never two of one key at a time, nothing lost', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('add', 'take', 'done'), fc.constantFrom('a', 'b', 'c'))), (steps) => {
      const queue = new KeyedQueue();
      const owed = new Set<string>();
      const busy = new Set<string>();
      for (const [step, key] of steps) {
        if (step === 'add') {
          queue.add(key);
          owed.add(key);
        } else if (step === 'take') {
          const taken = queue.take();
          if (taken === undefined) assert.ok([...owed].every((k) => busy.has(k)));
          else {
            assert.ok(!busy.has(taken) && owed.delete(taken));
            busy.add(taken);
          }
        } else if (busy.delete(key)) queue.done(key);
        assert.equal(queue.pending, owed.size);
        assert.equal(queue.idle, owed.size === 0 && busy.size === 0);
      }
    }),
  );
});

test('back-off doubles to its cap and spreads; jitter keeps to its share', () => {
  const random = seededRandom(3);
  const first = { firstMs: 100, maxMs: 1_000 };
  for (const [attempt, base] of [
    [1, 100],
    [2, 200],
    [4, 800],
    [5, 1_000],
    [999, 1_000],
  ] as const) {
    for (let i = 0; i < 50; i++) {
      const ms = backoffMs(first, attempt, random);
      assert.ok(ms >= base * 0.5 && ms <= base * 1.5, `${attempt}: ${ms}`);
    }
  }
  for (let i = 0; i < 50; i++) assert.ok(Math.abs(jitteredMs(1_000, 0.1, random) - 1_000) <= 100);
});

test('uids are names, start with their kind and do not repeat', () => {
  const random = seededRandom(4);
  const uids = Array.from({ length: 1_000 }, () => uidFrom('c', random));
  assert.equal(new Set(uids).size, 1_000);
  assert.ok(uids.every((uid) => isName(uid) && /^c[0-9a-z]{20}$/.test(uid)));
});

test('an error is explained with its causes, bounded', () => {
  const deep = new CodedError('OUTER', 'could not pull', { cause: new Error('socket closed', { cause: 'reset' }) });
  assert.equal(explain(deep), 'OUTER: could not pull; because socket closed; because reset');
  let chain: Error = new Error('0');
  for (let i = 1; i < 20; i++) chain = new Error(String(i), { cause: chain });
  assert.equal(explain(chain).split('; because ').length, 5);
});
