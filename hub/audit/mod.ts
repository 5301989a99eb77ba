// Audit: who changed what and why, and whether the log is what it was.
export { auditPage, type AuditPage, type AuditQuery, type AuditRecord } from './read.ts';
export { verifyAudit, type AuditVerdict } from './verify.ts';
