package world

import (
	"iter"
	"math/bits"
	"reflect"
	"unsafe"
)

// DiffKind is what became of a row between two Views.
type DiffKind uint8

// What can become of a row.
const (
	Added DiffKind = iota + 1
	Changed
	Removed
)

// String returns the kind's name in lower case.
func (k DiffKind) String() string {
	switch k {
	case Added:
		return "added"
	case Changed:
		return "changed"
	case Removed:
		return "removed"
	}
	return "unchanged"
}

// Diff is a row that differs between two Views. Before is zero for an added row, Now for a removed one.
type Diff[T any] struct {
	Kind   DiffKind
	ID     ID
	Before T
	Now    T
}

// Diff iterates over the rows that differ between two Views, in the order of their indexes: what was added, changed and
// removed since. A row whose index was used again is removed first and added then. Nil stands for a View without rows. A
// dead-reckoned row that is elsewhere by now has changed, as if it had been told so. Pages that both share are passed
// over but for such rows, so little change costs little.
func (t Table[T]) Diff(before, now *View) iter.Seq[Diff[T]] {
	return func(yield func(Diff[T]) bool) {
		old, young := pagesOfView(before, t.def), pagesOfView(now, t.def)
		for n := range max(len(old), len(young)) {
			a, b := side{before, pageAt(old, n)}, side{now, pageAt(young, n)}
			set := usedOf(a.page) | usedOf(b.page)
			if a.page == b.page && a.page != nil {
				set = a.page.reckoned()
			}
			for ; set != 0; set &= set - 1 {
				if !t.diffRow(a, b, bits.TrailingZeros64(set), yield) {
					return
				}
			}
		}
	}
}

// side is a page as one of two Views has it.
type side struct {
	view *View
	page *Page
}

// diffRow yields what became of one row of a page.
func (t Table[T]) diffRow(a, b side, row int, yield func(Diff[T]) bool) bool {
	inA, inB := usedOf(a.page)>>row&1 != 0, usedOf(b.page)>>row&1 != 0
	if inA && inB && a.page.meta[row].gen == b.page.meta[row].gen {
		if t.sameRow(a, b, row) {
			return true
		}
		return yield(Diff[T]{Kind: Changed, ID: b.page.id(row), Before: t.read(a.view, a.page, row), Now: t.read(b.view, b.page, row)})
	}
	if inA && !yield(Diff[T]{Kind: Removed, ID: a.page.id(row), Before: t.read(a.view, a.page, row)}) {
		return false
	}
	return !inB || yield(Diff[T]{Kind: Added, ID: b.page.id(row), Now: t.read(b.view, b.page, row)})
}

// sameRow tells whether both sides show the same of a row that both have.
func (t Table[T]) sameRow(a, b side, row int) bool {
	if !a.page.moves(row) && !b.page.moves(row) {
		return t.def.bind.same(a.page.row(t.def, row), b.page.row(t.def, row))
	}
	before, now := t.read(a.view, a.page, row), t.read(b.view, b.page, row)
	return sameRows(t.def.bind, &before, &now)
}

func pagesOfView(v *View, t *table) []*Page {
	if v == nil {
		return nil
	}
	return v.pagesOf(t)
}

func pageAt(pages []*Page, n int) *Page {
	if n < len(pages) {
		return pages[n]
	}
	return nil
}

func usedOf(p *Page) uint64 {
	if p == nil {
		return 0
	}
	return p.used
}

// same tells whether two rows have the same values in every field.
func (b *binding) same(x, y unsafe.Pointer) bool {
	for i := range b.leaves {
		l := &b.leaves[i]
		if l.kind == reflect.String {
			if *(*string)(unsafe.Add(x, l.offset)) != *(*string)(unsafe.Add(y, l.offset)) {
				return false
			}
			continue
		}
		if l.raw(x) != l.raw(y) {
			return false
		}
	}
	return true
}

// sameRows is same for rows that stand in no table.
func sameRows[T any](b *binding, x, y *T) bool { return b.same(unsafe.Pointer(x), unsafe.Pointer(y)) }
