const defaults = {
  requestTimeoutMs: 30_000,
  listTimeoutMs: 60_000,
  connectTimeoutMs: 10_000,
  requestsConcurrentMax: 16,
  /** How often a 429 is waited out, and how long at most, before it is the caller's. */
  throttledAttemptsMax: 3,
  retryAfterMaxMs: 10_000,
  /** A credential is asked for again after this long: files and tokens are renewed behind our back. */
  credentialMaxAgeMs: 10_000,
  bodyMaxBytes: 64 * 1024 * 1024,
  listPageItems: 500,
  listItemsMax: 50_000,
  listMaxBytes: 256 * 1024 * 1024,
  watchLineMaxBytes: 4 * 1024 * 1024,
  /** The API server ends a watch after this long; less than the five minutes many load balancers allow. */
  watchTimeoutSeconds: 290,
};

/** Bounds of a client; every one can be set, for tests and odd clusters. */
export type KubeLimits = Readonly<typeof defaults>;

export function kubeLimits(given: Partial<KubeLimits> = {}): KubeLimits {
  const all = { ...defaults, ...given };
  for (const [name, value] of Object.entries(all))
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number of at least 1, got ${value}`);
  return Object.freeze(all);
}
