package mix

// decide says, or finds out, one bit and learns from it. hit is the bit that the match expects, or -1.
func (f *Faculty) decide(a *Ask, node uint16, cell uint32, bit, hit int, path uint32, depth int, code Coder) int {
	in, known, longest := f.blend.in, uint32(0), uint32(0)
	shared := false
	if f.trail.x != nil {
		f.trail.ask(node)
		longest = uint32(min(f.trail.longest(), 15))
		f.count(a, in[Contexts+Runs+3:], bit)
	} else {
		in[Contexts+Runs+3], shared = a.share(path, depth)
	}
	for k, l := range f.lines {
		in[k], f.taught[k] = 0, nil
		if s := l[cell]; s > 0 {
			r := &f.trust[k][s]
			in[k], f.taught[k] = stretch(r.chance()), r
			known++
		}
	}
	var runs [Runs]*counter
	var told [Runs]int
	for k, s := range f.slots {
		in[Contexts+k] = 0
		d := f.depths[k]
		if depth >= d || f.meant[k]>>(d-depth) != path {
			continue
		}
		runs[k] = &f.steady[k][s.state()&63]
		told[k] = int(f.meant[k] >> (d - depth - 1) & 1)
		x := stretch(runs[k].chance())
		if told[k] == 0 {
			x = -x
		}
		in[Contexts+k] = x
		known++
	}
	rest := in[Contexts+Runs:]
	match := uint32(0)
	rest[0] = 0
	var h *counter
	if hit >= 0 {
		match = uint32(min(f.seen.length, 15))
		h = &f.hits[match]
		rest[0] = stretch(h.chance())
		if hit == 0 {
			rest[0] = -rest[0]
		}
	}
	plain := &f.plain[a.Views[0]%plainViews*256+uint32(node)]
	rest[1], rest[2] = stretch(plain.chance()), logit

	view := longest<<3 | min(known, 7)
	f.views[Views], f.views[Views+1], f.views[Views+2] = view, uint32(node), match<<4|longest
	x := f.blend.mix(f.views[:], view)
	p := 2*squash(x) + f.nodes.refine(uint32(node), x) + f.last.refine((a.Refine+uint32(node)*0x85EBCA6B)>>(32-lastBits), x)
	if shared && known == 0 {
		p = 4 * squash(in[Contexts+Runs+3]) // nobody knows better
	}
	bit = code.Code(bit, min(max(p/4, 1), 65535))

	f.blend.update(bit, f.rate)
	f.nodes.update(bit)
	f.last.update(bit)
	plain.update(bit, hitsLimit)
	for _, t := range f.taught {
		if t != nil {
			t.update(bit, slowest)
		}
	}
	for _, l := range f.lines {
		l[cell] = nexts[l[cell]][bit]
	}
	for k, r := range runs {
		if r != nil {
			r.update(1-(bit^told[k]), slowest)
		}
	}
	if h != nil {
		h.update(1-(bit^hit), hitsLimit)
	}
	if f.trail.x != nil {
		f.trail.turn(bit)
	}
	return bit
}

// share is what the symbols that come into question say of the next bit: how many of them have it, as a logit. told is false where that
// says nothing.
func (a *Ask) share(path uint32, depth int) (logit int32, told bool) {
	size := 1 << (7 - depth)
	low := (int(path) - 1<<depth) << (8 - depth)
	within := func(from int) (n int) {
		n = max(0, min(from+size, a.Hi)-max(from, a.Lo))
		if a.Again > 0 {
			n += max(0, min(from+size, a.Hi+a.Again)-max(from, a.Lo+a.Again))
		}
		return n
	}
	zeros, ones := within(low), within(low+size)
	if zeros+ones == 0 {
		return 0, false
	}
	return stretch(uint32((ones*65535 + (zeros+ones)/2) / (zeros + ones))), a.Again == 0 || depth > 0
}

// count puts what the index says into in.
func (f *Faculty) count(a *Ask, in []int32, bit int) {
	for j, o := range a.Orders {
		in[j], f.taught[Contexts+j] = 0, nil
		n0, n1 := f.trail.counts(o, bit)
		if n := n0 + n1; n == 0 {
			continue
		} else if n > manySaid && n0 > 0 && n1 > 0 {
			in[j] = stretch(uint32((2*uint64(n1) + 1) * 65535 / (2*uint64(n) + 2)))
			continue
		}
		r := &f.counts[j][level(n0)*levels+level(n1)]
		in[j], f.taught[Contexts+j] = stretch(r.chance()), r
	}
}
