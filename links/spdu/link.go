package spdu

import "longwire/links/dts"

// A Link is a hard link, or the wish for one.
type Link struct {
	Type      uint8 // 0: anyone may use it, 1: only its client, 2: only the two clients
	Priority  uint8 // 0 to 3
	Rank      uint8 // of its client
	Peer      dts.Address
	SAP       uint8 // of the client here; with types 0 and 1 made by the peer it means nothing
	RemoteSAP uint8 // of the client there, with type 2
	Ours      bool  // asked for by a client here
}

// beats tells whether l takes the place of old.
//
// S5066 A.3.2.2: rank, then link priority, then, between the same nodes, link type; else what exists stays.
func (l *Link) beats(old *Link) bool {
	switch {
	case l.Rank != old.Rank:
		return l.Rank > old.Rank
	case l.Priority != old.Priority:
		return l.Priority > old.Priority
	}
	return l.Peer == old.Peer && l.Type > old.Type
}

// An Action is what a HardLinks wants done: Say, Make, Hang or Tell.
type Action interface{ action() }

// Say: send an S_PDU by the expedited service.
type Say struct {
	To  dts.Address
	PDU PDU
}

// Make: establish an exclusive physical link, and call Made or Broken.
type Make struct{ Peer dts.Address }

// Hang: break the physical link, and call Broken when it is down.
type Hang struct{ Peer dts.Address }

// News is what a client is told.
type News uint8

// The primitives about hard links.
const (
	Established News = iota + 1 // S_HARD_LINK_ESTABLISHED
	Rejected                    // S_HARD_LINK_REJECTED
	Terminated                  // S_HARD_LINK_TERMINATED
	Indication                  // S_HARD_LINK_INDICATION: Accept or Reject is wanted
)

// Tell: send a primitive to the client at Link.SAP.
type Tell struct {
	News   News
	Reason uint8
	Link   Link
}

func (Say) action()  {}
func (Make) action() {}
func (Hang) action() {}
func (Tell) action() {}
