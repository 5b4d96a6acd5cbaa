import { Client } from "./client.js";
import type { JoinConfig } from "./config.js";
import type { Game, GameTypes } from "./game.js";
import { Session } from "./session.js";

/**
 * join connects to a server, joins a game and resolves once the player is in. It rejects with a JoinError whose message says what
 * to do, and with a RangeError for a configuration that can't be.
 */
export async function join<T extends GameTypes>(game: Game<T>, config: JoinConfig<T> = {}): Promise<Client<T>> {
  const { shownAs, teleport } = game;
  const session = new Session(game as Game<GameTypes>, { shownAs, teleport, ...(config as JoinConfig) });
  await session.open();
  return new Client<T>(session);
}
