import { isRecord } from './paths.ts';

/**
 * What differs between two runs has a placeholder: the same one for the same value within a case, so that equality between answers is recorded and compared.
 * Numbered ones are bound at their first appearance and may be used in later requests.
 */
const kinds: Readonly<Record<string, { readonly pattern: string; readonly distinct?: boolean }>> = {
  ns: { pattern: '[a-z0-9-]+' },
  id: { pattern: '[a-z0-9]+' },
  uid: { pattern: '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', distinct: true },
  rv: { pattern: '\\d+', distinct: true },
  // The version of a list or a bookmark may or may not be that of its last object.
  listrv: { pattern: '\\d+' },
  continue: { pattern: '[\\w=-]+' },
  name: { pattern: '[a-z0-9.-]+', distinct: true },
  hash: { pattern: '[a-z0-9-]+', distinct: true },
  time: { pattern: '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?Z' },
  digest: { pattern: '\\w+' },
  age: { pattern: '(?:\\d+[smhd])+' },
  node: { pattern: '[a-z0-9.-]+' },
  ip: { pattern: '[0-9a-f.:]+' },
};

const placeholder = new RegExp(`\\{(?:(${Object.keys(kinds).join('|')})(?::(\\d+))?|x\\*(\\d+))\\}`, 'g');
const uuid = new RegExp(kinds['uid']?.pattern ?? '', 'g');
const timestamp = new RegExp(`^${kinds['time']?.pattern}$`);

// What cases write where a uid is wrong.
const strangeUid = '00000000-0000-4000-8000-000000000000';

export class UnboundError extends Error {}

/** The placeholders of one run of one case, and their values. */
export class Bindings {
  readonly #values: Map<string, string>;

  constructor(values: Iterable<readonly [string, string]>) {
    this.#values = new Map(values);
  }

