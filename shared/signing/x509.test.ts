import 'reflect-metadata';
import assert from 'node:assert/strict';
import { generateKeyPairSync, webcrypto, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import * as x509 from '@peculiar/x509';
import { seededRandom } from '../clock/mod.ts';
import {
  certificateFacts,
  createAuthority,
  createRequest,
  fingerprintOf,
  generateTlsKey,
  identityOf,
  isIssuedBy,
  issueServer,
  issueSpoke,
  readRequest,
  tlsKeyFromPem,
  tlsKeyPem,
} from './x509.ts';

const random = seededRandom(1);
const day = 86_400_000;
// Real time: TLS, which the first test runs, knows no other.
const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) };
const whole = (date: Date): Date => new Date(Math.floor(date.getTime() / 1000) * 1000);
const authority = await createAuthority('wheelhouse f1', validity, random);
const spokeKey = generateTlsKey();
const request = await createRequest(spokeKey);
const who = { fleetId: 'f1', clusterUid: 'c1' };
const spokePem = await issueSpoke(authority, request, { ...validity, ...who }, random);

test('mutual TLS works with what was issued, and the hub reads the cluster uid from the peer', async (t) => {
  const server = await issueServer(authority, { ...validity, names: ['hub.example'], addresses: ['127.0.0.1', '::1'] }, random);
  const listener = createServer({
    ca: authority.certificatePem,
    cert: server.certificatePem,
    key: tlsKeyPem(server.key),
    requestCert: true,
  });
  t.after(() => listener.close());
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const { port } = listener.address() as { port: number };
  const client = connect({
    host: '127.0.0.1',
    port,
    ca: authority.certificatePem,
    cert: spokePem,
    key: tlsKeyPem(spokeKey),
    servername: 'hub.example',
  });
  t.after(() => client.destroy());
  const [peer] = (await once(listener, 'secureConnection')) as [TLSSocket];
  assert.equal(peer.authorized, true, String(peer.authorizationError));
  assert.deepEqual(identityOf(peer.getPeerCertificate().raw), who);
  peer.destroy();
});

test('a server certificate is for its names and addresses only, and is no spoke', async () => {
  const { certificatePem } = await issueServer(authority, { ...validity, names: ['hub.example'], addresses: ['127.0.0.1'] }, random);
  const certificate = new X509Certificate(certificatePem);
  assert.equal(certificate.checkHost('hub.example'), 'hub.example');
  assert.equal(certificate.checkHost('other.example'), undefined);
  assert.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1');
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.throws(() => identityOf(certificatePem), { code: 'BAD_CERTIFICATE' });
  await assert.rejects(issueServer(authority, { ...validity, names: [], addresses: [] }, random), { code: 'BAD_REQUEST' });
});

test('a spoke certificate says who, for how long and for which key, and can do nothing but be a client', () => {
  const certificate = new X509Certificate(spokePem);
  assert.equal(certificate.ca, false);
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  assert.equal(certificate.subjectAltName, 'URI:spiffe://f1/cluster/c1');
  const facts = certificateFacts(spokePem);
  assert.deepEqual([facts.notBefore, facts.notAfter], [whole(validity.notBefore), whole(validity.notAfter)]);
  assert.deepEqual(facts.spki, Buffer.from(new X509Certificate(spokePem).publicKey.export({ type: 'spki', format: 'der' })));
  assert.equal(fingerprintOf(spokePem), `sha256:${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`);
  assert.equal(fingerprintOf(certificate.raw), fingerprintOf(spokePem));
});

test('serials come from the randomness that is handed in: positive, and never twice', async () => {
  const serials = await Promise.all(
    [9, 9, 10].map(
      async (seed) => certificateFacts(await issueSpoke(authority, request, { ...validity, ...who }, seededRandom(seed))).serial,
    ),
  );
  assert.equal(serials[0], serials[1]);
  assert.notEqual(serials[0], serials[2]);
  for (const serial of serials) assert.match(serial, /^[4-7][0-9a-f]{31}$/);
});

