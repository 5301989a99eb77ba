import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '#shared/clock/mod.ts';
import { Cursors } from './lists/cursors.ts';
import { parseFields, pick } from './lists/fields.ts';
import { parseSelector } from './lists/selectors.ts';
import { healths, type Health } from './schemas/words.ts';
import { startRig, type Rig } from './testing/rig.ts';

interface Item {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly uid: string; readonly tenant?: string; readonly labels: Record<string, string> };
  readonly spec: Record<string, string>;
  readonly status: { readonly health: Health };
}

/** All pages, one after the other. */
async function walk(rig: Rig, path: string): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor = ''; ;) {
    const { status, body } = await rig.get(`${path}${cursor && `&continue=${encodeURIComponent(cursor)}`}`);
    assert.equal(status, 200, JSON.stringify(body));
    items.push(...body.items);
    cursor = body.metadata.continue;
    if (cursor === '') return items;
  }
}

const kinds = ['clusters', 'tenants', 'environments', 'apps', 'targets', 'placements', 'releases', 'rollouts', 'audit'];
test('whatever the order and the size of pages, all of them hold everything once, in that order', async () => {
  await using rig = await startRig();
  const orders = async (kind: string): Promise<string[]> => (await rig.get(`/v1alpha1/${kind}?sort=none`)).body.known;
  for (const kind of kinds)
    for (const sort of await orders(kind)) {
      const whole = (await rig.get(`/v1alpha1/${kind}?limit=500&sort=${sort}`)).body.items as Item[];
      const names = whole.map(({ metadata }) => metadata.uid ?? metadata.name);
      assert.equal(new Set(names).size, names.length);
      for (const limit of [1, 7])
        if (limit > 1 || whole.length < 40)
          assert.deepEqual(
            (await walk(rig, `/v1alpha1/${kind}?limit=${limit}&sort=${sort}`)).map(({ metadata }) => metadata.uid ?? metadata.name),
            names,
            `${kind} ${sort}`,
          );
      const reversed = (await rig.get(`/v1alpha1/${kind}?limit=500&sort=-${sort}`)).body.items as Item[];
      assert.deepEqual(reversed.map(({ metadata }) => metadata.uid ?? metadata.name).toReversed(), names, `${kind} -${sort}`);
    }
});

test('the default order has the worst first', async () => {
  await using rig = await startRig();
  for (const kind of ['clusters', 'placements', 'targets', 'apps', 'environments', 'tenants']) {
    const ranks = ((await rig.get(`/v1alpha1/${kind}?limit=500`)).body.items as Item[]).map(({ status }) => healths.indexOf(status.health));
    assert.deepEqual(
      ranks,
      ranks.toSorted((a, b) => a - b),
      kind,
    );
  }
});

const by =
  (holds: (item: Item) => boolean) =>
  (item: Item): boolean =>
    holds(item);
const filters: readonly (readonly [path: string, query: string, (item: Item) => boolean])[] = [
  ['placements', 'fieldSelector=status.health=Degraded', by(({ status }) => status.health === 'Degraded')],
  [
    'placements',
    'fieldSelector=status.health!=Healthy,spec.app=app-1',
    by(({ status, spec }) => status.health !== 'Healthy' && spec['app'] === 'app-1'),
  ],
  ['placements', 'fieldSelector=status.health in (Unknown,Degraded)', by(({ status }) => ['Unknown', 'Degraded'].includes(status.health))],
  ['placements', 'fieldSelector=spec.environment=prod&sort=name', by(({ spec }) => spec['environment'] === 'prod')],
  ['placements', 'tenant=team-1', by(({ metadata }) => metadata.tenant === 'team-1')],
  ['placements', 'labelSelector=region=eu', by(({ metadata }) => metadata.labels['region'] === 'eu')],
  [
    'clusters',
    'labelSelector=region in (eu,us),env!=prod',
    by(({ metadata: { labels } }) => labels['region'] !== 'ap' && labels['env'] !== 'prod'),
  ],
  ['clusters', 'labelSelector=region,!other', () => true],
  ['clusters', 'labelSelector=other', () => false],
  ['clusters', 'labelSelector=other notin (a)', () => true],
  ['clusters', 'fieldSelector=metadata.name=c-00004', by(({ metadata }) => metadata.name === 'c-00004')],
  ['targets', 'fieldSelector=spec.environment!=dev', by(({ spec }) => spec['environment'] !== 'dev')],
];
test('filters let through what holds, and nothing else', async () => {
  await using rig = await startRig();
  for (const [kind, query, holds] of filters) {
    const everything = await walk(rig, `/v1alpha1/${kind}?limit=500`);
    const found = await walk(rig, `/v1alpha1/${kind}?limit=11&${query.replaceAll(' ', '%20')}`);
    const names = (items: readonly Item[]): string[] => items.map(({ metadata }) => metadata.uid).toSorted();
    assert.deepEqual(names(found), names(everything.filter(holds)), query);
  }
});

test('below a tenant is what is of that tenant', async () => {
  await using rig = await startRig();
  for (const kind of ['environments', 'apps', 'targets', 'placements', 'releases', 'rollouts'])
    assert.deepEqual(
      (await rig.get(`/v1alpha1/tenants/team-1/${kind}?limit=500&sort=${kind === 'rollouts' ? 'created' : 'name'}`)).body.items,
      (await rig.get(`/v1alpha1/${kind}?tenant=team-1&limit=500&sort=${kind === 'rollouts' ? 'created' : 'name'}`)).body.items,
    );
});

