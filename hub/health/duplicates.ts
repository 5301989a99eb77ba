/** Which processes have used one identity lately. A restart shows a new process once; two processes that take the stream from each other alternate. */
export interface Holders {
  readonly last: string;
  /** Moments at which the stream went back to a process that had held it before, monotonic milliseconds. */
  readonly returnsMs: readonly number[];
  readonly before: readonly string[];
  readonly announced: boolean;
}

export const duplicateWindowMs = 60_000;
/** A, B, A, B: the third swap is the second return. */
const returnsMin = 2;
const rememberedMax = 8;

/** One Hello. `duplicate` is said once per window, not per swap. Pure. */
export function holdersAfter(
  state: Holders | undefined,
  processId: string,
  nowMs: number,
): { readonly holders: Holders; readonly duplicate: boolean } {
  if (!state) return { holders: { last: processId, returnsMs: [], before: [], announced: false }, duplicate: false };
  if (state.last === processId) return { holders: state, duplicate: false };
  const recent = state.returnsMs.filter((at) => nowMs - at <= duplicateWindowMs);
  const returnsMs = state.before.includes(processId) ? [...recent, nowMs].slice(-rememberedMax) : recent;
  const before = [state.last, ...state.before.filter((id) => id !== state.last)].slice(0, rememberedMax);
  const swaps = returnsMs.length >= returnsMin;
  return {
    holders: { last: processId, returnsMs, before, announced: swaps },
    duplicate: swaps && !state.announced,
  };
}
