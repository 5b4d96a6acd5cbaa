import { originOf, type Environment, type Socket } from "./environment.js";
import { failure } from "./errors.js";
import { CloseCode } from "./messages.js";
import { noTraffic, type Address, type Carrier, type Dial, type Ended, type Receiver } from "./transport.js";

/** Subprotocol names the protocol and its version. */
const subprotocol = "quicstep.1";

/** closeBase is what is added to a close code of the protocol: those from 4000 on are for applications. */
const closeBase = 4000;

/** behindMax is how many bytes may wait in the socket before datagrams are dropped: what is older than that is of no use. */
const behindMax = 2048;

/** reasonMax bounds the bytes of a reason. */
const reasonMax = 123;

/** dialWebSocket opens a WebSocket: each binary message is a whole frame of the control stream, or a datagram. */
export function dialWebSocket(env: Environment): Dial {
  return (to, receiver, signal) => new Promise((resolve, reject) => {
    const gone = () => failure("unreachable", `no WebSocket at ${to.url} in time`);
    if (env.WebSocket === undefined) return reject(failure("unreachable", "there is no WebSocket here: give one in environment"));
    if (signal.aborted) return reject(gone());
    let socket: Socket;
    try {
      socket = new env.WebSocket(to.url, subprotocol);
    } catch (e) {
      return reject(failure("unreachable", `${to.url} is no address for a WebSocket`, e));
    }
    socket.binaryType = "arraybuffer";
    const abort = () => {
      socket.close();
      reject(gone());
    };
    signal.addEventListener("abort", abort);
    const settled = () => signal.removeEventListener("abort", abort);
    socket.onopen = () => {
      settled();
      resolve(new WebSocketCarrier(socket, receiver));
    };
    socket.onerror = () => {}; // the close that follows says it
    socket.onclose = (e: CloseEvent) => {
      settled();
      reject(failure("unreachable", refused(env, to, e)));
    };
  });
}

function refused(env: Environment, to: Address, e: CloseEvent): string {
  return `${to.url} takes no WebSocket${e.reason ? ` (${e.reason})` : ""}: is the server running, and does it allow ${originOf(env)}?`;
}

class WebSocketCarrier implements Carrier {
  readonly transport = "websocket";
  readonly traffic = noTraffic();
  readonly #socket: Socket;
  readonly #receiver: Receiver;

  constructor(socket: Socket, receiver: Receiver) {
    this.#socket = socket;
    this.#receiver = receiver;
    socket.onmessage = (e: MessageEvent<unknown>) => this.#message(e.data);
    socket.onclose = (e: CloseEvent) => this.#end(endOf(e));
  }

  get waiting(): number {
    return this.#socket.bufferedAmount;
  }

  datagram(b: Uint8Array<ArrayBuffer>): void {
    if (this.#socket.bufferedAmount > behindMax) {
      this.traffic.droppedDatagrams++;
      return;
    }
    this.traffic.sentDatagrams++;
    this.#send(b);
  }

  frame(b: Uint8Array<ArrayBuffer>): void {
    this.#send(b);
  }

  close(code: number, reason: string): void {
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close(closeBase + code, cut(reason));
  }

  #send(b: Uint8Array<ArrayBuffer>): void {
    this.traffic.sentBytes += b.length;
    this.#socket.send(b);
  }

  #message(data: unknown): void {
    if (!(data instanceof ArrayBuffer) || data.byteLength === 0) {
      this.#end({ code: CloseCode.protocol, reason: "a message of the WebSocket is not binary, or empty" });
      return;
    }
    const b = new Uint8Array(data);
    this.traffic.receivedBytes += b.length;
    if (b[0]! >= 0xc4 && b[0]! <= 0xc6) {
      this.#receiver.stream(b);
    } else {
      this.traffic.receivedDatagrams++;
      this.#receiver.datagram(b);
    }
  }

  #end(how: Ended): void {
    this.close(how.code === CloseCode.protocol ? CloseCode.protocol : CloseCode.normal, "");
    this.#receiver.ended(how);
  }
}

/** Those codes of WebSocket's own with which a peer, or what is between, finds fault: the same again would find it, too. */
const faults = [1002, 1003, 1007, 1008, 1009];

function endOf(e: CloseEvent): Ended {
  if (e.code >= closeBase) return { code: e.code - closeBase, reason: e.reason };
  if (faults.includes(e.code)) return { code: CloseCode.protocol, reason: `the WebSocket was closed with ${e.code} ${e.reason}` };
  return { code: undefined, reason: `the WebSocket has ended (${e.code}${e.reason ? ` ${e.reason}` : ""})` };
}

/** cut makes a reason short enough; reasons are ASCII but for what a game says. */
function cut(reason: string): string {
  return new TextEncoder().encode(reason).length <= reasonMax ? reason : reason.slice(0, reasonMax / 3);
}
