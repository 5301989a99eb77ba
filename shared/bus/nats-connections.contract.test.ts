// How a connection comes about and comes back, on a real server.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, temporaryFolder } from '#deploy/local/processes/mod.ts';
import { startNats } from '#deploy/local/servers/mod.ts';
import { systemClock, systemRandom } from '../clock/mod.ts';
import { createAuthority, issueServer, tlsKeyPem } from '../signing/mod.ts';
import { createNatsKeys, spokeJwt } from './accounts.ts';
import { connectHub } from './nats-hub.ts';
import type { NatsOptions } from './nats-link.ts';
import { connectSpoke } from './nats-spoke.ts';
import { createNkey } from './nkeys.ts';
import { serverConfig } from './server-config.ts';
import { bytes, EventInbox } from './testing/inbox.ts';

const dayMs = 86_400_000;
const common = { clock: systemClock, random: systemRandom, reconnectJitterMs: 10 };
const keys = createNatsKeys(systemRandom, Date.now());

function optionsFor(url: string, events: EventInbox, signer = keys): NatsOptions & { clusterUid: string } {
  const user = createNkey('user', systemRandom);
  const life = { userPublicKey: user.id, issuedAtMs: Date.now(), expiresAtMs: Date.now() + dayMs };
  return {
    ...common,
    clusterUid: 'c1',
    servers: [url],
    credentials: () => ({ user, jwt: spokeJwt(signer, 'c1', life) }),
    onEvent: events.take,
  };
}

test('nobody there yet: waits until there is', { timeout: 60_000 }, async () => {
  using folder = temporaryFolder('bus');
  const port = await freePort();
  const url = `nats://127.0.0.1:${port}`;
  const [events, signal] = [new EventInbox(), AbortSignal.timeout(50_000)];
  const connecting = connectSpoke(optionsFor(url, events), signal);
  await events.untilKind('disconnected');
  await using _server = await startNats({
    dir: folder.path,
    port,
    configText: serverConfig(keys, { accountsDir: join(folder.path, 'accounts') }),
  });
  await using spoke = await connecting;
  await using hub = await connectHub({ ...common, keys, servers: [url] }, signal);
  await hub.put('c1', bytes('one'));
  assert.equal(Buffer.from((await spoke.get('c1')) ?? []).toString(), 'one');
  await events.untilKind('connected');
});

test('nobody there: the signal ends the waiting, with its reason', { timeout: 60_000 }, async () => {
  const events = new EventInbox();
  const stop = new AbortController();
  const connecting = connectSpoke(optionsFor(`nats://127.0.0.1:${await freePort()}`, events), stop.signal);
  await events.untilKind('disconnected');
  const reason = new Error('told to stop');
  stop.abort(reason);
  await assert.rejects(connecting, reason);
});

test('a token that another fleet signed is refused, and that is said, and tried again', { timeout: 60_000 }, async () => {
  using folder = temporaryFolder('bus');
  await using server = await startNats({
    dir: folder.path,
    configText: serverConfig(keys, { accountsDir: join(folder.path, 'accounts') }),
  });
  const events = new EventInbox();
  const stop = new AbortController();
  const stranger = createNatsKeys(systemRandom, Date.now());
  const connecting = connectSpoke(optionsFor(server.url, events, stranger), stop.signal);
  await events.untilKind('refused', /authorization/i);
  events.all.length = 0;
  await events.untilKind('refused', /authorization/i);
  stop.abort(new Error('enough'));
  await assert.rejects(connecting, /enough/);
});

test('over TLS: with the authority that is named, and with no other', { timeout: 60_000 }, async () => {
  using folder = temporaryFolder('bus');
  const validity = { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + dayMs) };
  const [authority, other] = await Promise.all(['wheelhouse', 'other'].map((name) => createAuthority(name, validity, systemRandom)));
  assert.ok(authority && other);
  const certificate = await issueServer(authority, { ...validity, names: ['localhost'], addresses: ['127.0.0.1'] }, systemRandom);
  const [certFile, keyFile] = [join(folder.path, 'server.pem'), join(folder.path, 'server.key')];
  writeFileSync(certFile, certificate.certificatePem);
  writeFileSync(keyFile, tlsKeyPem(certificate.key), { mode: 0o600 });
  const configText = serverConfig(keys, { accountsDir: join(folder.path, 'accounts'), tls: { certFile, keyFile } });
  await using server = await startNats({ dir: folder.path, configText });
  const [events, signal] = [new EventInbox(), AbortSignal.timeout(50_000)];
  const url = server.url.replace('nats:', 'tls:');
  await using hub = await connectHub({ ...common, keys, servers: [url], tls: { ca: authority.certificatePem } }, signal);
  await hub.put('c1', bytes('one'));
  await using spoke = await connectSpoke({ ...optionsFor(url, events), tls: { ca: authority.certificatePem } }, signal);
  assert.equal(Buffer.from((await spoke.get('c1')) ?? []).toString(), 'one');
  const stop = new AbortController();
  const distrustful = connectSpoke({ ...optionsFor(url, events), tls: { ca: other.certificatePem } }, stop.signal);
  await events.untilKind('disconnected');
  stop.abort(new Error('enough'));
  await assert.rejects(distrustful, /enough/);
});
