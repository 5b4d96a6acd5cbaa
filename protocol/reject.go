package protocol

import (
	"errors"
	"fmt"
)

// Reject says why bytes from a peer were refused (docs/protocol.md §9). Its String is the name of the counter
// that it raises. Zero is no rejection.
type Reject uint8

// Why bytes are refused. The first ones are about form and any message can earn them, those from StaleEpoch on
// are about datagrams that are well formed and don't fit what the receiver knows.
const (
	// Truncated: a length or a value reaches past the end of the bytes.
	Truncated Reject = iota + 1
	// Oversized: more bytes than the limit for this message, datagram or field.
	Oversized
	// TooDeep: more than MaxDepth arrays and maps inside each other.
	TooDeep
	// TooManyElements: more than MaxElements elements in all arrays and maps together.
	TooManyElements
	// UnsupportedType: an extension type, a timestamp or the reserved byte c1.
	UnsupportedType
	// UnknownKind: a message of a kind that this version does not have.
	UnknownKind
	// Unexpected: a known message that this side never takes, or not now.
	Unexpected
	// MissingField: an array with fewer elements than the message has fields.
	MissingField
	// WrongType: another msgpack type than the field has.
	WrongType
	// WrongVersion: the peer speaks another version of the protocol.
	WrongVersion
	// BadValue: the right type, but outside of the field's range, or text that may not travel.
	BadValue
	// TrailingBytes: bytes after the end of the message.
	TrailingBytes
	// StaleEpoch: a datagram or an acknowledgement of another epoch.
	StaleEpoch
	// AckNeverSent: an acknowledgement of a datagram that was not sent.
	AckNeverSent
	// InputTooOld: an input for a tick that is over.
	InputTooOld
	// InputTooNew: an input for a tick further ahead than the window.
	InputTooNew
	// InputOutOfRange: an input with a field outside of its range.
	InputOutOfRange
	// TooManyInputs: more than InputsPerDatagram inputs in a datagram, or more than the budget.
	TooManyInputs

	rejectEnd
)

// RejectCount is the length of an array with one counter per Reject; the first, for no rejection, stays zero.
const RejectCount = int(rejectEnd)

var rejectNames = [RejectCount]string{
	"none",
	Truncated:       "truncated",
	Oversized:       "oversized",
	TooDeep:         "too_deep",
	TooManyElements: "too_many_elements",
	UnsupportedType: "unsupported_type",
	UnknownKind:     "unknown_kind",
	Unexpected:      "unexpected",
	MissingField:    "missing_field",
	WrongType:       "wrong_type",
	WrongVersion:    "wrong_version",
	BadValue:        "bad_value",
	TrailingBytes:   "trailing_bytes",
	StaleEpoch:      "stale_epoch",
	AckNeverSent:    "ack_never_sent",
	InputTooOld:     "input_too_old",
	InputTooNew:     "input_too_new",
	InputOutOfRange: "input_out_of_range",
	TooManyInputs:   "too_many_inputs",
}

// String returns the counter's name in snake_case, "none" for zero, and "reject_N" for a number that this
// version does not have.
func (r Reject) String() string {
	if int(r) >= len(rejectNames) {
		return fmt.Sprintf("reject_%d", uint8(r))
	}
	return rejectNames[r]
}

// RejectError is what every parser here returns for bytes that it refuses. The peer is at fault, never the
// connection or this process.
type RejectError struct {
	// Reject is what to count.
	Reject Reject
	// Detail says what was wrong and what to do, for a log or a goodbye's reason. It never repeats text from
	// the peer, so that it can't forge a log line nor leak a token.
	Detail string
}

// Error returns the counter's name and the detail.
func (e *RejectError) Error() string {
	return "protocol: " + e.Reject.String() + ": " + e.Detail
}

// RejectOf returns why err refused a peer's bytes, and false when it did not.
func RejectOf(err error) (Reject, bool) {
	var rejected *RejectError
	if errors.As(err, &rejected) {
		return rejected.Reject, true
	}
	return 0, false
}

func rejectf(r Reject, format string, args ...any) error {
	return &RejectError{Reject: r, Detail: fmt.Sprintf(format, args...)}
}
