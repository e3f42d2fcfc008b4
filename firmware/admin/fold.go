package admin

import "longwire/links/fold"

// Folded is what folding did with the traffic of a peer since the node started.
type Folded struct {
	Out fold.Tally `json:"out"`
	In  fold.Tally `json:"in"`
	// Known is of how many presences it is known what the peer was told, so that they are not told again.
	Known int `json:"known"`
}

// withFolded gives each peer its own.
func withFolded(peers []Peer, folded map[string]Folded) {
	for i := range peers {
		if f, ok := folded[peers[i].Name]; ok {
			peers[i].Folded = &f
		}
	}
}
