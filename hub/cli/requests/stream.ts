/** One server-sent event. */
export interface StreamEvent {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

const eventMaxChars = 4 * 1024 * 1024;

/** The events in a stream of bytes, however it is cut into chunks; comments are dropped. Throws when one event is larger than 4 Mi characters. */
export async function* eventsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    if (rest.length > eventMaxChars) throw new Error('an event of the stream is larger than 4 Mi characters');
    for (const block of blocks) {
      const event = eventIn(block);
      if (event) yield event;
    }
  }
}

function eventIn(block: string): StreamEvent | undefined {
  const found = { event: 'message', id: '', data: [] as string[] };
  for (const line of block.split(/\r?\n/)) {
    const [, field, value = ''] = /^(event|id|data): ?(.*)$/.exec(line) ?? [];
    if (field === 'data') found.data.push(value);
    else if (field === 'event' || field === 'id') found[field] = value;
  }
  const { event, id, data } = found;
  return event === 'message' && data.length === 0 ? undefined : { event, id, data: data.join('\n') };
}
