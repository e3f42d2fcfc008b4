package mix

// decide says, or finds out, one bit and learns from it. hit is the bit that the match expects, or -1.
func (f *Faculty) decide(a *Ask, node uint16, cell uint32, bit, hit int, path uint32, depth int, code Coder) int {
	in, longest, shared := f.blend.in, uint32(0), false
	if f.trail.x != nil {
		f.trail.ask(node)
		longest = uint32(min(f.trail.longest(), 15))
		f.count(a, in[Contexts+Runs+3:], bit)
	} else {
		in[Contexts+Runs+3], shared = a.share(path, depth)
	}
	known := f.remember(in, cell, path, depth)
	match, h := f.follow(in, hit)
	plain := &f.plain[a.Views[0]%plainViews*256+uint32(node)]
	in[Contexts+Runs+1], in[Contexts+Runs+2] = stretch(plain.chance()), logit

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
	f.learn(cell, bit)
	if h != nil {
		h.update(1-(bit^hit), hitsLimit)
	}
	if f.trail.x != nil {
		f.trail.turn(bit)
	}
	return bit
}

// remember puts into in what the contexts of the stream have seen, and tells how many have seen something.
func (f *Faculty) remember(in []int32, cell, path uint32, depth int) (known uint32) {
	for k, l := range f.lines {
		in[k], f.taught[k] = 0, nil
		if s := l[cell]; s > 0 {
			r := &f.trust[k][s]
			in[k], f.taught[k] = stretch(r.chance()), r
			known++
		}
	}
	for k, s := range f.slots {
		in[Contexts+k], f.running[k] = 0, nil
		d := f.depths[k]
		if depth >= d || f.meant[k]>>(d-depth) != path {
			continue
		}
		f.running[k] = &f.steady[k][s.state()&63]
		f.told[k] = int(f.meant[k] >> (d - depth - 1) & 1)
		x := stretch(f.running[k].chance())
		if f.told[k] == 0 {
			x = -x
		}
		in[Contexts+k] = x
		known++
	}
	return known
}

// follow puts into in what the match says. h is by what that is trusted, match how long the match is.
func (f *Faculty) follow(in []int32, hit int) (match uint32, h *counter) {
	in[Contexts+Runs] = 0
	if hit < 0 {
		return 0, nil
	}
	match = uint32(min(f.seen.length, 15))
	h = &f.hits[match]
	x := stretch(h.chance())
	if hit == 0 {
		x = -x
	}
	in[Contexts+Runs] = x
	return match, h
}

// learn teaches what count and remember went by the bit.
func (f *Faculty) learn(cell uint32, bit int) {
	for _, t := range f.taught {
		if t != nil {
			t.update(bit, slowest)
		}
	}
	for _, l := range f.lines {
		l[cell] = nexts[l[cell]][bit]
	}
	for k, r := range f.running {
		if r != nil {
			r.update(1-(bit^f.told[k]), slowest)
		}
	}
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
