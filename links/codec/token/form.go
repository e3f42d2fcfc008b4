package token

// First byte of a stanza.
const (
	headCopy  = 0 // the stanza before, to somebody else
	headOther = 1 // an element that is none of the three stanzas
	headFirst = 2 // headFirst+i is heads[i]
)

// head is a kind of stanza and its type; odd is any type that is not listed.
type head struct {
	kind, typ string
	odd       bool
}

// Bits of the byte behind to.
const (
	maskID    = 1
	maskLang  = 2
	maskExtra = 4 // other attributes follow in general form
)

// First byte of a JID.
const (
	jidAbsent = 0
	jidNew    = 1   // +1: a resource follows; +2: no local part
	jidOther  = 5   // not to be learnt: a value that is too long
	jidFirst  = 8   // jidFirst+i is JID i, jidRes more when a resource follows
	jidWide   = 120 // … or JID jidNear+256*(c-jidWide) + the next byte
	jidRes    = 120
	jidNear   = jidWide - jidFirst // numbers below that take one byte
)

// First byte of a resource.
const (
	resNew   = 0
	resLocal = 1 // the local part of another JID
	resOther = 2 // not to be learnt
	resFirst = 8
	resMax   = 256 - resFirst
)

// First byte of a value.
const (
	formText  = 0
	formUUID  = 1
	formHex   = 2
	formHEX   = 3
	formB64   = 4
	formInt   = 5
	formDec   = 6
	formStamp = 7 // +1 with three, +2 with six digits behind the point
	formJID   = 10
	formOwn   = 11 // the stanza's own id; as a namespace, the default one where it stands
	formAbs   = 12 // a number to base 36
	formNear  = 13 // low byte of half a number near the one that Near told; +1: of the other side's
	formFar   = 15 // a number to base 36 by its difference to the last
	formStep  = 16 // the same in one byte: formStep+16+d/2
	formTheir = 64 // the same of the other side's
	formSmall = 48 // an integer from 0 to 15; as a namespace, none
	formClass = 64 // an entry of the field's class: first those of the schema, then those learnt
	formKnown = 96 // an id that was there, in kind id
	formShare = 240
	formProv  = 248
	formLimit = 255

	steps    = 16
	classMax = formShare - formClass
)

// What a child of an element begins with.
const (
	childEnd   = 0
	childText  = 1
	childOther = 2  // its name follows
	childOdd   = 3  // its number follows in two bytes, but its attributes or content are not as the schema says
	childName  = 4  // its prefix and name follow
	childWide  = 5  // its number is 256*(c-childWide) + the next byte
	childFirst = 12 // childFirst+i is child i of the parent in the schema
)

// What stands in the list of attributes of an element in general form.
const (
	attrEnd    = 0
	attrPlain  = 1 // name, value
	attrPrefix = 2 // prefix, name, value
	attrDecl   = 3 // prefix, namespace
)

// Bounds.
const (
	maxString = 200      // the longest string that is learnt
	maxLearnt = 64 << 10 // bytes learnt before all is forgotten
	maxJIDs   = 1000     // JIDs without resource
	maxCopy   = 8 << 10  // the longest stanza that a copy refers to
	maxDepth  = 128      // as markup.MaxDepth
	maxRaw    = 64 << 10 // bytes of one value that is no text
)

// epoch is what the first time of a stream is told from: 2026-01-01T00:00:00Z in microseconds.
const epoch = 1767225600 * 1_000_000
