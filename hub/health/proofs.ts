import { decodeDesired, DecodeError, Envelope, type DesiredState } from '#proto/mod.ts';
import { sha256 } from '#shared/kernel/mod.ts';
import type { HashedFence } from './fences.ts';

/** The payload of an envelope, only if this hub's own key signed it; undefined for everything else. */
export type Opens = (envelope: Uint8Array) => Uint8Array | undefined;

/**
 * What an envelope proves that this very cluster was given; undefined: nothing. A spoke's word for what it holds is worth nothing: whoever has taken over one
 * cluster could stop the fleet with it.
 */
export function provenBy(
  envelope: Envelope | undefined,
  whose: { readonly fleetId: string; readonly clusterUid: string },
  opens: Opens,
): HashedFence | undefined {
  const payload = envelope && opens(Envelope.encode(envelope).finish());
  if (!payload) return undefined;
  const state = stateIn(payload);
  if (state?.fleetId !== whose.fleetId || state.clusterUid !== whose.clusterUid) return undefined;
  return { epoch: state.epoch, generation: state.generation, hash: sha256(payload) };
}

function stateIn(payload: Uint8Array): DesiredState | undefined {
  try {
    return decodeDesired(payload);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
