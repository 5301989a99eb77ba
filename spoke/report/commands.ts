import type { Command, CommandResult } from '../../proto/mod.ts';
import type { Clock } from '../../shared/clock/mod.ts';
import { explain } from '../../shared/kernel/mod.ts';

/** What commands can ask of a spoke. */
export interface Obeyed {
  /** Reads the desired state again. */
  readonly refresh: () => Promise<void>;
  /** Resolves when each assignment, or this one, has been visited again. */
  readonly syncNow: (
    uid: string | undefined,
  ) => Promise<{ readonly visited: number; readonly problem: { readonly reason: string; readonly message: string } | undefined }>;
  readonly clock: Clock;
}

const deadlineMaxMs = 600_000;

/** Carries out a command within its deadline; what it could not do is the result, never an error. */
export async function obey({ id, deadlineMs, command }: Command, { refresh, syncNow, clock }: Obeyed): Promise<CommandResult> {
  const result = (code: string, message: string): CommandResult => ({ id, ok: code === '', code, message });
  if (command?.$case !== 'syncNow') return result('UnknownCommand', 'this spoke does not know the command');
  const late = Promise.withResolvers<CommandResult>();
  const cancel = clock.after(Math.min(deadlineMs, deadlineMaxMs), () =>
    late.resolve(result('DeadlineExceeded', `not done within ${deadlineMs / 1000} s; it goes on`)),
  );
  const uid = command.value.assignmentUid || undefined;
  const sync = async (): Promise<CommandResult> => {
    await refresh();
    const { visited, problem } = await syncNow(uid);
    if (uid !== undefined && visited === 0) return result('UnknownAssignment', 'the spoke has nothing of that placement');
    return problem ? result(problem.reason, problem.message) : result('', '');
  };
  try {
    return await Promise.race([sync(), late.promise]);
  } catch (error) {
    return result('Failed', explain(error));
  } finally {
    cancel();
  }
}
