import assert from 'node:assert/strict';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { temporaryFolder } from '#deploy/local/processes/mod.ts';
import { seededRandom, systemClock } from '#shared/clock/mod.ts';
import { adminToken, Feed, serveApi, type ApiOptions } from '#hub/api/mod.ts';
import { Holds } from '#hub/holds/mod.ts';
import { openSqliteStore } from '#hub/store/mod.ts';
import { drawContacts, generateFleet, StillFleet } from '#test/bench/mod.ts';
import { kinds } from './kinds/kinds.ts';
import { exits, run } from './mod.ts';

interface Hub {
  readonly url: string;
  readonly folder: string;
  readonly tokenFile: string;
}

/** The real API over a generated record, and the folder that a hub would keep. */
async function startHub(t: TestContext): Promise<Hub> {
  const folder = temporaryFolder('cli');
  const random = seededRandom(7);
  const clock = systemClock;
  const store = await openSqliteStore({ file: ':memory:', clock, random });
  const { clusterIds } = await generateFleet(store, { clusters: 12, tenants: 2, apps: 2 }, random);
  await mkdir(join(folder.path, 'keys'));
  const tokenFile = join(folder.path, 'keys', 'admin.token');
  await adminToken(store, tokenFile, random);
  let over = false;
  const onError = (error: unknown): void => {
    // What was still on its way when the record was closed.
    if (!over) throw error;
  };
  const options: ApiOptions = {
    host: '127.0.0.1',
    port: 0,
    store,
    health: new StillFleet(drawContacts(clusterIds, random)),
    identities: { createJoinToken: async (name) => ({ reveal: () => `token-of-${name}` }) as never, accept: async () => {} },
    onDeclared: async () => {},
    holds: new Holds({ store, clock, onError: () => {} }),
    promote: async () => ({ rollout: null, plan: null, wait: { reason: 'NotExercised', message: 'it has changed nothing in dev' } }),
    pollNow: () => {},
    sourceOf: () => undefined,
    feed: new Feed({ store, clock, random, onError }),
    clock,
    random,
    version: '0.0.0',
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} } as never,
  };
  const api = await serveApi(options);
  t.after(async () => {
    over = true;
    await api.stop();
    await store[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });
  await writeFile(join(folder.path, 'ports.json'), JSON.stringify({ api: api.port }));
  return { url: `http://127.0.0.1:${api.port}`, folder: folder.path, tokenFile };
}

interface Ran {
  readonly out: string;
  readonly err: string;
  readonly exit: number;
}
type Call = (line: string, more?: { stdin?: string; env?: Record<string, string> }) => Promise<Ran>;

const caller =
  ({ url, tokenFile, folder }: Hub): Call =>
  async (line, { stdin = '', env } = {}) => {
    const said = { out: '', err: '' };
    const exit = await run(line.split(' '), {
      env: env ?? { WHEELHOUSE_URL: url, WHEELHOUSE_TOKEN_FILE: tokenFile },
      home: folder,
      folder,
      clock: systemClock,
      fetch: (address, init) => fetch(address, init),
      out: (text) => (said.out += text),
      err: (text) => (said.err += text),
      stdin: async () => stdin,
      terminal: false,
      stop: AbortSignal.timeout(180_000),
    });
    return { ...said, exit };
  };

const declared = `apiVersion: wheelhouse.dev/v1alpha1
kind: Cluster
metadata: {name: new-1}
spec: {labels: {environment: dev}}
`;

