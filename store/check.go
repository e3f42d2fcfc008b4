package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"os"
)

// checkFile looks at every page that bbolt will follow a pointer to, before bbolt does: bbolt trusts its file, maps it
// into memory and reads offsets from it, and scans it on a goroutine where no caller can catch a panic. The names here
// are those of bbolt's file format, version 2. An empty file is good: bbolt fills it.
func checkFile(f *os.File) error {
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	if fi.Size() == 0 {
		return nil
	}
	m, err := readMetas(f, fi.Size())
	if err != nil {
		return err
	}
	c := &checker{f: f, meta: m, used: make([]bool, m.high)}
	free, err := c.freelist()
	if err != nil {
		return err
	}
	if err := c.tree(m.root, nil, nil, 0); err != nil {
		return err
	}
	for _, id := range free {
		if c.used[id] {
			return fmt.Errorf("%w: page %d is free and in use", ErrCorrupt, id)
		}
	}
	return nil
}

// Constants of the format.
const (
	boltMagic      = 0xED0CDAED
	boltVersion    = 2
	pageHeader     = 16 // id 8, flags 2, count 2, overflow 4
	metaLen        = 64
	elementLen     = 16 // leaf: flags, pos, ksize, vsize; branch: pos, ksize, child 8
	bucketHeader   = 16 // root 8, sequence 8
	flagBranch     = 0x01
	flagLeaf       = 0x02
	flagFreelist   = 0x10
	leafIsBucket   = 0x01
	noFreelist     = math.MaxUint64
	maxTreeDepth   = 32
	maxBoltPage    = 1024 << 14
	countElsewhere = 0xFFFF // a freelist's count is then its first id
)

// boltMeta is a meta page.
type boltMeta struct {
	pageSize                   int64
	root, freeList, high, txid uint64
}

// readMetas finds the meta page that counts: the valid one with the higher transaction.
func readMetas(f *os.File, size int64) (best boltMeta, err error) {
	found := false
	consider := func(at int64) {
		m, ok := readMeta(f, at)
		if ok && (at == 0 || at == m.pageSize) && (!found || m.txid > best.txid) {
			best, found = m, true
		}
	}
	consider(0)
	for at := int64(1024); at <= maxBoltPage && at < size; at *= 2 {
		consider(at)
	}
	switch {
	case !found:
		return best, fmt.Errorf("%w: neither of its two first pages is valid", ErrCorrupt)
	case best.high < 3 || best.root < 2 || best.root >= best.high:
		return best, fmt.Errorf("%w: its first page points nowhere", ErrCorrupt)
	case best.high > uint64(size/best.pageSize):
		return best, fmt.Errorf("%w: it has %d bytes and should have %d", ErrCorrupt, size, best.high*uint64(best.pageSize))
	}
	return best, nil
}

func readMeta(f *os.File, at int64) (m boltMeta, ok bool) {
	buf := make([]byte, metaLen)
	if _, err := f.ReadAt(buf, at+pageHeader); err != nil {
		return m, false
	}
	sum := fnv.New64a()
	sum.Write(buf[:metaLen-8])
	ne := binary.NativeEndian
	if ne.Uint32(buf) != boltMagic || ne.Uint32(buf[4:]) != boltVersion || ne.Uint64(buf[56:]) != sum.Sum64() {
		return m, false
	}
	m = boltMeta{
		pageSize: int64(ne.Uint32(buf[8:])), root: ne.Uint64(buf[16:]), freeList: ne.Uint64(buf[32:]),
		high: ne.Uint64(buf[40:]), txid: ne.Uint64(buf[48:]),
	}
	return m, m.pageSize >= 1024 && m.pageSize <= maxBoltPage && m.pageSize&(m.pageSize-1) == 0
}

// checker walks the tree of pages.
type checker struct {
	f    *os.File
	meta boltMeta
	used []bool // pages met so far
}

// page is a page with those it overflows to, header included.
type page struct {
	id    uint64
	flags uint16
	count int
	data  []byte
}

func parsePage(data []byte) page {
	ne := binary.NativeEndian
	return page{id: ne.Uint64(data), flags: ne.Uint16(data[8:]), count: int(ne.Uint16(data[10:])), data: data}
}

func (p page) damaged(format string, args ...any) error {
	return fmt.Errorf("%w: page %d: %s", ErrCorrupt, p.id, fmt.Sprintf(format, args...))
}

// read reads page id and marks its pages as used.
func (c *checker) read(id uint64) (page, error) {
	p := page{id: id}
	if id < 2 || id >= c.meta.high {
		return p, p.damaged("there is no such page")
	}
	header := make([]byte, pageHeader)
	at := int64(id) * c.meta.pageSize
	if _, err := c.f.ReadAt(header, at); err != nil {
		return p, p.damaged("%v", err)
	}
	more := uint64(binary.NativeEndian.Uint32(header[12:]))
	if says := binary.NativeEndian.Uint64(header); says != id {
		return p, p.damaged("it says that it is page %d", says)
	}
	if id+more >= c.meta.high {
		return p, p.damaged("it does not end")
	}
	for i := id; i <= id+more; i++ {
		if c.used[i] {
			return p, p.damaged("it is used twice")
		}
		c.used[i] = true
	}
	data := make([]byte, int64(more+1)*c.meta.pageSize)
	if _, err := c.f.ReadAt(data, at); err != nil {
		return p, p.damaged("%v", err)
	}
	return parsePage(data), nil
}

