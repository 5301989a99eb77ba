import assert from 'node:assert/strict';
import test from 'node:test';
import { ConfigReader } from './mod.ts';

test('every problem is reported at once, with the variable and what it must be', () => {
  const read = new ConfigReader({ PORT: 'x1', TTL: '5 minutes', LEVEL: 'loud', EMPTY: '' });
  read.text('EMPTY', 'where the data is kept');
  read.integer('PORT', { min: 1, max: 65_535, fallback: 1 });
  read.durationMs('TTL', { minMs: 1, maxMs: 1e9, fallback: '1h' });
  read.choice('LEVEL', ['info', 'debug'], 'info');
  assert.throws(
    () => read.done(),
    (error: { code: string; problems: string[] }) =>
      error.code === 'CONFIG_INVALID' && ['EMPTY', 'PORT', 'TTL', 'LEVEL'].every((name, i) => error.problems[i]?.startsWith(name)),
  );
});

test('defaults fill what is absent', () => {
  const read = new ConfigReader({ NAME: 'hub' });
  const values = [
    read.text('NAME', ''),
    read.text('DIR', '', '/data'),
    read.optional('NONE'),
    read.integer('PORT', { min: 0, max: 9, fallback: 8 }),
    read.durationMs('TTL', { minMs: 1, maxMs: 1e9, fallback: '1h' }),
    read.choice('LEVEL', ['info', 'debug'], 'info'),
  ];
  read.done();
  assert.deepEqual(values, ['hub', '/data', undefined, 8, 3_600_000, 'info']);
});

test('a duration is read as everywhere, within its range', () => {
  const read = new ConfigReader({ TTL: '1h30m', SHORT: '250ms', LONG: '31d' });
  const range = { minMs: 1_000, maxMs: 30 * 86_400_000, fallback: '1h' };
  assert.equal(read.durationMs('TTL', range), 5_400_000);
  for (const name of ['SHORT', 'LONG']) read.durationMs(name, range);
  assert.throws(
    () => read.done(),
    ({ problems }: { problems: readonly string[] }) => problems.map((problem) => problem.split(' ')[0]).join() === 'SHORT,LONG',
  );
});
