package token

// Learnt is how many bytes the tables have taken from stanzas.
func (t *Table) Learnt() int { return t.learnt }
