import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';

export interface Answer {
  readonly code: number;
  /** Both streams, as at a terminal. */
  readonly output: string;
}

/** A shell into which somebody types: what one command sets, the next one sees. */
export interface Typing extends AsyncDisposable {
  type(commands: readonly string[]): Promise<Answer>;
}

const answerMaxMs = 120_000;

export function openShell(cwd: string, env: Readonly<Record<string, string | undefined>>): Typing {
  const shell = spawn('/bin/sh', [], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(shell, 'close');
  let said = '';
  for (const stream of [shell.stdout, shell.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  shell.stdin.on('error', () => {}); // it ended: the wait below says so
  shell.stdin.write('exec 2>&1\n');
  return {
    type: async (commands) => {
      const mark = `--${randomUUID()}--`;
      const pattern = new RegExp(`^([\\s\\S]*?)\\n${mark} (\\d+)\\n`);
      said = '';
      shell.stdin.write(`${commands.join('\n')}\nprintf '\\n%s %s\\n' ${mark} $?\n`);
      const limit = AbortSignal.timeout(answerMaxMs);
      for (;;) {
        const [, output = '', code = ''] = pattern.exec(said) ?? [];
        if (code !== '') return { code: Number(code), output };
        await Promise.race([
          once(shell.stdout, 'data', { signal: limit }),
          ended.then(() => Promise.reject(new Error(`the shell ended: ${said}`))),
        ]).catch((error: unknown) => {
          throw new Error(`${commands.join('; ')}: ${String(error)}: ${said}`);
        });
      }
    },
    [Symbol.asyncDispose]: async () => {
      shell.stdin.end();
      shell.kill('SIGKILL');
      await ended;
    },
  };
}
