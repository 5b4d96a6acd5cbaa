/**
 * For the tests of a game's client: whether its step does what the game's OnInput does.
 *
 * @packageDocumentation
 */
export { checkSteps, type CheckOptions, type StepCase, type StepDifference, type StepRow, type StepVectors } from "./steps.js";
