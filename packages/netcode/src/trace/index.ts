/** Recordings of play, tick by tick, and where two of them part. */

export type { TraceLimits } from './blocks.ts';
export { type Cell, nameOf } from './cells.ts';
export { ClientRecorder, type RunNote } from './client.ts';
export type { CommandLine } from './commandlines.ts';
export { shortNumber } from './description.ts';
export { joinRecordings, type Parting, type TraceReport } from './join.ts';
export { Recording } from './recording.ts';
export { ServerRecorder } from './server.ts';
