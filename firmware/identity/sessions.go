package identity

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"sync"
)

// maxSessions is how many sessions of one peer are remembered: one for each of a few links, and some whose ticket got lost.
const maxSessions = 4

// sessions remembers what a ticket would otherwise carry over the air. Go's own ticket of a session with mutual TLS holds
// the certificates of the peer, 1.3 kB, which the peer gets and gives back at each contact: as much as a full handshake.
// Ours is a number. The price is that a restart of either node costs one full handshake.
type sessions struct {
	mu   sync.Mutex
	byID map[string][]byte
	age  []string // oldest first
}

const ticketLen = 16

func (s *sessions) wrap(_ tls.ConnectionState, state *tls.SessionState) ([]byte, error) {
	data, err := state.Bytes()
	if err != nil {
		return nil, err
	}
	id := make([]byte, ticketLen)
	rand.Read(id) // crypto/rand never fails
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[string][]byte, maxSessions)
	}
	if len(s.age) == maxSessions {
		delete(s.byID, s.age[0])
		s.age = append(s.age[:0], s.age[1:]...)
	}
	s.byID[string(id)] = data
	s.age = append(s.age, string(id))
	return id, nil
}

// unwrap finds a session again. It stays, since the contact may be lost before the peer has the next ticket. What is not
// found costs a full handshake.
func (s *sessions) unwrap(id []byte, _ tls.ConnectionState) (*tls.SessionState, error) {
	s.mu.Lock()
	data, ok := s.byID[string(id)]
	s.mu.Unlock()
	if !ok {
		return nil, nil
	}
	state, err := tls.ParseSessionState(data)
	if err != nil {
		return nil, errors.Join(errors.New("identity: session of a peer"), err)
	}
	return state, nil
}
