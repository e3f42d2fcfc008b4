// Package lore has the texts that the stanza codec learns before any stream: they ship with the program, packed.
package lore

// Data is what is learned.
type Data struct {
	Stanzas [][]byte // canonical, folded, in order
	Lines   [][]byte // plain language, one message or phrase each
}
