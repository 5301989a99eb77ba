/** Answers to beats that a spoke has not said to have heard, oldest first; when they were given, monotonic milliseconds. */
export type Unheard = readonly { readonly seq: number; readonly atMs: number }[];

/** An answer that went unheard for so many beats is lost: one that is under way, or waits in a queue of the hub itself, is younger. */
export const deafBeats = 5;
const rememberedMax = 64;

/** Answers after one beat, which was answered now. `lastReplySeq`: the last one that the spoke says to have heard; undefined: it says nothing of that. Pure. */
export function unheardAfter(unheard: Unheard, seq: number, lastReplySeq: number | undefined, nowMs: number): Unheard {
  if (lastReplySeq === undefined) return [];
  const left = unheard.filter((reply) => reply.seq > lastReplySeq);
  // The oldest is what counts, and then those that come after it when it is heard.
  return left.length < rememberedMax ? [...left, { seq, atMs: nowMs }] : left;
}

/** For how long the spoke has not heard the hub, milliseconds; undefined: as far as anybody can say it does. Pure. */
export function deafMs([oldest]: Unheard, nowMs: number, beatMs: number): number | undefined {
  if (!oldest) return undefined;
  const ageMs = nowMs - oldest.atMs;
  return ageMs > deafBeats * beatMs ? ageMs : undefined;
}
