// The contract between hub and spoke: generated types, and the strict decoders that stand between foreign bytes and them.
export {
  AssignmentState,
  AssignmentMode,
  DeletionPolicy,
  DesiredState,
  Ancestor,
  Assignment,
  Variant,
  PruneApproval,
  Cause,
} from './gen/wheelhouse/v1/desired.ts';
export { Envelope, Signature } from './gen/wheelhouse/v1/envelope.ts';
export {
  EnrolRequest,
  RenewRequest,
  EnrolReply,
  Waiting,
  Identity,
  Endpoints,
  Registry,
  EnrolmentService,
  type EnrolmentServer,
  EnrolmentClient,
} from './gen/wheelhouse/v1/enrolment.ts';
export { KeyRole, TrustMode, Keyset, RoleKeys, PublicKey, TrustPolicies, TrustPolicy } from './gen/wheelhouse/v1/keyset.ts';
export {
  Health,
  ConditionStatus,
  SpokeMessage,
  HubMessage,
  Fence,
  Hello,
  Facts,
  Welcome,
  Beat,
  BeatReply,
  Report,
  ReportAck,
  RefusedReport,
  SnapshotRequest,
  SnapshotEnd,
  AssignmentReport,
  Condition,
  HealthCounts,
  ObjectReport,
  Drift,
  DriftKind,
  DriftState,
  Inventory,
  Hops,
  Refusal,
  EnvelopeRequest,
  HeldEnvelope,
  Command,
  SyncNow,
  CommandResult,
  TrustUpdate,
  Goodbye,
  SpokeService,
  type SpokeServer,
  SpokeClient,
} from './gen/wheelhouse/v1/spoke.ts';
export { DecodeError, problemsMax, type DecodeCode, type Problem } from './decode.ts';
export { ancestorHashBytes, decodeDesired, desiredLimits, desiredPayloadType, documentFeatures, encodeDesired } from './desired-codec.ts';
export { decodeKeyset, decodeTrustPolicies, keysetPayloadType, trustDocumentBytesMax, trustPoliciesPayloadType } from './decode-keyset.ts';
export { reportSetHash } from './report-set.ts';
