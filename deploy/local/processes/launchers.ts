const pollMs = 500;

/**
 * Calls back once when the launcher that started this program (`deploy/local/launch.mjs`) is gone: killed with SIGKILL it cannot pass a signal on.
 * Without a launcher it does nothing. Does not keep the process alive.
 */
export function whenLauncherGone(gone: () => void, env: NodeJS.ProcessEnv = process.env): void {
  const launcher = Number(env['WHEELHOUSE_LAUNCHER_PID']);
  // Not for the programs that this one starts: their parent is this one.
  delete env['WHEELHOUSE_LAUNCHER_PID'];
  if (!Number.isSafeInteger(launcher) || launcher <= 0) return;
  const timer = setInterval(() => {
    if (process.ppid === launcher) return;
    clearInterval(timer);
    gone();
  }, pollMs);
  timer.unref();
}

const sameMs = 1_000;

/**
 * A signal that aborts when this program is to stop: SIGINT, SIGTERM, SIGHUP, or its launcher is gone. Whoever asks again more than a second later does
 * not want to wait: the process ends at once. (Within the second it is the same Ctrl-C, come through terminal, npm and launcher.)
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAt: number | undefined;
  const stop = (reason: string, code: number): void => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      controller.abort(new Error(`stopped: ${reason}`));
    } else if (performance.now() - firstAt > sameMs) process.exit(code);
  };
  process.on('SIGINT', () => stop('SIGINT', 130));
  process.on('SIGTERM', () => stop('SIGTERM', 143));
  process.on('SIGHUP', () => stop('SIGHUP', 129));
  whenLauncherGone(() => stop('the launcher is gone', 1));
  return controller.signal;
}
