package token

import (
	"cmp"
	"slices"
	"strings"
)

// provision is what a table begins with.
type provision struct {
	jids    []string // by their bare parts, see byDomain
	bare    int      // how many of those are different
	sides   []int    // where in the numbers of JIDs another side begins: JIDs of one node follow each other
	res     []int    // how many resources each JID has
	strings []string // by sort
	sorts   [sorts + 1]int
	number  map[string]int16
}

func newProvision(jids, words []string) *provision {
	p := &provision{number: map[string]int16{}}
	jids = slices.Clone(jids)
	slices.SortFunc(jids, byDomain)
	was, side := "", ""
	for _, j := range slices.Compact(jids) {
		bare, _, _ := strings.Cut(j, "/")
		if !fits(bare) || bare != was && p.bare == maxJIDs/2 {
			continue
		}
		if bare != was {
			if d := domainOf(bare); side == "" || d != side && !strings.HasSuffix(d, "."+side) {
				p.sides, side = append(p.sides, p.bare), d
			}
			p.bare++
			p.res = append(p.res, 0)
		}
		was = bare
		if len(bare) < len(j) {
			p.res[p.bare-1]++
		}
		p.jids = append(p.jids, j)
	}
	words = slices.Clone(words)
	slices.SortFunc(words, func(a, b string) int {
		return cmp.Or(cmp.Compare(sortOf(a), sortOf(b)), strings.Compare(a, b))
	})
	for _, w := range slices.Compact(words) {
		if w != "" && len(p.strings) < (formLimit-formProv)*256 {
			p.number[w] = int16(len(p.strings))
			p.strings = append(p.strings, w)
			for k := sortOf(w) + 1; k <= sorts; k++ {
				p.sorts[k] = len(p.strings)
			}
		}
	}
	return p
}

// byDomain is the order of JIDs: by the labels of their domains from the right, so that a node's domains follow each other, then as they
// are.
func byDomain(a, b string) int {
	x, r, _ := strings.Cut(a, "/")
	y, q, _ := strings.Cut(b, "/")
	d, e := strings.Split(domainOf(x), "."), strings.Split(domainOf(y), ".")
	slices.Reverse(d)
	slices.Reverse(e)
	return cmp.Or(slices.Compare(d, e), strings.Compare(x, y), strings.Compare(r, q))
}

func domainOf(bare string) string {
	if _, d, ok := strings.Cut(bare, "@"); ok {
		return d
	}
	return bare
}

// Sorts of provisioned strings by what they look like, so that fewer come into question for a value.
const (
	sortText   = iota
	sortClient // a URI
	sortVer    // base 64 of 20 bytes
	sortPhoto  // hexadecimal of 20 bytes
	sortRaw    // other base 64
	sortColor  // a name of one word, or #RRGGBB
	sorts
)

func sortOf(w string) int {
	form, b := rawOf([]byte(w))
	switch {
	case form == formB64 && len(b) == 20:
		return sortVer
	case form == formHex && len(b) == 20:
		return sortPhoto
	case form == formB64:
		return sortRaw
	case strings.Contains(w, "://"):
		return sortClient
	case len(w) > 0 && w[0] == '#', w == strings.ToLower(w) && !strings.ContainsAny(w, " ./:"):
		return sortColor
	}
	return sortText
}

func fits(s string) bool { return len(s) > 0 && len(s) <= maxString }

// class is the strings of one kind that came before. A new one takes the place of the oldest when there is no room.
type class struct {
	words []string
	next  int
	at    map[string]int
}

func (c *class) reset() {
	c.words, c.next = c.words[:0], 0
	clear(c.at)
}

// learn puts a word in, and tells by how many bytes the class grew.
func (c *class) learn(w string, room int) int {
	if !fits(w) || room <= 0 {
		return 0
	}
	if c.at == nil {
		c.at = map[string]int{}
	}
	if _, ok := c.at[w]; ok {
		return 0
	}
	w = strings.Clone(w)
	if len(c.words) < room {
		c.at[w] = len(c.words)
		c.words = append(c.words, w)
		return len(w)
	}
	i := c.next % room
	c.next = i + 1
	old := c.words[i]
	delete(c.at, old)
	c.words[i], c.at[w] = w, i
	return len(w) - len(old)
}

// jidEntry is a JID without resource, and the resources that were seen of it.
type jidEntry struct {
	bare string
	res  []string
	next int
}

// jidTable numbers JIDs.
type jidTable struct {
	list  []jidEntry
	fixed int // the first ones stay
	next  int
	bare  map[string]int
	full  map[string][2]int // with resource: number, resource
	local map[string]int    // the first with that local part
}

func (j *jidTable) reset(p *provision) {
	j.list, j.next, j.fixed = j.list[:0], p.bare, p.bare
	if j.bare == nil {
		j.bare, j.full, j.local = map[string]int{}, map[string][2]int{}, map[string]int{}
	}
	clear(j.bare)
	clear(j.full)
	clear(j.local)
	for _, f := range p.jids {
		b, res, has := strings.Cut(f, "/")
		i, ok := j.bare[b]
		if !ok {
			i = len(j.list)
			j.put(i, b)
		}
		if has {
			j.learnRes(i, res)
		}
	}
}

func (j *jidTable) put(i int, bare string) {
	if i == len(j.list) {
		j.list = append(j.list, jidEntry{})
	}
	j.list[i] = jidEntry{bare: bare}
	j.bare[bare] = i
	if l := localPart(bare); l != "" {
		if _, ok := j.local[l]; !ok {
			j.local[l] = i
		}
	}
}

func localPart(bare string) string {
	l, _, ok := strings.Cut(bare, "@")
	if !ok {
		return ""
	}
	return l
}

// learn gives a new JID its number, and tells by how many bytes the table grew.
func (j *jidTable) learn(bare string) (i, grew int) {
	if len(j.list) < maxJIDs {
		i = len(j.list)
	} else {
		i = j.next
		if j.next++; j.next == maxJIDs {
			j.next = j.fixed
		}
		grew = -j.drop(i)
	}
	j.put(i, bare)
	return i, grew + len(bare)
}

// drop forgets JID i.
func (j *jidTable) drop(i int) (bytes int) {
	e := &j.list[i]
	delete(j.bare, e.bare)
	if l := localPart(e.bare); l != "" && j.local[l] == i {
		delete(j.local, l)
	}
	bytes = len(e.bare)
	for _, r := range e.res {
		delete(j.full, e.bare+"/"+r)
		bytes += len(r)
	}
	return bytes
}

// learnRes notes a resource of JID i.
func (j *jidTable) learnRes(i int, res string) (grew int) {
	if len(res) > maxString {
		return 0
	}
	e := &j.list[i]
	k := len(e.res)
	if k < resMax {
		e.res = append(e.res, res)
	} else {
		k = e.next % resMax
		e.next = k + 1
		delete(j.full, e.bare+"/"+e.res[k])
		grew = -len(e.res[k])
		e.res[k] = res
	}
	j.full[e.bare+"/"+res] = [2]int{i, k}
	return grew + len(res)
}
