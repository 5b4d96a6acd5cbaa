import { int, listOf, text, title, version } from "./fields.js";
import * as limits from "./limits.js";
import { MessageType } from "./messages.js";

/** List asks for a server's public rooms. */
export interface List {
  version: number;
  /** Whose rooms; empty: every game's. */
  game: string;
}

/** List on the wire. */
export const list = new MessageType<List>("list", limits.MaxHelloFrame, { version, game: title(limits.MaxGameName) });

/** RoomInfo is what a list tells of a room. */
export interface RoomInfo {
  game: string;
  name: string;
  players: number;
  maxPlayers: number;
}

/** Rooms is the answer to a list. */
export interface Rooms {
  version: number;
  rooms: RoomInfo[];
}

/** Rooms on the wire. */
export const rooms = new MessageType<Rooms>("rooms", limits.MaxFrame, {
  version,
  rooms: listOf<RoomInfo>(limits.MaxRooms, {
    game: text(limits.MaxGameName), name: text(limits.MaxGameName), players: int(0, limits.MaxPlayers), maxPlayers: int(0, limits.MaxPlayers),
  }),
});
