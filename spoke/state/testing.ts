import { randomBytes } from 'node:crypto';
import { Identity } from '#proto/mod.ts';
import { sha256 } from '../../shared/kernel/mod.ts';
import type { AssignmentRecord, ContentRecord } from '../assignments/mod.ts';
import type { DesiredRecord, IdentityRecord } from './records.ts';

// Records for tests.

/** Bytes that no compression makes smaller. */
export const layerOf = (bytes: number): Uint8Array => randomBytes(bytes);

export const secretWords = ['-----PRIVATE-----', 'SUSEED', 'jwt-of-nats'];

export const identity: IdentityRecord = {
  own: { keyPem: secretWords[0] ?? '', natsSeed: secretWords[1] ?? '', rootSpki: Buffer.from([1, 2, 3]), kubeSystemUid: 'kube-1' },
  identity: Identity.fromPartial({ fleetId: 'f', clusterUid: 'c1', clusterName: 'one', certificate: 'PEM', natsJwt: secretWords[2] ?? '' }),
};

export const desired = (generation: number): DesiredRecord => ({
  fence: { epoch: 1, generation, hash: sha256(String(generation)) },
  envelope: Buffer.from([0, 255, generation]),
});

export const content = (name: string, layer?: Uint8Array): ContentRecord => ({
  revision: `sha256:${name}`,
  indexDigest: 'sha256:index',
  layerHash: `sha256:${name.repeat(8)}`,
  inputs: Buffer.from('{"a":1}'),
  appliedAtMs: 5,
  healthy: { fetched: 0.1, applied: 2 },
  ...(layer ? { layer } : {}),
});

export const assignment = (parts: Partial<AssignmentRecord> = {}): AssignmentRecord => ({
  inventory: [{ ref: { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' }, uid: 'u1', fields: 'f', dropped: true }],
  ...parts,
});
