package deflate_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"testing"

	"longwire/links/deflate"
)

// FuzzInflate compares our inflater with compress/zlib: the same bytes, or an error from both.
func FuzzInflate(f *testing.F) {
	for _, flushes := range vectors(f) {
		var all []byte
		for _, v := range flushes[:min(len(flushes), 4)] {
			all = append(all, v.in...)
		}
		f.Add(all, 1)
		f.Add(all[:len(all)/2], 5)
	}
	f.Fuzz(func(t *testing.T, in []byte, step int) {
		ours := new(bytes.Buffer)
		z := deflate.NewReader(&drip{data: in, step: 1 + step&0xff})
		_, err := io.Copy(ours, z)
		if errors.Is(err, deflate.ErrBomb) {
			return
		}
		gos := new(bytes.Buffer)
		r, goErr := zlib.NewReader(bytes.NewReader(in))
		if goErr == nil {
			_, goErr = io.Copy(gos, r)
		}
		switch {
		case goErr == nil && err != nil:
			t.Fatalf("we: %v, compress/zlib: fine", err)
		case goErr == nil && !bytes.Equal(ours.Bytes(), gos.Bytes()):
			t.Fatalf("%d bytes against %d", ours.Len(), gos.Len())
		case goErr != nil && err == nil:
			t.Fatalf("we: fine, compress/zlib: %v", goErr)
		case goErr != nil && !bytes.HasPrefix(ours.Bytes(), gos.Bytes()) && !bytes.HasPrefix(gos.Bytes(), ours.Bytes()):
			// We may find a fault earlier (a code that never ends its block) or give out more before a cut.
			t.Fatalf("what was decoded before the fault differs: %q, %q", ours, gos)
		}
	})
}

// FuzzWriter sends any text in any portions through both modes and expects it back.
func FuzzWriter(f *testing.F) {
	for i, text := range texts() {
		f.Add(text[:min(len(text), 9000)], 1+i*37)
	}
	f.Fuzz(func(t *testing.T, text []byte, portion int) {
		portion = 1 + portion&0x3fff
		text = text[:min(len(text), 64*portion)]
		for _, mode := range []deflate.Mode{deflate.Sync, deflate.Dense} {
			d := &drip{step: 1 << 16}
			var out flushed
			w := deflate.NewWriter(&out, mode)
			r := deflate.NewReader(d)
			for rest := text; len(rest) > 0; {
				n := min(portion, len(rest))
				w.Write(rest[:n])
				w.Flush()
				d.data = out[len(out)-1]
				if got := available(t, r); trim(got, mode) != trim(rest[:n], mode) {
					t.Fatalf("mode %d: %q became %q", mode, rest[:n], got)
				}
				rest = rest[n:]
			}
		}
	})
}
