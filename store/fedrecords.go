package store

type fedPeerRecord struct {
	head
	Peer     string `cbor:"1,keyasint"`
	Up       bool   `cbor:"2,keyasint,omitempty"`
	State    uint8  `cbor:"3,keyasint,omitempty"`
	Echo     bool   `cbor:"4,keyasint,omitempty"`
	Longwire bool   `cbor:"5,keyasint,omitempty"`
	Since    int64  `cbor:"6,keyasint,omitempty"`
	Seen     int64  `cbor:"7,keyasint,omitempty"`
	Missed   uint64 `cbor:"8,keyasint,omitempty"`
	Lefts    int    `cbor:"9,keyasint,omitempty"`
	Asked    string `cbor:"10,keyasint,omitempty"`
}

func fedPeerRecordOf(p FedPeer) fedPeerRecord {
	return fedPeerRecord{v1, p.Peer, p.Up, p.State, p.Echo, p.Longwire, nanos(p.Since), nanos(p.Seen), p.Missed, p.Lefts, p.Asked}
}

func (r fedPeerRecord) peer() FedPeer {
	return FedPeer{
		Peer: r.Peer, Up: r.Up, State: r.State, Echo: r.Echo, Longwire: r.Longwire, Lefts: r.Lefts, Asked: r.Asked,
		Since: fromNanos(r.Since), Seen: fromNanos(r.Seen), Missed: r.Missed,
	}
}

type fedOccupantRecord struct {
	head
	Nick        string `cbor:"1,keyasint"`
	Real        string `cbor:"2,keyasint,omitempty"`
	Affiliation string `cbor:"3,keyasint,omitempty"`
	Role        string `cbor:"4,keyasint,omitempty"`
	Show        []byte `cbor:"5,keyasint,omitempty"`
	Alias       string `cbor:"6,keyasint,omitempty"`
}

func fedOccupantRecordOf(o FedOccupant) fedOccupantRecord {
	return fedOccupantRecord{v1, o.Nick, o.Real, o.Affiliation, o.Role, o.Show, o.Alias}
}

func (r fedOccupantRecord) occupant() FedOccupant {
	return FedOccupant{r.Nick, r.Real, r.Affiliation, r.Role, r.Show, r.Alias}
}

type fedToldRecord struct {
	head
	Nick string `cbor:"1,keyasint"`
	Real string `cbor:"2,keyasint,omitempty"`
}

type fedCountRecord struct {
	head
	N     uint64 `cbor:"1,keyasint"`
	At    int64  `cbor:"2,keyasint,omitempty"`
	After string `cbor:"3,keyasint,omitempty"`
	Own   bool   `cbor:"4,keyasint,omitempty"`
}

type fedSyncRecord struct {
	head
	Peer    string   `cbor:"1,keyasint"`
	Asked   bool     `cbor:"2,keyasint,omitempty"`
	Behind  bool     `cbor:"3,keyasint,omitempty"`
	Met     bool     `cbor:"4,keyasint,omitempty"`
	Waiting uint8    `cbor:"5,keyasint,omitempty"`
	Known   bool     `cbor:"6,keyasint,omitempty"`
	Told    string   `cbor:"7,keyasint,omitempty"`
	Had     []string `cbor:"8,keyasint,omitempty"`
	Want    string   `cbor:"9,keyasint,omitempty"`
	Held    uint64   `cbor:"10,keyasint,omitempty"`
}

func fedSyncRecordOf(s FedSync) fedSyncRecord {
	return fedSyncRecord{v1, s.Peer, s.Asked, s.Behind, s.Met, s.Waiting, s.Known, s.Told, s.Had, s.Want, s.Held}
}

func (r fedSyncRecord) sync() FedSync {
	return FedSync{r.Peer, r.Asked, r.Behind, r.Held, r.Met, r.Waiting, r.Want, r.Known, r.Told, r.Had}
}
