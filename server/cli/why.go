package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// whyTimeout is how long it may take to a player's next pass.
const whyTimeout = 5 * time.Second

// why answers why a player was not sent a row, as a line of text, or as JSON with format=json.
func (d *debugServer) why(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	query := r.URL.Query()
	player, id, err := whomAndWhat(query)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), whyTimeout)
	defer cancel()
	why, err := d.server.Why(ctx, query.Get("room"), player, query.Get("table"), id)
	switch {
	case errors.Is(err, server.ErrNoRoom), errors.Is(err, server.ErrNoPlayer), errors.Is(err, server.ErrNoTable):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusGatewayTimeout)
	case query.Get("format") == "json":
		w.Header().Set("Content-Type", "application/json")
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.Encode(figuresOfWhy(why, query.Get("table"))) // fails when the reader has gone
	default:
		fmt.Fprintf(w, "%s %v, player %d: %v: %v\n", query.Get("table"), why.ID, player, why.Reason, why)
	}
}

// whomAndWhat reads the player's number, and the row's ID, as index or index.generation.
func whomAndWhat(query url.Values) (world.Player, world.ID, error) {
	const usage = "ask as in /why?room=NAME&player=1&table=NAME&id=17, with format=json for JSON"
	player, err := strconv.ParseUint(query.Get("player"), 10, 32)
	if err != nil {
		return 0, 0, fmt.Errorf("player %q is no number: %s", query.Get("player"), usage)
	}
	id, err := world.ParseID(query.Get("id"))
	if err != nil {
		return 0, 0, fmt.Errorf("id %w: %s", err, usage)
	}
	return world.Player(player), id, nil
}

// figuresOfWhy is the answer's every number by its name in snake case, and what it says.
func figuresOfWhy(why replicate.Why, table string) map[string]any {
	out := object(reflect.ValueOf(why))
	out["reason"], out["text"], out["table"], out["id"] = why.Reason.String(), why.String(), table, why.ID.String()
	return out
}
