import { OciError, type OciCode, type OciOperation, type OciSide } from './errors.ts';
import { nothing, readBounded } from './verify.ts';

const errorBodyMaxBytes = 16 * 1024;
const detailMaxCharacters = 300;

/** The error for an answer that is not what was asked for; reads a bounded part of its body for what the registry says about it. */
export async function refusal(operation: OciOperation, side: OciSide, what: string, response: Response): Promise<OciError> {
  const { code, detail } = await explanationOf(response);
  const message = `${what}: ${response.status}${detail === '' ? '' : ` ${detail}`}`;
  const retryAfterMs = secondsOf(response.headers.get('retry-after'));
  return new OciError(codeFor(operation, response.status, code), operation, side, message, { retryAfterMs });
}

/** The code for a status; `said` is the code in the registry's own words, which decides where the status is shared by several things. */
export function codeFor(operation: OciOperation, status: number, said: string | undefined): OciCode {
  const isWrite = operation === 'push' || operation === 'tag';
  // An upload that the registry has forgotten begins anew.
  if (said === 'BLOB_UPLOAD_UNKNOWN' || said === 'BLOB_UPLOAD_INVALID') return 'REGISTRY_UNAVAILABLE';
  if (status === 401) return 'UNAUTHORIZED';
  if (status === 403) return 'DENIED';
  if (status === 429) return 'TOO_MANY_REQUESTS';
  if (status === 408 || status >= 500) return 'REGISTRY_UNAVAILABLE';
  if (status === 404 && !(isWrite && said?.startsWith('MANIFEST_'))) return 'NOT_FOUND';
  if (status >= 300 && status < 400) return 'REDIRECT_REFUSED';
  return isWrite && status >= 400 ? 'CONTENT_REFUSED' : 'BAD_RESPONSE';
}

/** Only whole seconds: a date would be compared with a clock that is not the registry's. */
function secondsOf(header: string | null): number | undefined {
  return header !== null && /^\d{1,5}$/.test(header) ? Number(header) * 1000 : undefined;
}

/** `{"errors": [{"code", "message"}]}` as the distribution spec has it, on one bounded line; what is not of that form says nothing. */
async function explanationOf(response: Response): Promise<{ code: string | undefined; detail: string }> {
  try {
    const bytes = await readBounded(
      response.body ?? nothing(),
      errorBodyMaxBytes,
      () => new OciError('SIZE_EXCEEDED', 'fetch', 'registry', 'error body'),
    );
    const { errors } = JSON.parse(Buffer.from(bytes).toString()) as { errors?: readonly { code?: unknown; message?: unknown }[] };
    const code = typeof errors?.[0]?.code === 'string' ? errors[0].code : undefined;
    const message = typeof errors?.[0]?.message === 'string' ? errors[0].message : '';
    const detail = [code ?? '', message]
      .join(' ')
      .replaceAll(/[\p{Cc}\s]+/gu, ' ')
      .trim();
    return { code, detail: detail.slice(0, detailMaxCharacters) };
  } catch {
    return { code: undefined, detail: '' };
  }
}
