// Processes of one machine: started, waited for, stopped, and never left behind. Ports, locks and temporary folders for them.
export { ProcessError, type ProcessCode } from './errors.ts';
export { startProcess, type Ended, type ManagedProcess, type Output, type ProcessOptions, type Readiness } from './start.ts';
export { runCommand, type CommandOptions, type Said } from './commands.ts';
export { answersOn, freePort, portAnswers } from './ports.ts';
export { holdLock, isHeld, type LockOptions } from './locks.ts';
export { stopSignal, whenLauncherGone } from './launchers.ts';
export { temporaryFolder, type TemporaryFolder } from './folders.ts';
export { lastLines } from './logs.ts';
export { isRunning, residentMiB } from './running.ts';
export { supervise, type Supervised, type SuperviseOptions } from './supervise.ts';
