// What the tests in a browser use of the SDK, and of the benchmark.
export { join, JoinError, parseSchema } from "../src/index.js";
export { arena } from "../test/games/arena.js";
export { unhex } from "../test/vectors.js";
export { measure } from "./measure.js";
