import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import type { Answer, Sender } from './http.ts';
import { StepError, check, record } from './play.ts';
import type { Case, Request, Step } from './types.ts';

/** Answers in turn, after the namespace. */
function server(...answers: readonly Partial<Answer>[]): Sender & { readonly asked: Request[] } {
  const asked: Request[] = [];
  const waiting = answers.values();
  return {
    asked,
    async send(request) {
      asked.push(request);
      if (request.path === '/api/v1/namespaces') return { status: 201, headers: {}, body: { metadata: { name: 'n' } } };
      return { status: 200, headers: {}, body: undefined, ...waiting.next().value };
    },
  };
}
const stream = (...events: readonly unknown[]): Partial<Answer> => {
  const body = new PassThrough();
  body.end(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  return { stream: body as unknown as IncomingMessage };
};
const get = (expect: object, more: object = {}): Step => ({
  request: { method: 'GET', path: '/x' },
  expect: { status: 200, ...expect },
  ...more,
});
const played = (...steps: readonly Step[]): Case => ({ about: 'a test', steps });
const options = { ignore: ['noise'] };

const failure = async (sender: Sender, ...steps: readonly Step[]): Promise<string> => {
  try {
    await check(sender, played(...steps), options);
  } catch (error) {
    if (error instanceof StepError) return error.message;
    throw error;
  }
  return 'passed';
};

describe('a case', () => {
  test('passes when every answer is the recorded one, apart from what is ignored', async () => {
    const sender = server({ body: { a: 1, noise: 2 } }, { status: 404, body: 'no' });
    assert.equal(await failure(sender, get({ body: { a: 1 } }), get({ status: 404, body: 'no' })), 'passed');
  });

  const rows: readonly { name: string; answer: Partial<Answer>; step: Step; says: RegExp }[] = [
    {
      name: 'another status',
      answer: { status: 500, body: 'x' },
      step: get({ body: {} }),
      says: /step 1, GET \/x\nstatus: expected 200, got 500\nit said: "x"/,
    },
    { name: 'another body', answer: { body: { a: 2 } }, step: get({ body: { a: 1 } }), says: /body\.a: expected 1, got 2/ },
    { name: 'a body where there was none', answer: { body: { a: 2 } }, step: get({}), says: /body/ },
    {
      name: 'a header more',
      answer: { headers: { warning: 'w' }, body: {} },
      step: get({ body: {} }),
      says: /headers\.warning: expected nothing/,
    },
    {
      name: 'another value at a picked path',
      answer: { body: { a: 2, b: 1 } },
      step: get({ body: { a: 1 } }, { pick: ['a'] }),
      says: /body\.a/,
    },
    {
      name: 'what never came true',
      answer: { body: { a: 2 } },
      step: get({ body: { a: 1 } }, { eventually: { withinMs: 0, until: { a: 1 } } }),
      says: /waiting for a = 1, it is 2/,
    },
    {
      name: 'events of a watch that is not open',
      answer: {},
      step: { events: 'w', take: 1, expect: { events: [] } },
      says: /no open watch w/,
    },
  ];
  for (const { name, answer, step, says } of rows)
    test(`fails for ${name}`, async () => assert.match(await failure(server(answer), step), says));

  test('asks for its namespace only when it speaks of one, and for the same throughout', async () => {
    const sender = server({}, {});
    const step = (path: string): Step => ({ request: { method: 'GET', path }, pick: [], expect: { status: 200 } });
    await check(sender, played(step('/{ns}/a'), step('/{ns}/b')), options);
    const [made, first, second] = sender.asked;
    const name = (made?.body as { metadata: { name: string } } | undefined)?.metadata.name;
    assert.deepEqual([first?.path, second?.path], [`/${name}/a`, `/${name}/b`]);
    const none = server({});
    await check(none, played(step('/a')), options);
    assert.equal(none.asked.length, 1);
  });

  test('uses in a request what an answer before it has bound', async () => {
    const sender = server({ body: { metadata: { name: 'a', resourceVersion: '7' } } }, { body: {} });
    const steps = [
      get({ body: { metadata: { name: 'a', resourceVersion: '{rv:1}' } } }),
      { ...get({ body: {} }), request: { method: 'GET' as const, path: '/x', query: { resourceVersion: '{rv:1}' } } },
    ];
    await check(sender, played(...steps), options);
    assert.deepEqual(sender.asked[1]?.query, { resourceVersion: '7' });
  });
});

describe('a watch', () => {
  const open = get({}, { watch: 'w' });
  const added = { type: 'ADDED', object: { a: 1, noise: 1 } };
  const bookmark = { type: 'BOOKMARK', object: { a: 2 } };
  const events = (take: number | 'end', expected: readonly object[], more: object = {}): Step => ({
    events: 'w',
    take,
    expect: { events: expected as [] },
    ...more,
  });
  const one = { type: 'ADDED', object: { a: 1 } };

  test('gives its events in order, without bookmarks', async () =>
    assert.equal(await failure(server(stream(bookmark, added, added)), open, events(1, [one]), events('end', [one])), 'passed'));
  test('gives bookmarks when asked for, many as one', async () =>
    assert.equal(
      await failure(server(stream(bookmark, bookmark, added)), open, events('end', [bookmark, one], { bookmarks: true })),
      'passed',
    ));
  test('fails for an event more', async () =>
    assert.match(await failure(server(stream(added, added)), open, events('end', [one])), /events\[1\]: expected nothing/));
  test('fails for an event of another type', async () =>
    assert.match(await failure(server(stream({ ...added, type: 'DELETED' })), open, events(1, [one])), /events\[0\]\.type/));
  test('waits for an event no longer than it may', { timeout: 10_000 }, async () => {
    const silent = { stream: new PassThrough() as unknown as IncomingMessage };
    await assert.rejects(check(server(silent), played(open, events(1, [one])), { ...options, waitMaxMs: 1 }), /no event within 1 ms/);
  });
  test('fails when it ends before its events', async () =>
    assert.match(await failure(server(stream(added)), open, events(2, [one, one])), /the server ended the watch/));
});

test('a recording writes what came back, and passes when played again', async () => {
  const answers = [{ status: 201, headers: { warning: 'w' }, body: { metadata: { name: 'a', resourceVersion: '7' }, noise: 1 } }];
  const recorded = await record(server(...answers), played(get({ status: 0 })), options);
  assert.deepEqual(recorded.steps[0]?.expect, {
    status: 201,
    headers: { warning: 'w' },
    body: { metadata: { name: 'a', resourceVersion: '{rv:1}' } },
  });
  await check(server(...answers), recorded, options);
});
