/**
 * The quicstep client: join, and beneath it the protocol of docs/protocol.md, the replica, prediction and what is shown, for a
 * transport of yours.
 *
 * @packageDocumentation
 */
export * from "./limits.js";
export { RejectError, type Reject } from "./reject.js";
export { walk } from "./msgpack.js";
export { Writer } from "./writer.js";
export { frame, FrameReader } from "./frame.js";
export * from "./messages.js";
export { list, rooms, type List, type RoomInfo, type Rooms } from "./rooms.js";
export { cleanName, cleanText } from "./plain.js";
export { short, widen, ShortRange } from "./short.js";
export { Audience, Class, Field, FieldKind, type FieldSpec, type Value } from "./field.js";
export type { Column } from "./column.js";
export { Table } from "./table.js";
export { Group, type Member } from "./group.js";
export { hashOf, parseSchema, type RequestTables, type Schema } from "./schema.js";
export {
  defineGame, SchemaError, type Definition, type EventName, type Game, type GameTypes, type MessageName, type Mutable, type RequestName,
  type SingletonName, type TableName,
} from "./game.js";
export { Motion } from "./motion.js";
export { RowShape, type Reckoning, type Row, type RowValue, type Words } from "./rowshape.js";
export { Cursor } from "./cursor.js";
export { readColumns, readRow, RowBuffer, writeColumns, writeRow } from "./columns.js";
export { DatagramKind, RecordKind, StateReader, type StateHeader } from "./state.js";
export { appendInput, lagOf, type Ack, type InputDatagram, type InputRow, type PageReport, type RowReport } from "./input.js";
export type { GameEvent } from "./events.js";
export { entityId, generationOf, indexOf, type Made, type Page } from "./registers.js";
export { Replica, type Applied, type Change, type ChangeKind, type Counters, type Entity, type ReplicaConfig } from "./replica.js";
export { report, type Report } from "./report.js";
export { type FieldMispredictions, Predictor, type PredictorConfig } from "./predict.js";
export { type Misprediction, OwnRow, OwnRows } from "./own.js";
export { type Own, type Step, type StepTypes } from "./step.js";
export { Screen, type ScreenConfig, type TableView, type View } from "./screen.js";
export { type Mode, MomentsPerTick } from "./shown.js";
export { join } from "./join.js";
export { Client, type Timeline } from "./client.js";
export type { JoinConfig, JoinToken, Status, StatusListener } from "./config.js";
export type { Environment, FetchedInfo, Socket, SocketConstructor, TransportConstructor } from "./environment.js";
export { JoinError, type ErrorCode } from "./errors.js";
export type { Impairment } from "./impair.js";
export type { Unsubscribe } from "./listeners.js";
export type { Stats } from "./stats.js";
export { EntityTable, type RowEvent } from "./tables.js";
export type { TransportName } from "./transport.js";
