import type { z } from 'zod';
import { apiVersion } from '#shared/kernel/mod.ts';
import { documentsOf, type SourceDocument } from './documents.ts';
import { faultsOf, type Fault } from './faults.ts';
import { nearest } from './hints.ts';
import { kinds, subjectOf, type Kind, type Reference, type Resource } from './model.ts';
import { fieldText, type Position, type Problem, type ProblemCode } from './problems.ts';
import { appSpec, clusterSpec, environmentSpec, ownMetadata, tenantMetadata, tenantSpec } from './schema.ts';

export const resourceLimits = Object.freeze({ fileMaxBytes: 1024 * 1024, documentsMax: 1000, problemsMax: 1000 });

export interface ResourceFile {
  /** As people know it: a path, `request body`. */
  readonly file: string;
  readonly text: string;
}

interface ParsedAs<R> {
  readonly resources: readonly R[];
  readonly problems: readonly Problem[];
  /** Subjects of documents that have problems: they are meant to exist, so nobody complains that they do not. */
  readonly broken: ReadonlySet<string>;
}
export type Parsed = ParsedAs<Resource>;
export type ParsedReferences = ParsedAs<Reference>;

const schemas: Readonly<Record<Kind, { readonly metadata: z.ZodObject; readonly spec: z.ZodType }>> = {
  Tenant: { metadata: ownMetadata, spec: tenantSpec },
  Environment: { metadata: tenantMetadata, spec: environmentSpec },
  App: { metadata: tenantMetadata, spec: appSpec },
  Cluster: { metadata: ownMetadata, spec: clusterSpec },
};

/** Reads all documents of all files; never throws. What is wrong is in `problems`, all of it, with its place. Pure. */
export const parseResources = (files: readonly ResourceFile[]): Parsed => parsed(files, read);

/** What the documents name, whatever else they say: for who takes them back. Pure; never throws. */
export const parseReferences = (files: readonly ResourceFile[]): ParsedReferences => parsed(files, readReference);

function parsed<R>(files: readonly ResourceFile[], reader: Reader<R>): ParsedAs<R> {
  const reading = new Reading(reader);
  for (const file of files) reading.file(file);
  return { resources: reading.resources, problems: reading.problems, broken: reading.broken };
}

type Reader<R> = (file: string, document: SourceDocument) => Read<R>;

class Reading<R> {
  readonly resources: R[] = [];
  readonly problems: Problem[] = [];
  readonly broken = new Set<string>();
  /** Subject -> place of its first document. */
  readonly #seen = new Map<string, string>();
  #documents = 0;
  readonly #read: Reader<R>;

  constructor(reader: Reader<R>) {
    this.#read = reader;
  }

  file({ file, text }: ResourceFile): void {
    const top = { line: 1, column: 1 };
    if (Buffer.byteLength(text) > resourceLimits.fileMaxBytes) {
      this.#add(file, top, 'FILE_TOO_LARGE', `has more than ${resourceLimits.fileMaxBytes} bytes`, 'split it into several files');
      return;
    }
    for (const document of documentsOf(text)) {
      if (++this.#documents > resourceLimits.documentsMax) {
        this.#add(
          file,
          document.start,
          'DOCUMENTS_TOO_MANY',
          `is more than ${resourceLimits.documentsMax} documents`,
          'apply them in parts',
        );
        return;
      }
      this.#document(file, document);
    }
  }

  #document(file: string, document: SourceDocument): void {
    for (const { message, ...position } of document.faults) this.#add(file, position, 'NOT_YAML', message, 'correct the YAML');
    if (document.faults.length > 0) return;
    const { subject, resource, faults } = this.#read(file, document);
    for (const { path, onKey, code, message, next } of faults)
      this.#add(file, onKey ? document.locateKey(path) : document.locate(path), code, message, next, fieldText(path));
    if (subject === undefined) return;
    const place = document.locate(['metadata', 'name']);
    const first = this.#seen.get(subject);
    if (first === undefined) this.#seen.set(subject, `${file}:${place.line}:${place.column}`);
    else
      this.#add(file, place, 'DUPLICATE_RESOURCE', `is ${subject} again`, `keep one of the two; the first is at ${first}`, 'metadata.name');
    if (!resource) this.broken.add(subject);
    else if (first === undefined) this.resources.push(resource);
  }

  #add(file: string, { line, column }: Position, code: ProblemCode, message: string, next: string, field = ''): void {
    if (this.problems.length < resourceLimits.problemsMax) this.problems.push({ file, line, column, field, code, message, next });
  }
}

