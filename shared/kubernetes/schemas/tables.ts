import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Doc } from '../values.ts';

// What is known of built-in kinds is data. Of the real API server: `golden`, held to it by a test. By hand: the rest.
const read = (name: string): Doc => JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as Doc;

/** The kinds and the fields of their types. */
export const builtin = read('golden/builtin.json');
/** The columns that people are shown of each kind. */
export const columns = read('golden/columns.json');
/** What OpenAPI does not say: names, what is required, fixed, counted, selectable. */
export const facts = read('facts.json');
/** Constant defaults, by type. */
export const defaults = read('defaults.json');
/** What is refused, in the words of the real one. */
export const refusals = read('refusals.json');
