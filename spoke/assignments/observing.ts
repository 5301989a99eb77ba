import type { Clock } from '../../shared/clock/mod.ts';
import { explain } from '../../shared/kernel/mod.ts';
import type { KubeClient } from '../kube/mod.ts';

export interface Observing {
  readonly observing: boolean;
  readonly reason?: string;
}

const probeTimeoutMs = 30_000;

/**
 * Whether the spoke sees its cluster. Each asking starts a probe whose answer the next asking wants to have: an API server that stopped is noticed one
 * interval after its last answer, however long its connections stay open.
 */
export class Sight {
  readonly #kube: KubeClient;
  readonly #clock: Clock;
  readonly #stop: AbortSignal;
  #answered = false;
  #probing = false;
  #said = 'the API server has not been asked yet';

  constructor(kube: KubeClient, clock: Clock, stop: AbortSignal) {
    this.#kube = kube;
    this.#clock = clock;
    this.#stop = stop;
    this.#probe();
  }

  ask(): Observing {
    const answered = this.#answered;
    this.#answered = false;
    if (!answered && this.#probing) this.#said = 'the API server has not answered since the last beat';
    const reason = answered ? this.#quiet() : this.#said;
    this.#probe();
    return reason === undefined ? { observing: true } : { observing: false, reason };
  }

  #quiet(): string | undefined {
    const { watches, quiet, quietestMs } = this.#kube.watchHealth();
    // One kind that cannot be watched (a server behind the API server, a broken conversion) makes its own objects Unknown, and nobody else's.
    return watches > 0 && quiet.length === watches ? `every watch has been quiet for up to ${Math.round(quietestMs / 1000)} s` : undefined;
  }

  #probe(): void {
    if (this.#probing || this.#stop.aborted) return;
    this.#probing = true;
    const end = new AbortController();
    const cancel = this.#clock.after(probeTimeoutMs, () => end.abort(new Error(`no answer within ${probeTimeoutMs} ms`)));
    void this.#kube
      .version(AbortSignal.any([this.#stop, end.signal]))
      .then(() => (this.#answered = true))
      .catch((error: unknown) => {
        this.#said = `the API server does not answer: ${explain(error, 2).slice(0, 300)}`;
      })
      .finally(() => {
        cancel();
        this.#probing = false;
      });
  }
}
