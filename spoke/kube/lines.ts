import { KubeError } from './errors.ts';

const newline = 10;

/** The lines of a stream of bytes. What stands after the last newline is half a line, and is dropped. Rejects with TOO_LARGE beyond `lineMaxBytes`. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, lineMaxBytes: number): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const keep = (part: Uint8Array): void => {
    bytes += part.byteLength;
    if (bytes > lineMaxBytes) throw new KubeError('TOO_LARGE', `a line of the stream is more than ${lineMaxBytes} bytes`);
    parts.push(part);
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      keep(chunk.subarray(start, end));
      const line = Buffer.concat(parts).toString('utf8');
      parts = [];
      bytes = 0;
      start = end + 1;
      if (line.trim() !== '') yield line;
    }
    if (start < chunk.byteLength) keep(chunk.subarray(start));
  }
}
