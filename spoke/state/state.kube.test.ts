import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startFleet, type KubeFleet } from '#test/kube/mod.ts';
import { systemClock, systemRandom } from '../../shared/clock/mod.ts';
import { fromKubeconfig, type HttpKubeClient } from '../kube/mod.ts';
import { SpokeState } from './mod.ts';
import { assignment, content, desired, identity, layerOf } from './testing.ts';

const signal = AbortSignal.timeout(10 * 60_000);

describe('state on a real API server', { timeout: 2 * 60_000 }, () => {
  let dir: string;
  let fleet: KubeFleet;
  let client: HttpKubeClient;
  const open = async (): Promise<SpokeState> => await SpokeState.open({ client, clock: systemClock, random: systemRandom }, signal);

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'wheelhouse-state-'));
    fleet = await startFleet({ dir, names: ['state'] });
    client = await fromKubeconfig(fleet.cluster('state').kubeconfig);
  });
  after(async () => {
    await client?.[Symbol.asyncDispose]();
    await fleet?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  test('what one process kept is what the next one reads; the first one hears of it and loses', async () => {
    const first = await open();
    const record = assignment({ applied: content('a', layerOf(890 * 1024)), applying: content('b', layerOf(890 * 1024)) });
    await first.saveIdentity(identity, signal);
    await first.saveDesired(desired(7), signal);
    await first.assignments.save('p1', record, signal);
    const lost = first.lost(signal);

    const next = await open();
    assert.match((await lost) ?? '', /another process/);
    assert.equal(next.identity.own?.keyPem, identity.own?.keyPem);
    assert.deepEqual(await next.loadDesired(signal), desired(7));
    assert.deepEqual(await next.assignments.list(signal), ['p1']);
    const read = await next.assignments.load('p1', signal);
    assert.deepEqual(read?.applied, record.applied);
    assert.equal(read?.applying?.layer, undefined);
    await next.assignments.save('p1', assignment(), signal);
    await assert.rejects(first.assignments.save('p1', { inventory: [] }, signal), { code: 'LOST_RACE' });
    await assert.rejects(first.saveIdentity({}, signal), { code: 'LOST_RACE' });
    await next.assignments.remove('p1', signal);
    assert.equal(await next.assignments.load('p1', signal), undefined);
  });
});