interface Read<R> {
  /** As far as its names can be read. */
  readonly subject?: string;
  readonly resource?: R;
  readonly faults: readonly Fault[];
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const topFields = ['apiVersion', 'kind', 'metadata', 'spec'];

const fault = (path: string, code: ProblemCode, message: string, next: string, onKey = false): Fault => ({
  path: path === '' ? [] : [path],
  onKey,
  code,
  message,
  next,
});

/** What every document begins with; `kind` is undefined when it is none that is known. */
function head(value: unknown): { readonly document: Record<string, unknown>; readonly kind?: Kind; readonly faults: readonly Fault[] } {
  if (!isRecord(value))
    return { document: {}, faults: [fault('', 'WRONG_TYPE', 'is not a map', 'write apiVersion, kind, metadata and spec')] };
  const faults: Fault[] = [];
  const { apiVersion: version, kind } = value;
  const missing = version === undefined;
  if (version !== apiVersion)
    faults.push(
      fault('apiVersion', missing ? 'MISSING_FIELD' : 'UNKNOWN_VERSION', 'is not one that this hub knows', `write ${apiVersion}`),
    );
  if (isKind(kind)) return { document: value, kind, faults };
  const meant = typeof kind === 'string' ? nearest(kind, kinds) : undefined;
  const next = meant ? `did you mean ${meant}?` : `write ${kinds.join(', ')}`;
  const unknown = fault('kind', kind === undefined ? 'MISSING_FIELD' : 'UNKNOWN_KIND', 'is not one that this hub knows', next);
  return { document: value, faults: [...faults, unknown] };
}

function readReference(file: string, { value, locate }: SourceDocument): Read<Reference> {
  const { document, kind, faults } = head(value);
  if (kind === undefined) return { faults };
  const given = isRecord(document['metadata']) ? document['metadata'] : {};
  const named = Object.fromEntries(Object.keys(schemas[kind].metadata.shape).flatMap((key) => (key in given ? [[key, given[key]]] : [])));
  const metadata = faultsOf(schemas[kind].metadata, named, ['metadata']);
  const all = [...faults, ...metadata.faults];
  if (metadata.output === undefined) return { faults: all };
  const resource: Reference = { kind, metadata: metadata.output as Reference['metadata'], origin: { file, locate } };
  return { subject: subjectOf(resource), faults: all, ...(all.length === 0 ? { resource } : {}) };
}

function read(file: string, { value, locate }: SourceDocument): Read<Resource> {
  const { document, kind, faults: found } = head(value);
  if (kind === undefined) return { faults: found };
  const faults = [...found];
  const { written, version: readAt } = withoutAnswers(document['metadata']);
  const known = readAt === undefined ? topFields : [...topFields, 'status'];
  for (const key of Object.keys(document).filter((key) => !known.includes(key))) {
    const meant = nearest(key, topFields);
    faults.push(fault(key, 'UNKNOWN_FIELD', 'is not a field that is known here', meant ? `did you mean ${meant}?` : 'remove it', true));
  }
  const metadata = faultsOf(schemas[kind].metadata, written, ['metadata']);
  const spec = faultsOf(schemas[kind].spec, document['spec'], ['spec']);
  faults.push(...metadata.faults, ...spec.faults);
  if (metadata.output === undefined) return { faults };
  const subject = subjectOf({ kind, metadata: metadata.output as { name: string } });
  if (faults.length > 0) return { subject, faults };
  // The schema of the kind has made both.
  const resource = { kind, metadata: metadata.output, spec: spec.output, origin: { file, locate } } as Resource;
  return { subject, faults, resource: readAt === undefined ? resource : { ...resource, version: readAt } };
}

const answered = ['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'labels'];

/** What was read from the hub and is given back has fields that the hub had filled in; what people write has not. */
function withoutAnswers(metadata: unknown): { readonly written: unknown; readonly version?: string } {
  if (!isRecord(metadata) || typeof metadata['resourceVersion'] !== 'string') return { written: metadata };
  const written = Object.fromEntries(Object.entries(metadata).filter(([key]) => !answered.includes(key)));
  return { written, version: metadata['resourceVersion'] };
}

const isKind = (value: unknown): value is Kind => (kinds as readonly unknown[]).includes(value);
