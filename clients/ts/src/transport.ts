/** What a connection runs over. */
export type TransportName = "webtransport" | "websocket";

/** Traffic counts what went over a connection, in payload bytes, without what transports add. */
export interface Traffic {
  sentBytes: number;
  receivedBytes: number;
  sentDatagrams: number;
  receivedDatagrams: number;
  /** Datagrams that were not sent because those before them had not left: they would have come too late. */
  droppedDatagrams: number;
}

/** noTraffic is that of a connection that begins. */
export function noTraffic(): Traffic {
  return { sentBytes: 0, receivedBytes: 0, sentDatagrams: 0, receivedDatagrams: 0, droppedDatagrams: 0 };
}

/** Carrier is a connection to a server, whatever it runs over: the control stream, and datagrams (docs/protocol.md §2, §3). */
export interface Carrier {
  readonly transport: TransportName;
  readonly traffic: Traffic;
  /** Bytes of frames that have not left yet. */
  readonly waiting: number;
  /** datagram sends a datagram, which may be lost, doubled or late; when the way is jammed it is dropped and counted. */
  datagram(b: Uint8Array<ArrayBuffer>): void;
  /** frame sends a whole frame of the control stream: all come, in their order. */
  frame(b: Uint8Array<ArrayBuffer>): void;
  /** close ends the connection, with one of CloseCode. */
  close(code: number, reason: string): void;
}

/** Ended is how a connection has ended. */
export interface Ended {
  /** One of CloseCode, as the server said; undefined when the connection was lost. */
  code: number | undefined;
  reason: string;
}

/** Receiver is told what comes over a connection. After ended, which comes once, there is nothing more. */
export interface Receiver {
  datagram(b: Uint8Array): void;
  /** Bytes of the control stream, as they come. */
  stream(b: Uint8Array): void;
  ended(how: Ended): void;
}

/** Dial opens a connection. It rejects with a JoinError, also when the signal comes first; then nothing stays open. */
export type Dial = (to: Address, receiver: Receiver, signal: AbortSignal) => Promise<Carrier>;

/** Address is where a transport is to be had. */
export interface Address {
  url: string;
  /** SHA-256 sums of certificates that are trusted by themselves; without any, the usual authorities. */
  pins: readonly Uint8Array<ArrayBuffer>[];
}
