package muc

import "maps"

// index finds occupants by a key. It is a value that many States share: an edit copies only what changed of late, so that
// a crowd that comes or goes in one operation, one by one, costs little more than one copy of all.
type index[K comparable] struct {
	all  map[K]*Occupant
	late map[K]*Occupant // changes to all that are younger; nil: nobody any more
}

// maxLate is how many changes are kept beside: each edit copies them, and one of so many edits copies all.
const maxLate = 32

func (x index[K]) get(k K) *Occupant {
	if o, ok := x.late[k]; ok {
		return o
	}
	return x.all[k]
}

// edit is a copy that may be changed with set until it is shared.
func (x index[K]) edit() index[K] {
	if len(x.late) < maxLate {
		late := make(map[K]*Occupant, len(x.late)+2)
		maps.Copy(late, x.late)
		return index[K]{x.all, late}
	}
	all := make(map[K]*Occupant, len(x.all)+len(x.late))
	maps.Copy(all, x.all)
	for k, o := range x.late {
		if o == nil {
			delete(all, k)
		} else {
			all[k] = o
		}
	}
	return index[K]{all: all, late: make(map[K]*Occupant)}
}

// set replaces who has a key; nil: nobody.
func (x index[K]) set(k K, o *Occupant) { x.late[k] = o }
