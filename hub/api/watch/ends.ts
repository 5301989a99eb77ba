/** Calls back once when the signal is aborted; at once when it has been already, of which no event tells. */
export function whenAborted(signal: AbortSignal, callback: () => void): void {
  if (signal.aborted) callback();
  else signal.addEventListener('abort', callback, { once: true });
}
