// Fetches the servers that contract tests need, once, before many test files ask for them at the same time.
import { findServer, ServerError } from '#deploy/local/servers/mod.ts';

for (const name of ['nats', 'registry', 'git'] as const) {
  try {
    const { command, version, from } = await findServer(name, { log: (line) => process.stderr.write(`servers: ${line}\n`) });
    process.stdout.write(`servers: ${name} ${version} (${from}: ${command})\n`);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    process.stderr.write(`servers: ${error.code}: ${error.message}\n`);
    process.exitCode = 1;
  }
}
