// Package telemetry keeps the record of what crossed each link: a folder for the node, in it one for each address of a peer,
// in that files of JSON lines. What people wrote is never in it.
//
//	links, s2s -> node -> Writer.Put -> lines in memory -> every few seconds: one write for each peer -> folder/ADDRESS/NNNNNN.jsonl
//	                                                          oldest file goes when all are too large
//	Report, Preview <- Read <- the folder, or a copy of it
//
// README.md, which the node puts into the folder, tells what the lines mean; schema.json says it to machines.
package telemetry

import (
	"time"
)

// Version of the lines. A reader passes over fields and kinds that it does not know.
const Version = 1

// Kinds of lines.
const (
	Contact   = "contact"   // a link to the peer came up or went down
	Stanza    = "stanza"    // was given to the link, or came in
	Fold      = "fold"      // something was cut out of a stanza, or all of it was left out
	Shape     = "shape"     // the outline of a stanza that was to cross, for previews of other rules
	Skeleton  = "skeleton"  // what outlines refer to
	Confirm   = "confirm"   // the peer has taken a stanza
	Duplicate = "duplicate" // a stanza came that had been taken before
	Reject    = "reject"    // the link's server did not deliver, or the node did not accept
	Queue     = "queue"     // how much waits
	Carrier   = "carrier"   // another link carries
	Codec     = "codec"     // how stanzas are coded for the peer got worse, or better again
	EMCON     = "emcon"     // a link was silenced, or let go
	Clock     = "clock"     // the clock was set
	Lost      = "lost"      // lines that are missing here
)

// A Record is one line. Fields that are zero are left out.
type Record struct {
	V    int       `json:"v"`
	At   time.Time `json:"t"` // UTC, of the node's clock
	Kind string    `json:"k"`
	Peer string    `json:"peer,omitempty"`
	Link string    `json:"link,omitempty"`
	Dir  string    `json:"dir,omitempty"` // "out", "in"

	// contact
	State  string  `json:"state,omitempty"`  // contact: "up", "down"; emcon: "on", "off"
	Cause  string  `json:"cause,omitempty"`  // why it is down, was rejected, left out, or another link carries
	Remote string  `json:"remote,omitempty"` // the peer's address
	Lasted float64 `json:"lasted,omitempty"` // s: the contact; confirm: since it was sent

	// stanza, confirm, duplicate
	Entry      uint64 `json:"entry,omitempty"`
	Seq        uint32 `json:"seq,omitempty"`
	Type       string `json:"type,omitempty"`  // chat, groupchat, iq, presence, receipt, state
	Class      string `json:"class,omitempty"` // flash, immediate, priority, routine, iq, presence, receipt, state
	User       string `json:"user,omitempty"`  // ours
	Room       string `json:"room,omitempty"`
	Raw        int    `json:"raw,omitempty"` // bytes as the sender made it
	Folded     int    `json:"folded,omitempty"`
	Compressed int    `json:"compressed,omitempty"`
	Wire       int    `json:"wire,omitempty"`
	AirMS      int64  `json:"air_ms,omitempty"`
	Batch      int    `json:"batch,omitempty"`
	Again      bool   `json:"again,omitempty"`
	Lane       string `json:"lane,omitempty"`

	// fold
	Cuts  []Cut `json:"cuts,omitempty"`
	Saved int   `json:"saved,omitempty"` // bytes

	// shape, skeleton: see Outline
	ID    uint64 `json:"id,omitempty"`
	Text  string `json:"text,omitempty"`
	From  string `json:"from,omitempty"`
	To    string `json:"to,omitempty"`
	Sizes []int  `json:"n,omitempty"`
	Same  string `json:"same,omitempty"`

	// queue
	Waiting int     `json:"waiting,omitempty"` // stanzas
	Sent    int     `json:"sent,omitempty"`    // of them, sent and not confirmed
	Bytes   int64   `json:"bytes,omitempty"`
	Oldest  float64 `json:"oldest,omitempty"` // s

	Old   string  `json:"old,omitempty"`  // carrier: the link before
	Jump  float64 `json:"jump,omitempty"` // clock: s
	Lines uint64  `json:"lines,omitempty"`
}

// A Cut is what one rule took out.
type Cut struct {
	Rule  int `json:"rule"` // 0: the presence mode
	Bytes int `json:"bytes"`
}

// Directions.
const (
	Out = "out"
	In  = "in"
)
