import { AssignmentReport } from '#proto/mod.ts';
import type { ReportRow } from '#hub/store/mod.ts';
import { evidenceOf, reportedOf, type Wanted } from './evidence.ts';
import type { Contact, Evidence, Timing } from './model.ts';

/** One placement as it is shown: the evidence, and the details of the report that it came from. */
export interface View extends Evidence {
  readonly report: AssignmentReport | undefined;
}

/** For the API: the same evidence that is decided on, with the last report beside it, however old. Pure. */
export function viewOf(wanted: Wanted, row: ReportRow | undefined, contact: Contact | undefined, timing: Timing): View {
  const evidence = evidenceOf(wanted, row && reportedOf(row), contact, timing);
  return { ...evidence, report: row && AssignmentReport.decode(row.value) };
}
