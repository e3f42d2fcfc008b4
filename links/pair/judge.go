package pair

// Known is what headquarters remembers of an invitation. The zero value is one that nobody has used.
type Known struct {
	Withdrawn bool      // taken back: good for nobody
	Used      bool      // by the kit with Key, whose last hello had Counter
	Key       PublicKey //
	Counter   uint16    //
	Rival     PublicKey // the last other kit that tried, or the one before an operator forgot it; and the counter of its last hello
	RivalLast uint16    //
}

// A Verdict is what headquarters makes of a hello.
type Verdict uint8

// Verdicts. With the first four the hello was made with the token, and the kit may be told.
const (
	Accepted Verdict = iota // the kit's: it is the first, or its counter has risen
	Repeated                // the last one again, byte for byte as the kit has made it: the answer may have been lost, or nothing has
	Rivalled                // another kit's, for the first time with this counter
	TakenBack
	Replayed // made with the token, and heard before: nothing is to be told
	Forged   // not made with the token and for our key
)

// Judge decides about a hello for an invitation of ours. The Session is the one to answer with.
func Judge(k Known, t Token, own PrivateKey, m Message) (Verdict, Session) {
	s, err := AtHeadquarters(t, own, m.Key)
	if err != nil || !s.Verify(m) {
		return Forged, Session{}
	}
	ours := k.Used && k.Key == m.Key
	switch {
	case !ours && k.Rival == m.Key && m.Counter <= k.RivalLast:
		return Replayed, s
	case k.Withdrawn:
		return TakenBack, s
	case k.Used && k.Key != m.Key:
		return Rivalled, s
	case k.Used && m.Counter < k.Counter:
		return Replayed, s
	case k.Used && m.Counter == k.Counter:
		return Repeated, s
	}
	return Accepted, s
}
