package terse

// Memory keeps Numbers in memory, without bound: for measures of recorded traffic. One goroutine at a time.
type Memory struct {
	next    uint64
	numbers map[Name]uint64 // Resource is empty
	names   map[uint64]Name
}

var _ Numbers = (*Memory)(nil)

// NewMemory makes one whose numbers begin at first, which is Least or more.
func NewMemory(first uint64) *Memory {
	return &Memory{next: first, numbers: map[Name]uint64{}, names: map[uint64]Name{}}
}

// Give implements Numbers.
func (m *Memory) Give(name Name, odd bool) (uint64, error) {
	key := name
	key.Resource = ""
	if n, ok := m.numbers[key]; ok && n%2 == 1 == odd && m.names[n].Resource == name.Resource {
		return n, nil
	}
	n := m.next
	if n%2 == 1 != odd {
		n++
	}
	m.next = n + 1
	m.numbers[key], m.names[n] = n, name
	return n, nil
}

// Find implements Numbers.
func (m *Memory) Find(name Name) (uint64, bool) {
	name.Resource = ""
	n, ok := m.numbers[name]
	return n, ok
}

// Named implements Numbers.
func (m *Memory) Named(n uint64, sc Scope) (Name, bool, error) {
	name, ok := m.names[n]
	if !ok || name.Scope != sc {
		return Name{}, false, nil
	}
	return name, true, nil
}
