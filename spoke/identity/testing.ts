import { Envelope, KeyRole, type Fence } from '#proto/mod.ts';
import { createNkey } from '#shared/bus/mod.ts';
import { systemRandom } from '#shared/clock/mod.ts';
import {
  createAuthority,
  createRequest,
  digestOnlyPolicies,
  generateTlsKey,
  issueSpoke,
  keyFromSeed,
  sealKeyset,
  sealTrustPolicies,
  tlsKeyPem,
} from '#shared/signing/mod.ts';
import type { IdentityRecord } from '#spoke/state/mod.ts';

// Who a spoke is, for tests: everything signed as the hub would, by keys that are nobody's.

const [root, desired, trust] = [1, 2, 3].map((seed) => keyFromSeed(new Uint8Array(32).fill(seed))) as [Key, Key, Key];
type Key = ReturnType<typeof keyFromSeed>;
export const desiredKey = desired;
export const self = { fleetId: 'f1', clusterUid: 'c1' };

/** As it stands in the Secret of a spoke that has enrolled. Nobody listens at its endpoints. */
export async function keptIdentity(notAfter: Date, kubeSystemUid: string, floor?: Fence): Promise<Required<IdentityRecord>> {
  const notBefore = new Date(notAfter.getTime() - 86_400_000);
  const authority = await createAuthority('test', { notBefore, notAfter }, systemRandom);
  const key = generateTlsKey();
  const keyset = {
    fleetId: self.fleetId,
    version: 1,
    roles: [
      { role: KeyRole.KEY_ROLE_DESIRED, threshold: 1, keys: [desired.publicKey] },
      { role: KeyRole.KEY_ROLE_TRUST, threshold: 1, keys: [trust.publicKey] },
    ],
    caCertificates: [authority.certificatePem],
  };
  return {
    own: { keyPem: tlsKeyPem(key), natsSeed: createNkey('user', systemRandom).exportSeed(), rootSpki: root.spki, kubeSystemUid },
    identity: {
      ...self,
      clusterName: 'one',
      certificate: await issueSpoke(authority, await createRequest(key), { ...self, notBefore, notAfter }, systemRandom),
      natsJwt: 'a.b.c',
      endpoints: { gateway: '127.0.0.1:1', enrolment: '127.0.0.1:1', nats: ['nats://127.0.0.1:1'], registries: [] },
      keyset: Envelope.decode(sealKeyset(keyset, root)),
      trustPolicies: Envelope.decode(sealTrustPolicies(digestOnlyPolicies(self.fleetId), [trust])),
      floor,
    },
  };
}