test('every kind is listed, read by name, described, and told as table, wide table, JSON, YAML, names', async (t) => {
  const wheelhouse = caller(await startHub(t));
  for (const { plural, singular, tenanted } of kinds) {
    const names = await wheelhouse(`get ${plural} -o name --limit 3`);
    assert.equal(names.exit, 0, names.err);
    const [first = ''] = names.out.split('\n');
    if (first === '') continue;
    assert.ok(first.startsWith(`${singular}/`), first);
    for (const form of ['', ' -o wide', ' -o json', ' -o yaml']) {
      const list = await wheelhouse(`get ${plural}${form}`);
      assert.equal(list.exit, 0, list.err);
      assert.doesNotMatch(list.out, /undefined|\[object|NaN/, `${plural}${form}`);
    }
    const alone = await wheelhouse(`get ${first} -o name`);
    assert.deepEqual([alone.out, alone.exit], [`${first}\n`, 0], alone.err);
    const told = await wheelhouse(`describe ${first}`);
    assert.equal(told.exit, 0, told.err);
    assert.match(told.out, new RegExp(`^Name:.*\\n${tenanted ? '[^]*' : ''}`));
    const happened = await wheelhouse(`events ${first}`);
    assert.equal(happened.exit, 0, happened.err);
  }
});

test('the fleet, a tree, a chain and the doctor', async (t) => {
  const wheelhouse = caller(await startHub(t));
  const status = await wheelhouse('status');
  assert.equal(status.exit, 0, status.err);
  assert.ok(status.out.trimEnd().split('\n').length <= 10, status.out);
  const placement = JSON.parse((await wheelhouse('get placements --limit 1 -o json')).out) as {
    items: [{ metadata: { tenant: string }; spec: { cluster: string; app: string } }];
  };
  const [{ metadata, spec }] = placement.items;
  for (const line of [
    `tree ${spec.cluster}`,
    `tree ${spec.cluster} ${spec.app}`,
    `explain ${spec.cluster}/${metadata.tenant}/${spec.app}`,
  ]) {
    const told = await wheelhouse(line);
    assert.equal(told.exit, 0, told.err);
    assert.match(told.out, new RegExp(spec.app));
  }
  const doctor = await wheelhouse('doctor');
  assert.match(doctor.out, /^ok {6}token/m);
});

test('apply says what it did, then that nothing changed, and refuses with every mistake at its line', async (t) => {
  const hub = await startHub(t);
  const wheelhouse = caller(hub);
  await writeFile(join(hub.folder, 'cluster.yaml'), declared);
  const dry = await wheelhouse('apply -f cluster.yaml --dry-run');
  assert.deepEqual([dry.out, dry.exit], ['cluster/new-1 created (dry run)\n', 0], dry.err);
  const created = await wheelhouse('apply -f cluster.yaml --reason growing');
  assert.deepEqual([created.out, created.exit], ['cluster/new-1 created\n', 0], created.err);
  const again = await wheelhouse('apply -f - --exit-code-unchanged', { stdin: declared });
  assert.deepEqual([again.out, again.exit], ['cluster/new-1 unchanged\n', exits.unchanged]);
  const broken = await wheelhouse('apply -f cluster.yaml -f -', { stdin: declared.replace('new-1', 'New_2').replace('spec:', 'spek:') });
  assert.equal(broken.exit, exits.error);
  assert.match(broken.err, /^stdin:3:\d+: metadata\.name .*\n[^]*stdin:\d+:\d+: .*spek/m);
  const audit = await wheelhouse('audit --subject Cluster/new-1');
  assert.match(audit.out, /growing/);
});

test('delete takes back what nothing depends on, and is refused otherwise', async (t) => {
  const wheelhouse = caller(await startHub(t));
  await wheelhouse('apply -f -', { stdin: declared });
  const gone = await wheelhouse('delete cluster new-1 --reason over');
  assert.deepEqual([gone.out, gone.exit], ['cluster/new-1 deleted\n', 0], gone.err);
  assert.equal((await wheelhouse('get cluster new-1')).exit, exits.error);
  const [tenant = ''] = (await wheelhouse('get tenants -o name')).out.split('\n');
  const refused = await wheelhouse(`delete ${tenant}`);
  assert.equal(refused.exit, exits.refused, refused.err);
  assert.match(refused.err, /^error IN_USE: tenant\/.*\nnext: /);
});

test('promote, sync, join-token, accept', async (t) => {
  const wheelhouse = caller(await startHub(t));
  const [release = ''] = (await wheelhouse('get releases -o name')).out.split('\n');
  const { spec, metadata } = JSON.parse((await wheelhouse(`get ${release} -o json`)).out) as {
    spec: { app: string; alias: string };
    metadata: { tenant: string };
  };
  const targets = JSON.parse((await wheelhouse(`get targets -t ${metadata.tenant} --field-selector spec.app=${spec.app} -o json`)).out) as {
    items: [{ spec: { environment: string } }];
  };
  const app = `${metadata.tenant}/${spec.app}`;
  const promoted = await wheelhouse(`promote ${app} --to ${targets.items[0].spec.environment} --release ${spec.alias}`);
  assert.equal(promoted.exit, exits.refused, promoted.err);
  assert.match(promoted.err, /NotExercised/);
  assert.equal((await wheelhouse(`sync ${app}`)).out, `app/${app} synced\n`);
  await wheelhouse('apply -f -', { stdin: declared });
  const token = await wheelhouse('cluster join-token new-1');
  assert.deepEqual([token.out, token.exit], ['token-of-new-1\n', 0], token.err);
  assert.match(token.err, /good for one agent and (60m|59m)/);
  const accepted = await wheelhouse('cluster accept new-1');
  assert.deepEqual([accepted.exit, /error NOT_ASKED/.test(accepted.err)], [exits.refused, true], accepted.err);
});

test('what files name is deleted with them, and one app of a cluster is synced by any of its names', async (t) => {
  const wheelhouse = caller(await startHub(t));
  await wheelhouse('apply -f -', { stdin: declared });
  const deleted = await wheelhouse('delete -f - --reason moved', { stdin: declared });
  assert.deepEqual([deleted.exit, deleted.out], [0, 'cluster/new-1 deleted\n'], deleted.err);
  const again = await wheelhouse('delete -f -', { stdin: declared });
  assert.deepEqual([again.exit, again.err.split('\n')[1]?.includes('Cluster/new-1 is not there')], [1, true], again.err);
  assert.equal((await wheelhouse('delete -f - --ignore-not-found', { stdin: declared })).exit, 0);
  const connected = await wheelhouse('get placements --field-selector status.connection=Connected');
  assert.equal(connected.exit, exits.usage, 'placements are not selected by connection');
  const all = JSON.parse((await wheelhouse('get placements -o json')).out) as {
    items: { metadata: { tenant: string }; spec: { cluster: string; app: string }; status: { health: string } }[];
  };
  const [one] = all.items.filter(({ status }) => status.health !== 'Unknown');
  assert.ok(one);
  const said = await wheelhouse(`sync ${one.spec.cluster}/${one.metadata.tenant}/${one.spec.app} --wait --reason because`);
  assert.deepEqual([said.exit, said.out.endsWith(' synced\n')], [0, true], said.err);
  const audit = await wheelhouse('audit --action sync.placement --no-headers');
  assert.match(audit.out, /sync\.placement\s+Placement\/\S+\s+because/);
  const [silent] = all.items.filter(({ status }) => status.health === 'Unknown');
  if (silent)
    assert.equal((await wheelhouse(`sync ${silent.spec.cluster}/${silent.metadata.tenant}/${silent.spec.app}`)).exit, exits.unreachable);
});

test('a watch tells what is applied meanwhile, and goes on from where its list ended', async (t) => {
  const wheelhouse = caller(await startHub(t));
  const watching = wheelhouse('get clusters -w --timeout 4s -o name');
  await systemClock.sleep(500);
  await wheelhouse('apply -f -', { stdin: declared });
  const { out, exit, err } = await watching;
  assert.equal(exit, 0, err);
  const lines = out.trimEnd().split('\n');
  assert.equal(lines.filter((line) => line === 'cluster/new-1').length, 1, out);
  assert.equal(lines.at(-1), 'cluster/new-1');
});

test('init writes a context from the folder of a hub, for its owner alone; contexts are used, listed, forgotten', async (t) => {
  const hub = await startHub(t);
  const file = join(hub.folder, 'config', 'contexts.yaml');
  const env = { WHEELHOUSE_CONFIG: file };
  const wheelhouse = caller(hub);
  const written = await wheelhouse('init .', { env });
  assert.deepEqual([written.out, written.exit], [`context local written: ${hub.url}\n`, 0], written.err);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const token = (await readFile(hub.tokenFile, 'utf8')).trim();
  assert.ok(!(await readFile(file, 'utf8')).includes(token));
  assert.equal((await wheelhouse('status', { env })).exit, 0);
  await wheelhouse('init . --name other --url http://127.0.0.1:1', { env });
  assert.equal((await wheelhouse('status', { env })).exit, exits.unreachable);
  assert.equal((await wheelhouse('status --context local', { env })).exit, 0);
  assert.match((await wheelhouse('context use local', { env })).out, /local is the current one/);
  assert.match((await wheelhouse('context list', { env })).out, /^\* {9}local/m);
  assert.equal((await wheelhouse('context delete local', { env })).exit, 0);
  assert.equal((await wheelhouse('status', { env })).exit, exits.error);
});

test('who has no valid token is denied, and a token that others may read is not used', async (t) => {
  const hub = await startHub(t);
  const wheelhouse = caller(hub);
  const env = { WHEELHOUSE_URL: hub.url, WHEELHOUSE_TOKEN_FILE: join(hub.folder, 'wrong') };
  await writeFile(join(hub.folder, 'wrong'), 'whapi_wrong', { mode: 0o600 });
  const denied = await wheelhouse('status', { env });
  assert.equal(denied.exit, exits.denied);
  assert.match(denied.err, /^error UNAUTHENTICATED: .*\nnext: /);
  await writeFile(join(hub.folder, 'open'), 'whapi_wrong', { mode: 0o644 });
  const open = await wheelhouse('status', { env: { ...env, WHEELHOUSE_TOKEN_FILE: join(hub.folder, 'open') } });
  assert.match(open.err, /others may read it\nnext: chmod 600/);
});

test('a token lets somebody in as far as its scope, until it is revoked', async (t) => {
  const hub = await startHub(t);
  const wheelhouse = caller(hub);
  const made = await wheelhouse('token create --scope read --name ci --ttl 1h --reason pipeline');
  assert.match(made.out, /^whapi_[\w-]{43}\n$/, made.err);
  assert.match(made.err, /^token\/\d+ ci: scope read, good for (60m|59m)/);
  const file = join(hub.folder, 'ci.token');
  await writeFile(file, made.out, { mode: 0o600 });
  const env = { WHEELHOUSE_URL: hub.url, WHEELHOUSE_TOKEN_FILE: file };
  assert.equal((await wheelhouse('status', { env })).exit, exits.ok);
  for (const line of ['apply -f -', 'token list', 'token create --scope read'])
    assert.equal((await wheelhouse(line, { env, stdin: declared })).exit, exits.denied, line);
  const listed = await wheelhouse('token list --no-headers');
  const [, id = ''] = /^(\d+) +ci +read /m.exec(listed.out) ?? [];
  const gone = await wheelhouse(`token revoke ${id} --reason over`);
  assert.deepEqual([gone.out, gone.exit], [`token/${id} revoked\n`, exits.ok], gone.err);
  assert.equal((await wheelhouse('status', { env })).exit, exits.denied);
  assert.match((await wheelhouse('audit --subject Token/ci')).out, /pipeline[^]*over/);
  const [, local = ''] = /^(\d+) +local-admin /m.exec(listed.out) ?? [];
  assert.equal((await wheelhouse(`token revoke ${local}`)).exit, exits.refused);
  assert.equal((await wheelhouse('token create --scope read --ttl 10s')).exit, exits.usage);
});

test('what is frozen and suspended is marked, counted, described, and let go; the same again is unchanged', async (t) => {
  const wheelhouse = caller(await startHub(t));
  const frozen = await wheelhouse('freeze cluster c-00001 --for 2h --reason sale');
  assert.match(frozen.out, /^cluster\/c-00001 frozen until \d/, frozen.err);
  const { out: until } = await wheelhouse('get cluster c-00001 -o jsonpath={.status.frozen.until}');
  const again = await wheelhouse(`freeze cluster c-00001 --until ${until.trim()} --reason sale --exit-code-unchanged`);
  assert.deepEqual([again.out, again.exit], ['cluster/c-00001 unchanged\n', exits.unchanged]);
  assert.equal((await wheelhouse('freeze environment team-0/dev --reason sale')).exit, exits.ok);
  const suspended = await wheelhouse('suspend app team-0/app-0 --reason looking');
  assert.match(suspended.err, /\d+ placements left alone/);
  assert.match((await wheelhouse('get clusters')).out, /^c-00001 +\w+,Frozen /m);
  assert.match((await wheelhouse('status')).out, /^stopped +1 environment, 1 cluster frozen; 1 app suspended$/m);
  assert.match((await wheelhouse('describe cluster c-00001')).out, /Frozen:\n +Scope: +Cluster\n +By: +user:local-admin\n +Reason: +sale/);
  for (const line of ['unfreeze cluster c-00001', 'unfreeze environment team-0/dev', 'resume app team-0/app-0'])
    assert.equal((await wheelhouse(line)).exit, exits.ok, line);
  assert.doesNotMatch((await wheelhouse('status')).out, /^stopped/m);
  assert.equal((await wheelhouse('freeze cluster nope --reason x')).exit, exits.error);
});
