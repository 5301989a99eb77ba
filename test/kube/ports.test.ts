import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { choosePorts } from './ports.ts';

const allFree = async (): Promise<boolean> => true;

test('recorded ports are kept', async () => {
  assert.deepEqual(await choosePorts(['etcd', 'cluster/a'], { etcd: 20_001, 'cluster/a': 20_002 }, allFree), {
    etcd: 20_001,
    'cluster/a': 20_002,
  });
});

test('a recorded port that is in use, or given twice, or no port, is replaced by another', async () => {
  const free = async (port: number): Promise<boolean> => port !== 20_001;
  const ports = await choosePorts(['a', 'b', 'c', 'd'], { a: 20_001, b: 20_002, c: 20_002, d: 'x' }, free);
  assert.equal(ports.b, 20_002);
  assert.equal(new Set(Object.values(ports)).size, 4);
  assert.ok(!Object.values(ports).includes(20_001));
});

test('new ports lie below the range of outgoing connections', async () => {
  const ports = Object.values(await choosePorts(['a', 'b'], {}, allFree));
  assert.ok(
    ports.every((port) => port >= 20_000 && port < 32_000),
    String(ports),
  );
});

test('without any free port it ends with a reason', () =>
  assert.rejects(
    choosePorts(['a'], {}, async () => false),
    { code: 'START_FAILED', message: /no free port/ },
  ));

test('a port on which somebody listens is not free', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  assert.notEqual((await choosePorts(['a'], { a: port })).a, port);
});
