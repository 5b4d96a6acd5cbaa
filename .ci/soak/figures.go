package main

import "time"

// figures are what the server tells of itself at /stats, as far as they are looked at.
type figures struct {
	At         time.Time `json:"at"`
	RSS        int64     `json:"rss_bytes"`
	Heap       int64     `json:"heap_bytes"`
	Goroutines int64     `json:"goroutines"`
	FDs        int64     `json:"fds"`

	Rooms       int64 `json:"rooms"`
	Players     int64 `json:"players"`
	Sessions    int64 `json:"sessions"`
	Tokens      int64 `json:"tokens"`
	Held        int64 `json:"held"`
	RoomsOpened int64 `json:"rooms_opened"`
	RoomsClosed int64 `json:"rooms_closed"`

	Joined         int64 `json:"joined"`
	Left           int64 `json:"left"`
	Lost           int64 `json:"lost"`
	Expelled       int64 `json:"expelled"`
	Stopped        int64 `json:"stopped"`
	Unwelcomed     int64 `json:"unwelcomed"`
	Resumed        int64 `json:"resumed"`
	HoldsExpired   int64 `json:"holds_expired"`
	HoldsRefused   int64 `json:"holds_refused"`
	ResumesRefused int64 `json:"resumes_refused"`
	Banned         int64 `json:"banned"`

	Datagrams   int64            `json:"datagrams"`
	Unsent      int64            `json:"unsent"`
	Requests    int64            `json:"requests"`
	ChatLines   int64            `json:"chat_lines"`
	ChatLimited int64            `json:"chat_limited"`
	ChatRefused int64            `json:"chat_refused"`
	Diverged    int64            `json:"diverged"`
	Checked     int64            `json:"checked_rows"`
	FailedTicks int64            `json:"failed_ticks"`
	Rejected    map[string]int64 `json:"rejected"`
	Transport   struct {
		Open     int64 `json:"open"`
		Accepted int64 `json:"accepted"`
		Full     int64 `json:"refused_full"`
	} `json:"transport"`
}

// over tells whether nobody is in any table of the server's any more.
func (f *figures) over() bool {
	return f.Rooms == 0 && f.Players == 0 && f.Sessions == 0 && f.Tokens == 0 && f.Held == 0 && f.Transport.Open == 0
}
