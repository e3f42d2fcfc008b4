package delivery

import "sync"

// maxAir is how many messages of a peer may be followed on their way; those beyond are with the link. A link's window is 256.
const maxAir = 1024

// air is what the links have told of messages under way. mu guards the map.
type air struct {
	mu    sync.Mutex
	peers map[string]map[uint64]flight
}

// flight is one message under way.
type flight struct {
	state State
	link  string
}

func (a *air) set(peer string, entry uint64, f flight) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.peers == nil {
		a.peers = make(map[string]map[uint64]flight)
	}
	all := a.peers[peer]
	if all == nil {
		all = make(map[uint64]flight)
		a.peers[peer] = all
	}
	if _, ok := all[entry]; !ok && len(all) >= maxAir {
		return
	}
	all[entry] = f
}

func (a *air) drop(peer string, entry uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.peers[peer], entry)
}

// down forgets what a link has on air: it is not any more. What the peer's SIS server has, it has.
func (a *air) down(peer, link string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, f := range a.peers[peer] {
		if f.link == link && f.state == OnAir {
			delete(a.peers[peer], id)
		}
	}
}

// of is what was told of a message; WithLink if nothing was.
func (a *air) of(peer string, entry uint64) flight {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f, ok := a.peers[peer][entry]; ok {
		return f
	}
	return flight{state: WithLink}
}

// keep forgets all messages of a peer that are not in its queue: of some it was told too late.
func (a *air) keep(peer string, there map[uint64]bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range a.peers[peer] {
		if !there[id] {
			delete(a.peers[peer], id)
		}
	}
}
