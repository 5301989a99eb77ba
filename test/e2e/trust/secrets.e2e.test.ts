// After a whole run: where secrets are, where they are not, and whether everything that was changed is in the audit log.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { brokenAt, type AuditRow } from '#hub/store/mod.ts';
import { manifests, openScene, planeOf, stealIdentity, type Row, type Scene } from './scenes.ts';
import { until } from './waits.ts';

const bodyOf = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, '');

const piecesOf = (secret: string): string[] => {
  const middle = Math.floor(secret.length / 2);
  return [secret, secret.slice(-32), secret.slice(middle - 16, middle + 16)];
};

describe('after a whole run', { timeout: 5 * 60_000 }, () => {
  let scene: Scene;
  /** Every secret that there is, by what it is. */
  const secrets = new Map<string, string>();

  before(async () => {
    const files = { 'app.yaml': manifests('one') };
    // As talkative as it gets; certificates live so shortly that they are renewed meanwhile.
    const env = { WHEELHOUSE_LOG_LEVEL: 'debug', WHEELHOUSE_CERTIFICATE_TTL: '12s' };
    scene = await openScene({ clusters: 2, env, apps: [{ tenant: 'team', app: 'web', namespace: 'web', files }] });
    await scene.done();
    await collect();
    await scene.fleet.hub.apply(
      JSON.stringify({ apiVersion: 'wheelhouse.dev/v1alpha1', kind: 'Cluster', metadata: { name: 'three' }, spec: {} }),
      'one more',
    );
    secrets.set('a join token that nobody used', await scene.fleet.hub.joinToken('three'));
    await until('a certificate has been renewed', () => scene.rows('SELECT id FROM certificates').length > 2);
    await scene.commit('team/web', { 'app.yaml': manifests('two') }, 'Change the app');
    await until('the change has arrived', () => scene.rows("SELECT id FROM rollouts WHERE state = 'Succeeded'").length >= 4);
    await collect();
  });
  after(() => scene[Symbol.asyncDispose]());

  const collect = async (): Promise<void> => {
    const keys = join(scene.data, 'hub/keys');
    for (const name of readdirSync(keys)) {
      const text = readFileSync(join(keys, name), 'utf8').trim();
      if (/(root|desired|release|trust|ca-key)\.pem$/.test(name)) secrets.set(name, bodyOf(text));
      if (name === 'admin.token') secrets.set(name, text);
      if (name === 'nats.json')
        for (const [of, seed] of Object.entries(JSON.parse(text) as object)) if (typeof seed === 'string') secrets.set(`nats ${of}`, seed);
    }
    for (const { name } of scene.fleet.clusters) {
      const { keyPem, natsSeed, identity } = await stealIdentity(planeOf(scene.fleet.clusters, name));
      secrets
        .set(`key of ${name}`, bodyOf(keyPem))
        .set(`nkey of ${name}`, natsSeed)
        .set(`token of ${name} ${identity.natsJwt.length}`, identity.natsJwt);
      const token = readFileSync(join(scene.data, 'spokes', name, 'join-token'), 'utf8').trim();
      const { secret } = JSON.parse(Buffer.from(token.replace(/^wh1\./, ''), 'base64url').toString()) as { secret: string };
      secrets.set(`join token of ${name}`, token).set(`secret of the join token of ${name}`, secret);
    }
  };

  /** Which secrets a text shows; a piece of one is enough. What they begin with, all tokens or keys of a kind have in common. */
  const shownIn = (text: string): string[] =>
    [...secrets].filter(([, secret]) => piecesOf(secret).some((piece) => text.includes(piece))).map(([what]) => what);

  const filesBelow = (dir: string): string[] =>
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));

  test('the hub keeps its keys in files that only its user reads', () => {
    const folder = join(scene.data, 'hub/keys');
    const modes = filesBelow(folder).map((file) => [relative(folder, file), (statSync(file).mode & 0o777).toString(8)]);
    assert.ok(modes.length >= 9);
    assert.deepEqual(
      modes.filter(([, mode]) => mode !== '600'),
      [],
    );
    assert.equal((statSync(folder).mode & 0o077).toString(8), '0');
  });

  test('no secret is in any log', () => {
    const logs = filesBelow(scene.data).filter((file) => file.endsWith('.log') && !file.includes('/kube/'));
    for (const name of ['hub.log', 'spokes/dev-1/spoke.log', 'nats/nats.log'])
      assert.ok(logs.includes(join(scene.data, name)), `${name} was not looked at`);
    const audits = scene.fleet.clusters.map(({ name }) => planeOf(scene.fleet.clusters, name).auditLog);
    for (const log of [...logs, ...audits]) assert.deepEqual(shownIn(readFileSync(log, 'utf8')), [], log);
  });

  test('no secret is in the configuration of NATS, or in the record', () => {
    const files = [
      ...filesBelow(join(scene.data, 'nats')),
      ...filesBelow(join(scene.data, 'hub')).filter((file) => file.includes('record.db')),
    ];
    assert.ok(files.some((file) => file.endsWith('record.db')));
    for (const file of files) assert.deepEqual(shownIn(readFileSync(file, 'latin1')), [], file);
  });

  test('no secret is in what the API answers', async () => {
    const answers = await scene.fleet.hub.snapshot();
    assert.ok(answers.clusters.length >= 3 && answers.releases.length >= 2);
    assert.deepEqual(shownIn(JSON.stringify(answers)), []);
  });

  test('no secret is in the audit log, which is whole: every row follows from the one before it', () => {
    const rows = scene.rows('SELECT * FROM audit ORDER BY id');
    assert.deepEqual(shownIn(JSON.stringify(rows)), []);
    assert.equal(brokenAt(rows.map(auditRow)), undefined);
    const [first, ...others] = rows;
    assert.ok(first && others.length > 10);
    assert.equal(brokenAt(others.map(auditRow)), others[0]?.['id'], 'a row that is taken out is not missed');
  });

  const counted: readonly (readonly [what: string, sql: string, actions: string])[] = [
    ['join tokens', "SELECT id FROM tokens WHERE kind = 'Join'", "action = 'create.join-token'"],
    ['enrolments', 'SELECT id FROM clusters WHERE uid IS NOT NULL', "action = 'enrol.cluster'"],
    ['rollouts', 'SELECT id FROM rollouts', "action = 'start.rollout'"],
    ['commits', 'SELECT id FROM commits', "subject LIKE 'App/%' AND actor NOT LIKE 'user:%'"],
  ];
  // Not by count: spent certificates are taken out of the record in time, their audit rows never.
  test('every certificate has exactly one audit row', () => {
    const told = "SELECT COUNT(*) FROM audit WHERE action = 'issue.certificate' AND json_extract(detail, '$.serial') = serial";
    const rows = scene.rows(`SELECT serial, (${told}) AS told FROM certificates`);
    assert.ok(rows.length >= 2);
    assert.deepEqual(
      rows.filter((row) => row['told'] !== 1),
      [],
    );
  });

  for (const [what, sql, actions] of counted)
    test(`as many audit rows as ${what}`, () => {
      // In one statement, because the fleet goes on meanwhile.
      const [both] = scene.rows(`SELECT (SELECT COUNT(*) FROM (${sql})) AS made, (SELECT COUNT(*) FROM audit WHERE ${actions}) AS told`);
      assert.ok(Number(both?.['made']) > 0);
      assert.equal(both?.['told'], both?.['made']);
    });
});

const auditRow = (row: Row): AuditRow => ({ ...row, previous: row['previous'], hash: row['hash'] }) as unknown as AuditRow;
