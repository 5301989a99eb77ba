// Certificates: an own small CA of ECDSA P-256 keys. The only file that knows @peculiar/x509.
import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, type KeyObject, webcrypto, X509Certificate as NodeCertificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { type Digest, digestOf, isName, type Random } from '../kernel/mod.ts';
import { SigningError } from './errors.ts';

x509.cryptoProvider.set(webcrypto);

const curve = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const algorithm = { name: 'ECDSA', hash: 'SHA-256' } as const;
const requestBytesMax = 8 * 1024;

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}
export interface CertificateAuthority {
  readonly certificatePem: string;
  readonly key: KeyObject;
}
/** Who a spoke is, as its client certificate says. */
export interface SpokeIdentity {
  readonly fleetId: string;
  readonly clusterUid: string;
}

export const generateTlsKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
export const tlsKeyPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

export function tlsKeyFromPem(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  } catch {
    // Falls through: no cause, because OpenSSL's message may quote what it read.
  }
  throw new SigningError('BAD_KEY', 'not a P-256 private key in PEM');
}

/** A self-signed CA that signs leaves only, no further CAs. */
export async function createAuthority(commonName: string, validity: Validity, random: Random): Promise<CertificateAuthority> {
  const key = generateTlsKey();
  const publicKey = await publicKeyOf(key);
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity,
    serialNumber: serialFrom(random),
    subject: [{ CN: [commonName] }],
    issuer: [{ CN: [commonName] }],
    publicKey,
    signingKey: await signingKeyOf(key),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  return { certificatePem: `${certificate.toString('pem')}\n`, key };
}

/** A server's certificate for these DNS names and IP addresses, with a new key. */
export async function issueServer(
  authority: CertificateAuthority,
  to: Validity & { readonly names: readonly string[]; readonly addresses: readonly string[] },
  random: Random,
): Promise<{ readonly certificatePem: string; readonly key: KeyObject }> {
  const key = generateTlsKey();
  const names: x509.JsonGeneralName[] = [
    ...to.names.map((value) => ({ type: 'dns' as const, value })),
    ...to.addresses.map((value) => ({ type: 'ip' as const, value })),
  ];
  const subject = to.names[0] ?? to.addresses[0];
  if (subject === undefined) throw new SigningError('BAD_REQUEST', 'a server certificate needs a name or an address');
  const leaf = { publicKey: await publicKeyOf(key), subject, names, usage: x509.ExtendedKeyUsage.serverAuth };
  return { certificatePem: await issue(authority, leaf, to, random), key };
}

/** PKCS#10, DER. The subject says nothing: who the certificate is for is decided by the hub. */
export async function createRequest(key: KeyObject): Promise<Buffer> {
  const keys = { privateKey: await signingKeyOf(key), publicKey: await publicKeyOf(key) };
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: [{ CN: ['spoke'] }], keys, signingAlgorithm: algorithm });
  return Buffer.from(request.rawData);
}

/** The public key (SubjectPublicKeyInfo, DER) of a request whose own signature proves possession of it. Throws SigningError BAD_REQUEST. */
export async function readRequest(request: Uint8Array): Promise<Buffer> {
  return Buffer.from((await verifiedRequest(request)).publicKey.rawData);
}

/**
 * A spoke's client certificate for the key of its request. Everything else in the request is ignored.
 * Throws SigningError BAD_REQUEST.
 */
export async function issueSpoke(
  authority: CertificateAuthority,
  request: Uint8Array,
  to: Validity & SpokeIdentity,
  random: Random,
): Promise<string> {
  const { publicKey } = await verifiedRequest(request);
  if (!isName(to.fleetId) || !isName(to.clusterUid)) throw new SigningError('BAD_REQUEST', 'fleet id and cluster uid must be names');
  const names = [{ type: 'url' as const, value: spiffeId(to) }];
  return issue(authority, { publicKey, subject: to.clusterUid, names, usage: x509.ExtendedKeyUsage.clientAuth }, to, random);
}

export const spiffeId = ({ fleetId, clusterUid }: SpokeIdentity): string => `spiffe://${fleetId}/cluster/${clusterUid}`;

/**
 * Who a certificate says that it is. Strict: exactly one URI, and that a spoke's. Says nothing about who signed it: that is TLS's work, or
 * `isIssuedBy`'s. Throws SigningError BAD_CERTIFICATE.
 */
