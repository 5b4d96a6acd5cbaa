package world

// Origin tells which of its owner's inputs has made a row: how a client knows its own predicted row again in the server's.
// The zero Origin is none.
type Origin struct {
	// Tick is the input's, as 32 bits.
	Tick uint32
	// Insert is the row's number among those that OnInput inserted for that input, from 1, whoever owns them.
	Insert uint16
}

// Origin returns which input of its owner's has made a row, ok is false when none has. A row that changed its owner, that
// was restored from a snapshot, or of which a client was told more than protocol.MaxOriginAge ticks later, has none. By it
// whatever draws a predicted row goes on with the server's, which has another ID. It is for drawing: a game whose tick decides
// by it would play otherwise after a restore.
func (t Table[T]) Origin(r Reader, id ID) (o Origin, ok bool) {
	if !t.Has(r, id) {
		return Origin{}, false
	}
	o = r.pagesOf(t.def)[id.Index()>>pageShift].Origin(int(id.Index() & rowMask))
	return o, o.Insert != 0
}

// names tells whether two rows with these origins and IDs are the same one: of the same origin, or of the same ID when one of
// them has none. The ID of a predicted row may be given again.
func (o Origin) names(other Origin, id, otherID ID) bool {
	return o.Insert != 0 && o == other || id == otherID && (o.Insert == 0 || other.Insert == 0)
}

// Origin is which input of its owner's has made the row; zero for none.
func (p *Page) Origin(row int) Origin {
	if p.origins == nil {
		return Origin{}
	}
	return p.origins[row]
}

// setOrigin notes a row's origin. Pages share the array until one changes it.
func (p *Page) setOrigin(row int, o Origin) {
	if p.Origin(row) == o {
		return
	}
	var origins [pageRows]Origin
	if p.origins != nil {
		origins = *p.origins
	}
	origins[row] = o
	p.origins = &origins
}

// inserting is whose OnInput is running, and what it has inserted.
type inserting struct {
	player  Player // zero: nobody's
	inserts uint16
}

// begin begins with a player's input.
func (i *inserting) begin(p Player) { *i = inserting{player: p} }

// origin is that of a row which is being inserted for an owner.
func (i *inserting) origin(tick uint64, owner Player) (o Origin) {
	if i.player == 0 || i.inserts == ^uint16(0) {
		return o
	}
	if i.inserts++; owner == i.player {
		o = Origin{Tick: uint32(tick), Insert: i.inserts}
	}
	return o
}