test('counts are of everything that matches, and what remains is counted', async () => {
  await using rig = await startRig();
  const { body } = await rig.get('/v1alpha1/placements?limit=10&counts=true&tenant=team-0');
  const all = await walk(rig, '/v1alpha1/placements?limit=500&tenant=team-0');
  const counts: Record<string, number> = body.metadata.counts['status.health'];
  assert.equal(
    Object.values(counts).reduce((a, b) => a + b, 0),
    all.length,
  );
  for (const health of healths) assert.equal(counts[health], all.filter(({ status }) => status.health === health).length, health);
  assert.equal(body.metadata.remainingItemCount, all.length - 10);
  assert.equal((await rig.get('/v1alpha1/placements')).body.metadata.counts, undefined);
});

test('a cursor fits its own query only, ends after 15 minutes, and with the hub', async () => {
  await using rig = await startRig();
  await using other = await startRig({ seed: 2 });
  const { continue: cursor } = (await rig.get('/v1alpha1/clusters?limit=5&sort=name')).body.metadata;
  const at = async (one: Rig, query: string): Promise<string | number> => {
    const { status, body } = await one.get(`/v1alpha1/clusters?${query}&continue=${encodeURIComponent(cursor)}`);
    return status === 200 ? status : body.code;
  };
  assert.equal(await at(rig, 'limit=9&sort=name'), 200);
  assert.equal(await at(rig, 'limit=5&sort=health'), 'CURSOR_INVALID');
  assert.equal(await at(rig, 'limit=5&sort=name&labelSelector=env=dev'), 'CURSOR_INVALID');
  assert.equal(await at(other, 'limit=5&sort=name'), 'CURSOR_EXPIRED');
  await rig.clock.advance(15 * 60_000);
  assert.equal(await at(rig, 'limit=5&sort=name'), 200);
  await rig.clock.advance(1);
  assert.equal(await at(rig, 'limit=5&sort=name'), 'CURSOR_EXPIRED');
});

test('a cursor with any character changed is refused', () => {
  const cursors = new Cursors(seededRandom(1));
  const sealed = cursors.seal(['c-1', 5, null], 'q', 1_000);
  assert.deepEqual(cursors.open(sealed, 'q', 1_000), ['c-1', 5, null]);
  const bytesOf = (text: string): string =>
    text
      .split('.')
      .map((part) => Buffer.from(part, 'base64url').toString('hex'))
      .join('.');
  fc.assert(
    fc.property(fc.nat(sealed.length - 1), fc.constantFrom('a', 'b', 'X', 'Y', '0', '9', '-', '_', '.'), (at, character) => {
      const changed = sealed.slice(0, at) + character + sealed.slice(at + 1);
      // base64 has spare bits at its end: what says the same is the same.
      if (bytesOf(changed) === bytesOf(sealed)) return;
      assert.throws(() => cursors.open(changed, 'q', 1_000), { name: 'ApiError' });
    }),
  );
});

test('fields: only those parts, and always what names the thing', async () => {
  await using rig = await startRig();
  const [item] = (await rig.get('/v1alpha1/clusters?limit=1&fields=status.health,spec.labels.env,nothing.there')).body.items;
  assert.deepEqual(Object.keys(item).toSorted(), ['apiVersion', 'kind', 'metadata', 'spec', 'status']);
  assert.deepEqual(
    [Object.keys(item.metadata), Object.keys(item.status), Object.keys(item.spec.labels)],
    [['name', 'uid'], ['health'], ['env']],
  );
});

test('picked parts are those of the whole, whatever the paths overlap', () => {
  const value = {
    apiVersion: 'v',
    kind: 'K',
    metadata: { name: 'n', uid: 'u', labels: { a: '1' } },
    status: { a: { b: 1, c: [1, 2] }, d: 2 },
  };
  const path = fc.constantFrom('status', 'status.a', 'status.a.b', 'status.a.c', 'status.d', 'metadata.labels', 'status.x');
  const before = structuredClone(value);
  fc.assert(
    fc.property(fc.array(path, { minLength: 1, maxLength: 5 }), (paths) => {
      const picked = pick(value, parseFields(paths.join(','))) as { status?: { a?: { b?: number } } };
      assert.deepEqual(value, before);
      if (paths.some((one) => ['status', 'status.a', 'status.a.b'].includes(one))) assert.equal(picked.status?.a?.b, 1);
      else assert.equal(picked.status?.a?.b, undefined);
    }),
  );
});

test('selectors: every form, and nothing that could leave its quotes', () => {
  assert.deepEqual(parseSelector('a=b, c!=d,e in (x,y),f notin (z),g,!h,i==j,k='), [
    { key: 'a', operator: 'in', values: ['b'] },
    { key: 'c', operator: 'notin', values: ['d'] },
    { key: 'e', operator: 'in', values: ['x', 'y'] },
    { key: 'f', operator: 'notin', values: ['z'] },
    { key: 'g', operator: 'exists', values: [] },
    { key: 'h', operator: 'absent', values: [] },
    { key: 'i', operator: 'in', values: ['j'] },
    { key: 'k', operator: 'in', values: [''] },
  ]);
  for (const wrong of ['a b', 'a=b=c', 'in (x)', 'a in x', '"a"=b', "a='b'", 'a=$.b"', '!', '=b'])
    assert.throws(() => parseSelector(wrong), { code: 'SELECTOR_INVALID' }, wrong);
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => {
      try {
        for (const { key, values } of parseSelector(text)) for (const word of [key, ...values]) assert.match(word, /^[A-Za-z0-9_./:@+-]*$/);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'SELECTOR_INVALID');
      }
    }),
  );
});
