// One cluster is taken over: what its spoke's certificate and credentials can do to another one.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { NatsConnection } from '@nats-io/transport-node';
import { AssignmentReport, Health } from '#proto/mod.ts';
import { connectHub, importNatsKeys, type HubBus } from '#shared/bus/mod.ts';
import { systemClock, systemRandom } from '#shared/clock/mod.ts';
import { createAuthority, createRequest, issueSpoke, tlsKeyFromPem } from '#shared/signing/mod.ts';
import { manifests, openScene, planeOf, stealIdentity, type Scene, type Stolen } from './scenes.ts';
import { rawNats, Thief } from './thieves.ts';
import { until } from './waits.ts';

const neverReady = manifests('one', 'registry.example.org/does-not-exist:1');

describe('a spoke that was taken over', { timeout: 5 * 60_000 }, () => {
  const end = new AbortController();
  let scene: Scene;
  let bus: HubBus;
  let stolen: Stolen;
  let ca: string;
  let prodUid: string;

  before(async () => {
    // Production never becomes healthy, so that a lie about it would be seen.
    const files = { 'dev/app.yaml': manifests('one'), 'prod/app.yaml': neverReady };
    scene = await openScene({ clusters: 2, apps: [{ tenant: 'team', app: 'web', namespace: 'web', files }] });
    await until('dev is healthy, and prod is not', async () => {
      const [dev, prod] = await Promise.all(['dev-1', 'prod-1'].map((name) => scene.cluster(name)));
      const states = [dev?.placements[0]?.health, prod?.placements[0]?.health, prod?.placements[0]?.unhealthy.length];
      return (states[0] === 'Healthy' && states[1] === 'Progressing' && states[2] === 1) || states;
    });
    ca = await readFile(join(scene.data, 'hub/keys/ca.pem'), 'utf8');
    const keys = importNatsKeys(await readFile(join(scene.data, 'hub/keys/nats.json'), 'utf8'));
    bus = await connectHub({ servers: [scene.fleet.nats.url], keys, clock: systemClock, random: systemRandom }, end.signal);
    stolen = await stealIdentity(planeOf(scene.fleet.clusters, 'dev-1'));
    prodUid = (await scene.cluster('prod-1')).uid ?? '';
  });
  after(async () => {
    await bus.close();
    end.abort();
    await scene[Symbol.asyncDispose]();
  });

  const reportRow = (placement: string): Buffer => {
    const [row] = scene.rows('SELECT value FROM reports JOIN placements ON placements.id = placement_id WHERE uid = ?', placement);
    return Buffer.from(row?.['value'] as Uint8Array);
  };
  const refused = async (name: string, code: string): Promise<boolean> =>
    (await scene.cluster(name)).refusals.some((refusal) => refusal.code === code);

  test('says that the other is healthy: refused in the acknowledgement and in the record, and nothing of it is believed', async () => {
    const { uid, release } = await scene.placement('prod-1', 'web');
    const before = reportRow(uid);
    const honest = AssignmentReport.decode(before);
    const lie: AssignmentReport = { ...honest, health: Health.HEALTH_HEALTHY, revisionApplied: honest.revisionWanted, objects: [] };
    using thief = new Thief(stolen, ca);
    thief.hello(stolen.kubeSystemUid);
    await thief.hears('welcome');
    thief.say({ $case: 'report', value: { seq: 1, value: Buffer.from(AssignmentReport.encode(lie).finish()) } });
    const { seq, refused: lies } = await thief.hears('reportAck');
    assert.deepEqual([seq, lies.map(({ assignmentUid, code }) => [assignmentUid, code])], [1, [[uid, 'ForeignAssignment']]]);
    assert.ok(await refused('dev-1', 'ForeignAssignment'));
    assert.ok(!(await refused('prod-1', 'ForeignAssignment')), 'the victim is not to blame');
    assert.deepEqual(reportRow(uid), before);
    assert.notEqual((await scene.placement('prod-1', 'web')).health, 'Healthy');
    const targets = (await scene.fleet.hub.snapshot()).targets.filter(({ environment }) => environment === 'prod');
    assert.deepEqual(
      targets.map(({ current }) => current === release),
      [false],
    );
  });

  test('beats: vouches for its own cluster and not for the other, which falls silent', async () => {
    const victim = scene.fleet.spokes.get('prod-1')?.pid ?? 0;
    using thief = new Thief(stolen, ca);
    thief.hello(stolen.kubeSystemUid);
    await thief.hears('welcome');
    let beats = 0;
    const beat = (): void =>
      thief.say({
        $case: 'beat',
        value: {
          seq: ++beats,
          lastReportSeq: 0,
          reportSetHash: Buffer.alloc(32),
          fence: undefined,
          observing: true,
          notObservingReason: '',
        },
      });
    const answered = (): number => thief.heard.filter(({ $case }) => $case === 'beatReply').length;
    process.kill(victim, 'SIGSTOP');
    try {
      await until('prod is Unknown, whatever dev says', async () => {
        beat();
        const { health, reason } = await scene.placement('prod-1', 'web');
        // Half of a fleet of two is silent: the hub suspects itself first, for longer than the thief can keep the stream.
        return (health === 'Unknown' && ['SpokeSilent', 'Settling'].includes(reason)) || { health, reason };
      });
      for (const goal = answered() + 20; answered() < goal;) {
        beat();
        assert.equal((await scene.placement('prod-1', 'web')).health, 'Unknown');
      }
    } finally {
      process.kill(victim, 'SIGCONT');
    }
    await until('prod speaks for itself again', async () => (await scene.placement('prod-1', 'web')).health !== 'Unknown');
  });

  test('says that it is the other: its certificate says who it is', async () => {
    const { kubeSystemUid } = await stealIdentity(planeOf(scene.fleet.clusters, 'prod-1'));
    using thief = new Thief(stolen, ca);
    thief.hello(kubeSystemUid);
    assert.equal((await thief.hears('goodbye')).reason, 'CloneRefused');
    assert.ok(await refused('dev-1', 'CloneRefused'));
    assert.ok(!(await refused('prod-1', 'CloneRefused')));
  });

  const forgeries: readonly (readonly [what: string, forge: () => Promise<string>])[] = [
    ['no certificate', async () => ''],
    [
      'a certificate for the other by an authority of its own',
      async () => {
        const now = Date.now();
        const validity = { notBefore: new Date(now - 60_000), notAfter: new Date(now + 3_600_000) };
        const authority = await createAuthority('wheelhouse', validity, systemRandom);
        const request = await createRequest(tlsKeyFromPem(stolen.keyPem));
        const { fleetId } = stolen.identity;
        return issueSpoke(authority, request, { ...validity, fleetId, clusterUid: prodUid }, systemRandom);
      },
    ],
  ];
  for (const [what, forge] of forgeries)
    test(`comes with ${what}: is not let in`, async () => {
      using thief = new Thief({ ...stolen, identity: { ...stolen.identity, certificate: await forge() } }, ca);
      thief.hello(stolen.kubeSystemUid);
      await until('the stream has ended', () => thief.ended !== undefined);
      assert.deepEqual(thief.heard, []);
    });

  test('names another key, the stream or a push as the reply of its own read: nothing changes', async () => {
    const read = `desired.get.${stolen.identity.clusterUid}`;
    const stream = 'KV_wheelhouse_desired';
    const replies = [
      `$KV.wheelhouse_desired.${prodUid}`,
      `push.${prodUid}`,
      `desired.push.${prodUid}`,
      `desired.get.${prodUid}`,
      ...['DELETE', 'PURGE', 'MSG.DELETE', 'UPDATE'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
    ];
    const before = await Promise.all([bus.held(prodUid), bus.held(stolen.identity.clusterUid)]);
    const refusalsBefore = scene.rows('SELECT code, message FROM refusals ORDER BY id');
    const { nc } = await rawNats(stolen);
    const answer = await nc.request(read, '', { timeout: 5_000 });
    assert.deepEqual(
      Buffer.from(answer.data),
      Buffer.from(before[1]?.bytes ?? []),
      'the credentials do not work: this would prove nothing',
    );
    for (const reply of replies) nc.publish(read, '', { reply });
    await settled(nc);
    assert.deepEqual(await Promise.all([bus.held(prodUid), bus.held(stolen.identity.clusterUid)]), before);
    assert.deepEqual(scene.rows('SELECT code, message FROM refusals ORDER BY id'), refusalsBefore, 'a spoke was given something to refuse');
    await nc.close();
  });

  const forbidden: readonly (readonly [what: string, act: (nc: NatsConnection) => void])[] = [
    ['read the key of another', (nc) => nc.publish(`desired.get.${prodUid}`, '', { reply: `_INBOX.${stolen.identity.clusterUid}.x` })],
    ['write the key of another', (nc) => nc.publish(`$KV.wheelhouse_desired.${prodUid}`, 'evil')],
    ['write its own key', (nc) => nc.publish(`$KV.wheelhouse_desired.${stolen.identity.clusterUid}`, 'evil')],
    ['push to another', (nc) => nc.publish(`desired.push.${prodUid}`, 'evil')],
    ['listen to the pushes of another', (nc) => void nc.subscribe(`desired.push.${prodUid}`, { callback: () => {} })],
    ['delete the stream', (nc) => nc.publish('$JS.API.STREAM.DELETE.KV_wheelhouse_desired', '')],
  ];
  for (const [what, act] of forbidden)
    test(`may not ${what}, says the server`, async () => {
      const { nc, refused: said } = await rawNats(stolen);
      act(nc);
      await nc.flush();
      await until('the server refuses', () => said.some((one) => /permissions violation/i.test(one)) || said, 10_000);
      await nc.close();
    });

  /** What was sent before has had its effect, if it has one: a round through server and stream for each of the two. */
  const settled = async (nc: NatsConnection): Promise<void> => {
    for (let round = 0; round < 3; round++) {
      await nc.flush();
      await bus.put('settled', Buffer.from('x'));
      await bus.held('settled');
    }
  };
});