  copy(): Bindings {
    return new Bindings(this.#values);
  }

  value(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** A request as it is sent. Throws UnboundError for a placeholder that no answer has bound. */
  filled<T>(value: T): T {
    return mapStrings(value, (text) =>
      text.replace(placeholder, (whole, kind: string | undefined, number: string | undefined, length: string | undefined) => {
        if (length !== undefined) return 'x'.repeat(Number(length));
        const bound = this.#values.get(nameOf(kind ?? '', number));
        if (bound === undefined) throw new UnboundError(`nothing has bound ${whole}`);
        return bound;
      }),
    ) as T;
  }

  /** A key of a recorded document; as it is while nothing has bound what it speaks of. */
  filledKey(key: string): string {
    try {
      return this.filled(key);
    } catch {
      return key;
    }
  }

  /** Whether a text is what was recorded; binds what is met for the first time. Otherwise why not. */
  match(expected: string, actual: string): string | undefined {
    const names: string[] = [];
    let source = '';
    let last = 0;
    for (const found of expected.matchAll(placeholder)) {
      const [whole, kind, number, length] = found;
      source += RegExp.escape(expected.slice(last, found.index));
      last = found.index + whole.length;
      if (kind === undefined) source += `x{${length}}`;
      else {
        source += `(${kinds[kind]?.pattern})`;
        names.push(nameOf(kind, number));
      }
    }
    if (last === 0) return expected === actual ? undefined : 'another value';
    const captured = new RegExp(`^${source}${RegExp.escape(expected.slice(last))}$`).exec(actual);
    if (!captured) return 'another form';
    return names.map((name, index) => this.#bind(name, captured[index + 1] ?? '')).find((problem) => problem !== undefined);
  }

  #bind(name: string, value: string): string | undefined {
    const [kind = '', number] = name.split(':');
    const bound = this.#values.get(name);
    if (bound !== undefined) return bound === value ? undefined : `{${name}} was ${bound} before`;
    if (number === undefined) return undefined; // any value will do
    const twin = kinds[kind]?.distinct ? this.#nameFor(kind, value) : undefined;
    if (twin !== undefined) return `the value of {${twin}}, where another was recorded`;
    this.#values.set(name, value);
    return undefined;
  }

  #nameFor(kind: string, value: string): string | undefined {
    return [...this.#values].find(([name, known]) => known === value && name.startsWith(`${kind}:`))?.[0];
  }

  /** The placeholder of a value met in an answer, numbered in order of appearance. */
  #name(kind: string, value: string): string {
    const known = kinds[kind]?.distinct ? this.#nameFor(kind, value) : undefined;
    if (known !== undefined) return `{${known}}`;
    const count = [...this.#values.keys()].filter((name) => name.startsWith(`${kind}:`)).length;
    this.#values.set(`${kind}:${count + 1}`, value);
    return `{${kind}:${count + 1}}`;
  }

  /** A part of an answer with placeholders for what another run would answer differently. `key` and `parent` say where it was found. */
  record(value: unknown, key = '', parent?: unknown): unknown {
    if (typeof value === 'string') return this.#recordText(value, key, parent);
    if (Array.isArray(value)) return value.map((item) => this.record(item, key, parent));
    if (!isRecord(value)) return value;
    // The name first: it is part of what stands before it.
    if (isGenerated(value['name'], value)) this.#name('name', value['name']);
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [this.#recordKey(name), this.record(item, name, value)]));
  }

  #recordText(text: string, key: string, parent: unknown): string {
    if (text === '') return text;
    const siblings = isRecord(parent) ? parent : {};
    if (key === 'resourceVersion' && /^\d+$/.test(text)) {
      if (text === '0') return text;
      return this.#name('name' in siblings || 'uid' in siblings ? 'rv' : 'listrv', text);
    }
    if (key === 'continue') return this.#name('continue', text);
    if (/-(template|revision)-hash$|^(current|update)Revision$/.test(key)) return this.#name('hash', text);
    if (key === 'name' && isGenerated(text, siblings)) return this.#name('name', text);
    if (timestamp.test(text)) return '{time}';
    if (key === 'nodeName') return '{node}';
    if (/^(podIP|hostIP|ip|clusterIPs?|resourceIP)$/.test(key) && /^[0-9a-f.:]+$/.test(text)) return '{ip}';
    if (key === 'cells' && /^(\d+[smhd])+$/.test(text)) return '{age}';
    return this.#recordIds(text);
  }

  /** A key binds nothing: it is compared as a whole. */
  #recordKey(key: string): string {
    const named = key.replaceAll(uuid, (found) => {
      const known = this.#nameFor('uid', found);
      return known === undefined ? found : `{${known}}`;
    });
    return this.#known(named);
  }

  #recordIds(text: string): string {
    const named = text
      .replaceAll(uuid, (found) => (found === strangeUid ? found : this.#name('uid', found)))
      .replaceAll(/(?<=ReplicaSet "[a-z0-9-]+-)[a-z0-9]{6,10}(?=")/g, (found) => this.#name('hash', found));
    return this.#known(named.replaceAll(/(?<=\?hash=)\w+/g, '{digest}')).replaceAll(/x{40,}/g, (found) => `{x*${found.length}}`);
  }

  /** Values met before, inside a text. */
  #known(text: string): string {
    const values = [...this.#values].filter(([name, value]) => value.length >= 5 && /^(ns|id|name|hash)\b/.test(name));
    let result = text;
    for (const [name, value] of values.sort((a, b) => b[1].length - a[1].length)) result = result.replaceAll(value, `{${name}}`);
    if (/resource ?version/i.test(result)) {
      result = result.replaceAll(/\b\d{2,}\b/g, (found) => (this.#nameFor('rv', found) ? `{${this.#nameFor('rv', found)}}` : found));
    }
    return result;
  }
}

// A StatefulSet numbers its Pods, and gives them a generateName all the same.
const isGenerated = (name: unknown, { generateName }: Record<string, unknown>): name is string =>
  typeof name === 'string' && typeof generateName === 'string' && name.startsWith(generateName) && name.length >= generateName.length + 5;

const nameOf = (kind: string, number: string | undefined): string => (number === undefined ? kind : `${kind}:${number}`);

function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [change(key), mapStrings(item, change)]));
}