// tree checks the pages under id, whose keys must be at least low and less than high, when these are not nil.
func (c *checker) tree(id uint64, low, high []byte, depth int) error {
	p, err := c.read(id)
	if err != nil {
		return err
	}
	switch {
	case depth > maxTreeDepth:
		return p.damaged("the tree is too deep")
	case p.flags == flagLeaf:
		return c.leaf(p, low, high, depth)
	case p.flags == flagBranch && p.count > 0:
		return c.branch(p, low, high, depth)
	}
	return p.damaged("flags %#x, count %d", p.flags, p.count)
}

// element is where the i-th element's key begins, with the element itself.
func (p page) element(i int) (e []byte, at int, ok bool) {
	at = pageHeader + i*elementLen
	if at+elementLen > len(p.data) {
		return nil, 0, false
	}
	return p.data[at : at+elementLen], at, true
}

// bytesAt is a range of the page.
func (p page) bytesAt(at int, pos, size uint32) ([]byte, bool) {
	from := uint64(at) + uint64(pos)
	to := from + uint64(size)
	if to > uint64(len(p.data)) {
		return nil, false
	}
	return p.data[from:to], true
}

func (c *checker) branch(p page, low, high []byte, depth int) error {
	ne := binary.NativeEndian
	keys := make([][]byte, p.count)
	children := make([]uint64, p.count)
	for i := range p.count {
		e, at, ok := p.element(i)
		if !ok {
			return p.damaged("element %d is outside", i)
		}
		if keys[i], ok = p.bytesAt(at, ne.Uint32(e), ne.Uint32(e[4:])); !ok {
			return p.damaged("key %d is outside", i)
		}
		children[i] = ne.Uint64(e[8:])
	}
	if err := p.checkKeys(keys, low, high); err != nil {
		return err
	}
	for i, child := range children {
		to := high
		if i+1 < len(keys) {
			to = keys[i+1]
		}
		if err := c.tree(child, keys[i], to, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) leaf(p page, low, high []byte, depth int) error {
	ne := binary.NativeEndian
	keys := make([][]byte, p.count)
	for i := range p.count {
		e, at, ok := p.element(i)
		if !ok {
			return p.damaged("element %d is outside", i)
		}
		flags, pos, ksize, vsize := ne.Uint32(e), ne.Uint32(e[4:]), ne.Uint32(e[8:]), ne.Uint32(e[12:])
		if keys[i], ok = p.bytesAt(at, pos, ksize); !ok {
			return p.damaged("key %d is outside", i)
		}
		value, ok := p.bytesAt(at+int(ksize), pos, vsize)
		if !ok {
			return p.damaged("value %d is outside", i)
		}
		switch flags {
		case 0:
		case leafIsBucket:
			if err := c.bucket(p, value, depth); err != nil {
				return err
			}
		default:
			return p.damaged("element %d has flags %#x", i, flags)
		}
	}
	return p.checkKeys(keys, low, high)
}

// bucket checks a bucket: a tree of its own, or a page inside the value.
func (c *checker) bucket(p page, value []byte, depth int) error {
	if len(value) < bucketHeader {
		return p.damaged("short bucket")
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return c.tree(root, nil, nil, depth+1)
	}
	if len(value) < bucketHeader+pageHeader || depth > maxTreeDepth {
		return p.damaged("short bucket")
	}
	inline := parsePage(value[bucketHeader:])
	if inline.flags != flagLeaf || inline.id != 0 {
		return p.damaged("bucket inside it: flags %#x", inline.flags)
	}
	inline.id = p.id // for the error
	return c.leaf(inline, nil, nil, depth+1)
}

func (p page) checkKeys(keys [][]byte, low, high []byte) error {
	for i, k := range keys {
		switch {
		case len(k) == 0:
			return p.damaged("key %d is empty", i)
		case i == 0 && low != nil && bytes.Compare(k, low) < 0, i > 0 && bytes.Compare(keys[i-1], k) >= 0,
			high != nil && bytes.Compare(k, high) >= 0:
			return p.damaged("key %d is out of order", i)
		}
	}
	return nil
}

// freelist checks the list of free pages, if the file has one: ours do only until their first commit.
func (c *checker) freelist() (free []uint64, err error) {
	if c.meta.freeList == noFreelist {
		return nil, nil
	}
	p, err := c.read(c.meta.freeList)
	if err != nil {
		return nil, err
	}
	ne := binary.NativeEndian
	ids := p.data[pageHeader:]
	n := uint64(p.count)
	if p.count == countElsewhere && len(ids) >= 8 {
		n, ids = ne.Uint64(ids), ids[8:]
	}
	if p.flags != flagFreelist || n > uint64(len(ids)/8) {
		return nil, p.damaged("it is no list of free pages")
	}
	for i := range n {
		id := ne.Uint64(ids[i*8:])
		if id < 2 || id >= c.meta.high || i > 0 && id <= free[i-1] {
			return nil, p.damaged("free page %d is not in order", id)
		}
		free = append(free, id)
	}
	return free, nil
}
