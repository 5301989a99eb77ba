import { at, badRequest, type DeleteOptions, invalid, isDoc, isList, textAt } from '#shared/kubernetes/mod.ts';

const propagations = ['', 'Foreground', 'Background', 'Orphan'];

/**
 * What a delete is to do, from its body, and for what that does not say from its query. Throws ApiError for whatever it does not know: who misspells a dry
 * run must not delete.
 */
export function deleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  if (body !== undefined && !(isDoc(body) && ['', 'DeleteOptions'].includes(textAt(body, 'kind'))))
    throw badRequest('the body is no DeleteOptions');
  const of = (name: string): unknown => at(body, name) ?? query.get(name) ?? undefined;
  const dryRuns = at(body, 'dryRun') ?? query.getAll('dryRun').filter(Boolean);
  if (!isList(dryRuns) || dryRuns.some((one) => one !== 'All'))
    throw refused('dryRun', 'NotSupported', `Unsupported value: ${JSON.stringify(dryRuns)}: supported values: "All"`);
  const [propagation, orphans, grace] = [of('propagationPolicy') ?? '', of('orphanDependents'), of('gracePeriodSeconds')];
  if (!propagations.includes(propagation as string)) {
    const supported = '"Foreground", "Background", "Orphan", "nil"';
    throw refused('propagationPolicy', 'NotSupported', `Unsupported value: ${JSON.stringify(propagation)}: supported values: ${supported}`);
  }
  if (propagation !== '' && orphans !== undefined)
    throw refused(
      'propagationPolicy',
      'Invalid',
      `Invalid value: ${JSON.stringify(propagation)}: orphanDependents and deletionPropagation cannot be both set`,
    );
  const graceSeconds = grace === undefined ? undefined : Number(typeof grace === 'object' ? Number.NaN : grace);
  if (graceSeconds !== undefined && !(Number.isSafeInteger(graceSeconds) && graceSeconds >= 0))
    throw badRequest(`gracePeriodSeconds: ${JSON.stringify(grace)} is no number of seconds`);
  const preconditions = at(body, 'preconditions') ?? {};
  if (!isDoc(preconditions) || Object.values(preconditions).some((one) => typeof one !== 'string'))
    throw badRequest('preconditions: uid and resourceVersion are texts');
  const { uid, resourceVersion } = preconditions;
  const orphaned = orphans === true || orphans === 'true' ? 'Orphan' : propagation;
  return { uid, resourceVersion, propagation: orphaned as string, dryRun: dryRuns.length > 0, graceSeconds };
}

const refused = (field: string, reason: string, message: string) =>
  invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [{ reason: `FieldValue${reason}`, message, field }]);
