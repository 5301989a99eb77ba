import type { Facts, Fence, Identity, TrustUpdate } from '#proto/mod.ts';
import { createNkey, nkeyFromSeed, type Nkey } from '#shared/bus/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { backoffMs, explain, jitteredMs, type Random } from '#shared/kernel/mod.ts';
import { generateTlsKey, tlsKeyPem, type JoinToken } from '#shared/signing/mod.ts';
import type { Log } from '#shared/telemetry/mod.ts';
import type { IdentityRecord, SpokeState } from '#spoke/state/mod.ts';
import { enrol, renew, type Asking } from './ask.ts';
import { IdentityError, verified, type Verified } from './verify.ts';

export interface SpokeIdentityOptions {
  readonly state: SpokeState;
  /** Needed once, and again only if the answer to it was never kept. */
  readonly token: JoinToken | undefined;
  readonly kubeSystemUid: string;
  readonly version: string;
  readonly facts: () => Facts;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Asks the hub; the real way if it is not said. */
  readonly renew?: typeof renew;
}

/** A certificate is renewed when two thirds of its life are over, spread so that a fleet does not renew at once. */
const renewAt = 2 / 3;
const retry = { firstMs: 2_000, maxMs: 60_000 };

/** Who this spoke is: made once, kept in its Secret, renewed for ever. */
export class SpokeIdentity {
  readonly #options: SpokeIdentityOptions;
  #current: Verified;
  #taking: Promise<unknown> = Promise.resolve();
  readonly natsUser: Nkey;
  readonly keyPem: string;
  /**
   * The cluster's fence in the record as the hub said it when this process enrolled. What was said to a process before is not given: were the desired state
   * lost since, everything that was ever published after enrolment would be above it.
   */
  readonly floor: Fence | undefined;

  private constructor(options: SpokeIdentityOptions, own: { keyPem: string; natsUser: Nkey }, current: Verified, floor?: Fence) {
    this.#options = options;
    this.floor = floor;
    this.keyPem = own.keyPem;
    this.natsUser = own.natsUser;
    this.#current = current;
  }

  /**
   * The identity that is kept, or a new one for the join token. The keys are kept before the hub is asked: a crash at any point asks again with the same key,
   * which the token allows. Throws IdentityError.
   */
  static async open(options: SpokeIdentityOptions, signal: AbortSignal): Promise<SpokeIdentity> {
    const { state, token, log } = options;
    const { identity } = state.identity;
    const kept = state.identity.own ?? ownFor(token, options);
    if (kept.kubeSystemUid !== options.kubeSystemUid) throw clone();
    // Until there is an answer to hold on to, the latest token says whose spoke this is to be.
    const own = identity || !token ? kept : { ...kept, rootSpki: token.rootSpki };
    await state.saveIdentity({ own, ...(identity ? { identity } : {}) }, signal);
    const natsUser = nkeyFromSeed('user', own.natsSeed);
    if (identity) return new SpokeIdentity(options, { keyPem: own.keyPem, natsUser }, verified(identity, own.rootSpki));
    if (!token) throw noToken();
    const answer = await enrol(token, askingOf(options, own.keyPem, natsUser), signal);
    const current = verified(answer, own.rootSpki);
    await state.saveIdentity({ own, identity: answer }, signal);
    log.info('enrolled', { cluster: current.clusterName, uid: current.clusterUid });
    return new SpokeIdentity(options, { keyPem: own.keyPem, natsUser }, current, answer.floor);
  }

  get current(): Verified {
    return this.#current;
  }

  /** A certificate that expired while the spoke was away is renewed before anything else; keeps trying until the signal. */
  async refresh(signal: AbortSignal): Promise<void> {
    const hasExpired = (): boolean => this.#current.notAfter <= this.#options.clock.now();
    for (let attempt = 1; hasExpired(); attempt++) {
      await this.#renew(signal);
      // Also by one that has ended already: a hub whose clock is behind is not asked without end.
      if (hasExpired()) await this.#pause(attempt, signal);
    }
  }

  /** Renews in time, for ever. `onRenewed`: connections should come back with the new certificate. */
  async keepFresh(onRenewed: () => void, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    for (let attempt = 1; !signal.aborted;) {
      const { notBefore, notAfter } = this.#current;
      const due = jitteredMs((notAfter - notBefore) * renewAt, 0.1, random) - (clock.now() - notBefore);
      if (attempt === 1) await clock.sleep(Math.max(due, 100), signal);
      if (await this.#renew(signal)) {
        attempt = 1;
        onRenewed();
      } else await this.#pause(attempt++, signal);
    }
  }

  /** Newer trust documents over the stream; what the root did not sign, or what is older, changes nothing. */
  async update({ keyset, trustPolicies }: TrustUpdate, signal: AbortSignal): Promise<void> {
    const changed = { ...(keyset ? { keyset } : {}), ...(trustPolicies ? { trustPolicies } : {}) };
    await this.#take((kept) => ({ ...kept, ...changed }), signal);
  }

  async #renew(signal: AbortSignal): Promise<boolean> {
    const { log, renew: ask = renew } = this.#options;
    try {
      const renewed = await ask(this.#current, askingOf(this.#options, this.keyPem, this.natsUser), signal);
      await this.#take(() => renewed, signal);
      log.info('renewed the certificate', { until: new Date(this.#current.notAfter).toISOString() });
      return true;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      log.warn('could not renew the certificate', { reason: explain(error), until: new Date(this.#current.notAfter).toISOString() });
      return false;
    }
  }

  /** One at a time, each on top of what is kept by then: a renewal and new trust documents that cross must not put the older of anything back. */
  #take(change: (kept: Identity) => Identity, signal: AbortSignal): Promise<void> {
    const before = this.#taking;
    const turn = (async () => {
      await before.catch(() => undefined);
      await this.#keep(change, signal);
    })();
    this.#taking = turn;
    return turn;
  }

  async #keep(change: (kept: Identity) => Identity, signal: AbortSignal): Promise<void> {
    const { state } = this.#options;
    const { own, identity: kept } = state.identity;
    if (!own || !kept) throw noToken();
    const identity = change(kept);
    const next = verified(identity, own.rootSpki, this.#current);
    await state.saveIdentity({ own, identity }, signal);
    this.#current = next;
  }

  #pause(attempt: number, signal: AbortSignal): Promise<void> {
    return this.#options.clock.sleep(backoffMs(retry, attempt, this.#options.random), signal);
  }
}

/** A backup restored elsewhere must not work towards the other cluster's desired state, not even until the hub says so. */
const clone = (): IdentityError =>
  new IdentityError(
    'CLONE',
    'Secret wheelhouse-identity was made in another Kubernetes cluster (kube-system UID differs): remove the Secrets of wheelhouse-system and enrol this one',
  );

const noToken = (): IdentityError =>
  new IdentityError('NO_TOKEN', 'this cluster has no identity yet: set WHEELHOUSE_JOIN_TOKEN_FILE to a join token made on the hub');

function ownFor(token: JoinToken | undefined, { random, kubeSystemUid }: SpokeIdentityOptions): NonNullable<IdentityRecord['own']> {
  if (!token) throw noToken();
  const natsSeed = createNkey('user', random).exportSeed();
  return { keyPem: tlsKeyPem(generateTlsKey()), natsSeed, rootSpki: token.rootSpki, kubeSystemUid };
}

const askingOf = (options: SpokeIdentityOptions, keyPem: string, natsUser: Nkey): Asking => ({
  ...options,
  facts: options.facts(),
  keyPem,
  natsPublicKey: natsUser.id,
});
