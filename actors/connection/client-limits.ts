import type { ImLimits } from '../limits.ts';

/** The limits that clients are told. */
export function clientLimits(limits: ImLimits) {
  const { contentBytesMax, groupMembersMax, devicesMax, windowDeliveriesMax, windowBytesMax } = limits;
  const { pullDeliveriesMax, pullBytesMax, pullWaitMsMax } = limits;
  return {
    contentBytesMax,
    groupMembersMax,
    devicesMax,
    windowDeliveriesMax,
    windowBytesMax,
    pullDeliveriesMax,
    pullBytesMax,
    pullWaitMsMax,
  };
}
