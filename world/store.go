package world

import (
	"fmt"

	"github.com/hashicorp/go-memdb"
)

// The store is go-memdb: a table of pages, and one row with the View that they belong to. Both change in one
// transaction per tick, so that whoever opens a read transaction finds a whole tick, without a lock.
const (
	storePages = "page"
	storeViews = "view"
)

func newStore() (*memdb.MemDB, error) {
	db, err := memdb.NewMemDB(&memdb.DBSchema{Tables: map[string]*memdb.TableSchema{
		storePages: {Name: storePages, Indexes: map[string]*memdb.IndexSchema{
			"id": {Name: "id", Unique: true, Indexer: pageIndex{}},
		}},
		storeViews: {Name: storeViews, Indexes: map[string]*memdb.IndexSchema{
			"id": {Name: "id", Unique: true, Indexer: latestIndex{}},
		}},
	}})
	if err != nil {
		return nil, fmt.Errorf("open the state store: %w", err)
	}
	return db, nil
}

// pageIndex finds a page by the key that it carries: no reflection, no allocation.
type pageIndex struct{}

func (pageIndex) FromObject(raw any) (bool, []byte, error) {
	p, ok := raw.(*Page)
	if !ok {
		return false, nil, fmt.Errorf("a %T is not a page", raw)
	}
	return true, p.key, nil
}

func (pageIndex) FromArgs(args ...any) ([]byte, error) {
	if len(args) == 1 {
		if key, ok := args[0].([]byte); ok {
			return key, nil
		}
	}
	return nil, fmt.Errorf("a page is found by its key, not by %v", args)
}

// PrefixFromArgs finds all pages of a table by the first byte of their keys.
func (x pageIndex) PrefixFromArgs(args ...any) ([]byte, error) { return x.FromArgs(args...) }

// latestIndex has one place: the newest View replaces the one before.
type latestIndex struct{}

var latestKey = []byte{1}

func (latestIndex) FromObject(any) (bool, []byte, error) { return true, latestKey[:1:1], nil }
func (latestIndex) FromArgs(args ...any) ([]byte, error) { return latestKey[:1:1], nil }

// Latest returns the newest View, and a channel that is closed when there is a newer one. Any goroutine may
// call it at any time.
func (w *World) Latest() (*View, <-chan struct{}) {
	txn := w.store.Txn(false)
	watch, raw, err := txn.FirstWatch(storeViews, "id")
	if err != nil || raw == nil {
		panic(fmt.Sprintf("world: the store has no view: %v", err))
	}
	return raw.(*View), watch
}
