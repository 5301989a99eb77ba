import { openEnvelope, sealEnvelope, type SigningKey } from '#shared/signing/mod.ts';
import { desiredPayloadType } from '#proto/mod.ts';

export type { DesiredHolder, DesiredWriter } from '#shared/bus/mod.ts';

/** Signs desired states, deterministically and at once, so that it may run inside a decision. */
export interface Signer {
  /** Payload bytes -> the bytes of the envelope. */
  seal(payload: Uint8Array): Uint8Array;
  /** The payload, only if this hub's own key signed it; undefined for everything else. */
  open(envelope: Uint8Array): Uint8Array | undefined;
}

/** `key` is the keyset's `desired` key. */
export const signerOf = (key: SigningKey): Signer => ({
  seal: (payload) => sealEnvelope(payload, desiredPayloadType, [key]),
  open: (envelope) => {
    const opened = openEnvelope(envelope, desiredPayloadType, { keys: [key.publicKey], threshold: 1 });
    return opened.ok ? opened.payload : undefined;
  },
});