test('a request proves its key', async () => {
  assert.deepEqual(await readRequest(request), certificateFacts(spokePem).spki);
  for (const position of [40, 80, request.length - 5]) {
    const forged = Buffer.from(request);
    forged.writeUInt8(forged.readUInt8(position) ^ 1, position);
    await assert.rejects(readRequest(forged), { code: 'BAD_REQUEST' }, `flipped at ${position}`);
  }
  await assert.rejects(readRequest(Buffer.from('hello')), { code: 'BAD_REQUEST' });
  await assert.rejects(readRequest(Buffer.alloc(9_000)), { code: 'BAD_REQUEST' });
});

test('a request of another kind of key is refused', async () => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const p384 = await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: algorithm });
  await assert.rejects(readRequest(new Uint8Array(p384.rawData)), { code: 'BAD_REQUEST' });
});

test('what the request asks for is ignored: name and extensions come from the hub', async () => {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const greedy = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=admin',
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: 'spiffe://f1/cluster/c2' }]),
      new x509.BasicConstraintsExtension(true),
    ],
  });
  const issued = await issueSpoke(authority, new Uint8Array(greedy.rawData), { ...validity, ...who }, random);
  assert.deepEqual(identityOf(issued), who);
  assert.equal(new X509Certificate(issued).ca, false);
  assert.equal(new X509Certificate(issued).subject, 'CN=c1');
});

test('a uid that is no name is never certified', async () => {
  for (const clusterUid of ['', '*', 'c1/x', 'C1']) {
    await assert.rejects(issueSpoke(authority, request, { ...validity, fleetId: 'f1', clusterUid }, random), { code: 'BAD_REQUEST' });
  }
});

const named = async (...urls: string[]): Promise<string> => {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const names = urls.map((value) => (value.includes('://') ? { type: 'url' as const, value } : { type: 'dns' as const, value }));
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: '01',
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
  });
  return certificate.toString('pem');
};
const strangers: readonly (readonly string[])[] = [
  [],
  ['f1.cluster.c1'],
  ['spiffe://f1/cluster/c1', 'spiffe://f1/cluster/c2'],
  ['spiffe://f1/cluster/c1', 'https://example.com'],
  ['https://f1/cluster/c1'],
  ['spiffe://f1/cluster/'],
  ['spiffe://f1/cluster/c1/x'],
  ['spiffe://f1/ns/c1'],
  ['spiffe://f1/cluster/*'],
  ['spiffe://F1/cluster/c1'],
];
for (const urls of strangers) {
  test(`no identity: ${urls.join(' + ') || 'no name'}`, async () => {
    assert.throws(() => identityOf('junk'), { code: 'BAD_CERTIFICATE' });
    const certificate = await named(...urls);
    assert.throws(() => identityOf(certificate), { code: 'BAD_CERTIFICATE' });
  });
}

test('issued by this authority, not by one of the same name, and the authority itself is no leaf', async () => {
  const twin = await createAuthority('wheelhouse f1', validity, random);
  assert.equal(isIssuedBy(spokePem, authority.certificatePem), true);
  assert.equal(isIssuedBy(spokePem, twin.certificatePem), false);
  assert.equal(isIssuedBy(spokePem, spokePem), false);
  assert.equal(isIssuedBy(authority.certificatePem, authority.certificatePem), false);
  assert.equal(isIssuedBy('junk', authority.certificatePem), false);
});

test('TLS keys go out to PEM and back; others are refused', () => {
  assert.equal(tlsKeyPem(tlsKeyFromPem(tlsKeyPem(spokeKey))), tlsKeyPem(spokeKey));
  const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  for (const pem of [ed25519, 'junk']) assert.throws(() => tlsKeyFromPem(pem), { code: 'BAD_KEY' });
});
