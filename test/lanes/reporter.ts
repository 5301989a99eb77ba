import type { TestEvent } from 'node:test/reporters';

/** A reporter of `node --test` that writes one line of JSON: what the whole run counted. */
export default async function* counts(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    // Each file has a summary of its own too, when it runs in a process of its own.
    if (event.type === 'test:summary' && event.data.file === undefined) yield `${JSON.stringify(event.data.counts)}\n`;
  }
}
