import { KubeError } from '../errors.ts';
import { apiVersionOf } from '../paths.ts';
import type { KindInfo, KubeObject } from '../port.ts';

const secretMaxBytes = 1024 * 1024;
const namePattern = /^[a-z0-9]([-a-z0-9.:]{0,251}[a-z0-9])?$/;

/** The document as the API server takes it in, or INVALID. Built-in kinds have their status written by controllers alone (`put` is one). */
export function checkedObject(kind: KindInfo, object: KubeObject, status: 'with status' | 'without status' = 'without status'): KubeObject {
  const { name, namespace } = object.metadata;
  const refuse = (why: string): never => {
    throw new KubeError('INVALID', `${kind.kind} ${name}: ${why}`);
  };
  if (object.kind !== kind.kind || object.apiVersion !== apiVersionOf(kind)) refuse(`is ${object.apiVersion} ${object.kind}`);
  if (!namePattern.test(name)) refuse('its name is none');
  if (kind.namespaced !== (namespace !== undefined && namespace !== ''))
    refuse(kind.namespaced ? 'names no namespace' : 'takes no namespace');
  const document = structuredClone(object);
  if (kind.group === '' && kind.kind === 'Secret') return checkedSecret(document, refuse);
  if (status === 'with status' || !hasStatusOfItsOwn(kind)) return document;
  const { status: _, ...rest } = document;
  return rest;
}

/** `document` with the status that the object has: a plain update does not reach it. */
export function withStatusOf(live: KubeObject, document: KubeObject): KubeObject {
  return live['status'] === undefined || document['status'] !== undefined ? document : { ...document, status: live['status'] };
}

const hasStatusOfItsOwn = (kind: KindInfo): boolean => !kind.group.includes('.') || kind.group.endsWith('.k8s.io');

function checkedSecret(document: KubeObject, refuse: (why: string) => never): KubeObject {
  const { stringData, ...secret } = document as KubeObject & { stringData?: Record<string, string>; data?: Record<string, string> };
  const added = Object.entries(stringData ?? {}).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  const data = { ...secret.data, ...(Object.fromEntries(added) as Record<string, string>) };
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    const decoded = Buffer.from(value, 'base64');
    if (decoded.toString('base64') !== value) refuse(`data.${key} is not base64`);
    bytes += decoded.byteLength;
  }
  if (bytes > secretMaxBytes) refuse(`data: Too long: may not be more than ${secretMaxBytes} bytes`);
  return { type: 'Opaque', ...secret, ...(Object.keys(data).length > 0 ? { data } : {}) };
}
