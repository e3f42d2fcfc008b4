// Package lore has the texts that the stanza codec learns before any stream: they ship with the program, packed.
package lore

// Data is what is learned.
type Data struct {
	Stanzas [][]byte    // canonical, folded, in order
	Near    [][2]uint64 // of each stanza: about which numbers its id and what it refers to have, as token.Table.Near takes them
	JIDs    [][]byte    // what the configuration of the nodes would tell of the stanzas: addresses,
	Strings [][]byte    // and texts of attributes and elements
	Lines   [][]byte    // plain language, one message or phrase each
}
