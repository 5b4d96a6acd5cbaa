package console

import (
	"fmt"
	"strings"

	"github.com/quicstep/quicstep/protocol/admin"
)

// ParseConditions reads what the rows of a query have to meet, each a field, a comparison and a value, as in X>=10.
func ParseConditions(texts []string) (out []admin.Condition, err error) {
	for _, text := range texts {
		c, ok := parseCondition(text)
		if !ok {
			return nil, fmt.Errorf("%q is no condition: write a field, one of %s, and a value, as in 'X>=10'", text, strings.Join(admin.Comparisons, " "))
		}
		out = append(out, c)
	}
	return out, nil
}

// parseCondition cuts a condition at its comparison.
func parseCondition(text string) (admin.Condition, bool) {
	at := strings.IndexAny(text, "=!<>~")
	if at <= 0 {
		return admin.Condition{}, false
	}
	for _, is := range []string{"!=", "<=", ">=", "=", "<", ">", "~"} {
		if value, ok := strings.CutPrefix(text[at:], is); ok {
			return admin.Condition{Field: text[:at], Is: is, Value: value}, true
		}
	}
	return admin.Condition{}, false
}
