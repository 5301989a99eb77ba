import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { runCommand } from '#deploy/local/processes/mod.ts';

const TOOL_MAX_MS = 30_000;
const KUBECTL_MAX_MS = 120_000;

/** The environment of everything run here: nothing of the user's (kubeconfig, proxies, home) reaches it. */
export const toolEnv = (home: string): Readonly<Record<string, string>> => ({ PATH: process.env['PATH'] ?? '', HOME: home, KUBERC: 'off' });

/** Runs a short command of the binary and returns what it printed. Throws ProcessError with what it complained about. */
export async function runTool(binary: string, args: readonly string[], home: string): Promise<string> {
  return (await runCommand(binary, args, { env: toolEnv(home), waitMaxMs: TOOL_MAX_MS })).stdout;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KubectlOptions {
  readonly binary: string;
  readonly kubeconfig: string;
  readonly home: string;
  readonly stdin?: string | undefined;
}

export async function runKubectl(
  args: readonly string[],
  { binary, kubeconfig, home, stdin = '' }: KubectlOptions,
): Promise<CommandResult> {
  const child = spawn(binary, ['kubectl', '--kubeconfig', kubeconfig, ...args], {
    env: toolEnv(home),
    timeout: KUBECTL_MAX_MS,
    killSignal: 'SIGKILL',
  });
  child.stdin.on('error', () => {}); // a command that does not read it
  child.stdin.end(stdin);
  const ended = new Promise<number>((resolve, reject) => child.once('error', reject).once('close', (code) => resolve(code ?? -1)));
  const [code, stdout, stderr] = await Promise.all([ended, buffer(child.stdout), buffer(child.stderr)]);
  return { code, stdout: stdout.toString(), stderr: stderr.toString() };
}
