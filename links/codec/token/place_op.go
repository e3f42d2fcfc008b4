package token

// Op is what a byte of a token string does where it stands.
type Op uint8

// The kinds of bytes.
const (
	OpHead     Op = iota // begins the stanza
	OpJID                // first byte of a JID
	OpRes                // first byte of a resource
	OpForm               // first byte of a value
	OpLow                // second byte of a number whose first byte said about where
	OpSize               // how many bytes follow
	OpRaw                // one of them
	OpText               // a character, or the zero behind the last
	OpMask               // which attributes there are
	OpChild              // first byte of a child, or the end of its parent
	OpAttr               // first byte of an attribute in general form
	opShift              // not a byte: where the ops that are not told apart begin
	opJIDLow             // OpLow of a JID that n tells of
	opRefJID             // OpJID of the JID whose local part is a resource
	opRefLow             // OpLow of that
	opMag                // OpSize of a number
	opMask2              // OpMask of attributes beyond the eighth
	opOdd                // OpLow, high byte of an element's number
	opOddLow             // OpLow, low byte of that
	opWide               // OpLow, low byte of an element's number
	opHeadMask           // OpMask of a stanza
	opRoot               // OpChild of a root that is no stanza
	opRandom             // OpRaw of what looks random
	opUUID               // OpRaw of a UUID
	opNear               // OpLow of a number near to another
)