export function identityOf(certificate: Uint8Array | string): SpokeIdentity {
  const names = parse(certificate).getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const [uri, ...others] = names.filter((n) => n.type === 'url');
  const found = /^spiffe:\/\/([^/]+)\/cluster\/([^/]+)$/.exec(uri?.value ?? '');
  const [, fleetId = '', clusterUid = ''] = found ?? [];
  if (others.length > 0 || !isName(fleetId) || !isName(clusterUid)) {
    throw new SigningError('BAD_CERTIFICATE', 'a spoke certificate has exactly one URI, spiffe://<fleet id>/cluster/<cluster uid>');
  }
  return { fleetId, clusterUid };
}

/** sha256 of the certificate, DER. */
export const fingerprintOf = (certificate: Uint8Array | string): Digest => digestOf(Buffer.from(parse(certificate).rawData));

export function certificateFacts(certificate: Uint8Array | string): Validity & { readonly spki: Buffer; readonly serial: string } {
  const { notBefore, notAfter, publicKey, serialNumber } = parse(certificate);
  return { notBefore, notAfter, spki: Buffer.from(publicKey.rawData), serial: serialNumber };
}

/** Whether the authority's key signed the certificate. Says nothing about time: what has expired may still prove who it was. */
export function isIssuedBy(certificate: Uint8Array | string, authorityPem: string): boolean {
  try {
    const leaf = new NodeCertificate(Buffer.from(parse(certificate).rawData));
    const authority = new NodeCertificate(authorityPem);
    return authority.ca && !leaf.ca && leaf.checkIssued(authority) && leaf.verify(authority.publicKey);
  } catch {
    return false;
  }
}

interface Leaf {
  readonly publicKey: x509.PublicKeyType;
  readonly subject: string;
  readonly names: x509.JsonGeneralName[];
  readonly usage: x509.ExtendedKeyUsage;
}

async function issue(authority: CertificateAuthority, leaf: Leaf, validity: Validity, random: Random): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificatePem);
  const certificate = await x509.X509CertificateGenerator.create({
    notBefore: validity.notBefore,
    notAfter: validity.notAfter,
    serialNumber: serialFrom(random),
    subject: [{ CN: [leaf.subject.slice(0, 64)] }],
    issuer: issuer.subjectName,
    publicKey: leaf.publicKey,
    signingKey: await signingKeyOf(authority.key),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([leaf.usage]),
      new x509.SubjectAlternativeNameExtension(leaf.names),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

async function verifiedRequest(request: Uint8Array): Promise<x509.Pkcs10CertificateRequest> {
  if (request.byteLength > requestBytesMax) throw new SigningError('BAD_REQUEST', `a request has at most ${requestBytesMax} bytes`);
  let parsed: x509.Pkcs10CertificateRequest;
  let valid: boolean;
  try {
    parsed = new x509.Pkcs10CertificateRequest(new Uint8Array(request));
    valid = await parsed.verify();
  } catch (cause) {
    throw new SigningError('BAD_REQUEST', 'not a PKCS#10 request', { cause });
  }
  if (!valid) throw new SigningError('BAD_REQUEST', 'the request is not signed by the key that it names');
  const { algorithm: key } = parsed.publicKey as { algorithm: { name: string; namedCurve?: string } };
  if (key.name !== curve.name || key.namedCurve !== curve.namedCurve) throw new SigningError('BAD_REQUEST', 'the key is not of P-256');
  return parsed;
}

function parse(certificate: Uint8Array | string): x509.X509Certificate {
  try {
    return new x509.X509Certificate(typeof certificate === 'string' ? certificate : new Uint8Array(certificate));
  } catch (cause) {
    throw new SigningError('BAD_CERTIFICATE', 'not an X.509 certificate', { cause });
  }
}

const signingKeyOf = async (key: KeyObject): Promise<webcrypto.CryptoKey> => {
  const der = key.export({ type: 'pkcs8', format: 'der' });
  return await webcrypto.subtle.importKey('pkcs8', der, curve, false, ['sign']);
};

const publicKeyOf = async (key: KeyObject): Promise<webcrypto.CryptoKey> => {
  const { kty, crv, x, y } = key.export({ format: 'jwk' });
  return await webcrypto.subtle.importKey('jwk', { kty, crv, x, y } as webcrypto.JsonWebKey, curve, true, ['verify']);
};

/** 126 random bits, positive: a serial that nobody can foresee. */
function serialFrom(random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
