// The first command of a newcomer, as it stands in the README: sandboxes, no Go.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '#deploy/local/processes/mod.ts';
import type { StartDocument } from '#deploy/local/fleet/mod.ts';
import { assertNothingLeft, npmStart } from './commands.ts';

interface ClusterSaid {
  readonly name: string;
  readonly connection: string;
  readonly placements: readonly { readonly health: string }[];
}

test('npm start -- --once --json: six healthy clusters, and nothing is left of them', { timeout: 6 * 60_000 }, async () => {
  using temporary = temporaryFolder('once');
  await using command = npmStart(['--once', '--json', '--kubernetes', 'sandbox'], temporary.path);
  const { code, stdout, stderr } = await command.ended;
  assert.equal(code, 0, stderr);
  const { ok, reason, kubernetes, clusters } = JSON.parse(stdout) as StartDocument;
  assert.deepEqual([ok, reason, kubernetes, clusters.length], [true, null, 'sandbox', 6]);
  for (const { name, connection, placements } of clusters as readonly ClusterSaid[]) {
    assert.equal(connection, 'Connected', name);
    assert.ok(placements.length > 0 && placements.every(({ health }) => health === 'Healthy'), `${name}: ${JSON.stringify(placements)}`);
  }
  await assertNothingLeft(temporary.path, { pids: [], ports: [] }, []);
});
