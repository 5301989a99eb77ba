// Fetches the browser that tests of pages need, before a test has to wait for it.
import { findServer, ServerError } from '#deploy/local/servers/mod.ts';

try {
  const { command, version, from } = await findServer('chromium', { log: (line) => process.stderr.write(`browser: ${line}\n`) });
  process.stdout.write(`browser: chromium ${version} (${from}: ${command})\n`);
} catch (error) {
  if (!(error instanceof ServerError)) throw error;
  process.stderr.write(`browser: ${error.code}: ${error.message}\n`);
  process.exitCode = 1;
}
