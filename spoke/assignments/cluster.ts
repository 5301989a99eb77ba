import type { Clock } from '../../shared/clock/mod.ts';
import { inParallel } from '../apply/mod.ts';
import { isKubeError, refText, type Discovery, type KindInfo, type KubeClient, type ObjectRef } from '../kube/mod.ts';
import type { Live } from '../plan/mod.ts';

const discoveryMaxAgeMs = 30_000;
const concurrencyMax = 8;

/** What the cluster serves, asked once for everybody who asks within a while. */
export class Discoveries {
  readonly #kube: KubeClient;
  readonly #clock: Clock;
  #last: { readonly value: Promise<Discovery>; readonly atMs: number } | undefined;

  readonly #stop: AbortSignal;

  /** The answer is shared, so it is asked for until `stop`, not until the first who asked has lost patience. */
  constructor(kube: KubeClient, clock: Clock, stop: AbortSignal) {
    this.#kube = kube;
    this.#clock = clock;
    this.#stop = stop;
  }

  /** `fresh`: asked after this call, because something may have come since. */
  get(fresh = false): Promise<Discovery> {
    const nowMs = this.#clock.monotonicMs();
    if (!fresh && this.#last && nowMs - this.#last.atMs < discoveryMaxAgeMs) return this.#last.value;
    const value = this.#kube.discover(this.#stop);
    const last = { value, atMs: nowMs };
    this.#last = last;
    // A failure, or an answer with holes, is nobody else's.
    void value.then(
      ({ complete }) => !complete && this.#forget(last),
      () => this.#forget(last),
    );
    return value;
  }

  #forget(last: object): void {
    if (this.#last === last) this.#last = undefined;
  }
}

export const kindIn = (discovery: Discovery, ref: Pick<ObjectRef, 'group' | 'kind'>): KindInfo | undefined =>
  discovery.kinds.find(({ group, kind }) => group === ref.group && kind === ref.kind);

/** What the API server says of these very objects now. `absent` only in its own clear words; every doubt is `unknown`. */
export async function liveOf(
  kube: KubeClient,
  refs: readonly ObjectRef[],
  kindOf: (ref: ObjectRef) => KindInfo | undefined,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Live>> {
  const found = await inParallel(refs, concurrencyMax, async (ref): Promise<[string, Live]> => {
    const kind = kindOf(ref);
    if (!kind) return [refText(ref), 'unknown'];
    try {
      return [refText(ref), (await kube.get(kind, ref.namespace, ref.name, signal)) ?? 'absent'];
    } catch (error) {
      signal.throwIfAborted();
      return [refText(ref), isKubeError(error, 'NO_SUCH_NAMESPACE') ? 'absent' : 'unknown'];
    }
  });
  return new Map(found);
}
