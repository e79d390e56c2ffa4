// The door for programs that have to say more on the wire than the product does: the conformance server, which sets
// metadata and statuses of its own and echoes what it was sent.

import type { CallContext } from '../../runtime/service.ts';
import { Call, type ResponseMetadata } from './call.ts';
import type { MetadataPair } from './frame.ts';

export type { ResponseMetadata } from './call.ts';
export { startEdgeWith } from './edge.ts';
export type { MetadataPair } from './frame.ts';
export { statusOf, WireError } from './status.ts';

function callOf(context: CallContext): Call {
  if (!(context instanceof Call)) throw new TypeError('The context does not come from the edge.');
  return context;
}

/** Adds headers and trailers to the response; names in lower case, values of `-bin` names in base64. */
export function setResponseMetadata(context: CallContext, metadata: ResponseMetadata): void {
  callOf(context).metadata = metadata;
}

/** All request headers, names in lower case, values of `-bin` names in base64. */
export function requestHeaders(context: CallContext): MetadataPair[] {
  return callOf(context).headerPairs();
}
