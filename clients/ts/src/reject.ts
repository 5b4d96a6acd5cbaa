/** Why bytes are refused (docs/protocol.md §9). The name is also that of the counter to raise. */
export type Reject =
  | "truncated"
  | "oversized"
  | "too_deep"
  | "too_many_elements"
  | "unsupported_type"
  | "unknown_kind"
  | "unexpected"
  | "missing_field"
  | "wrong_type"
  | "wrong_version"
  | "bad_value"
  | "trailing_bytes";

/** RejectError is thrown for bytes that are refused. The peer is at fault; the text never repeats any of its own. */
export class RejectError extends Error {
  /** What to count. */
  readonly reject: Reject;

  constructor(reject: Reject, detail: string) {
    super(`${reject}: ${detail}`);
    this.name = "RejectError";
    this.reject = reject;
  }
}
