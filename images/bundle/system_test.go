package bundle_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"longwire/images/bundle"
)

func TestSystemComesBackAsItWasWritten(t *testing.T) {
	image := picture(3 << 20)
	f, err := openSystem(system(t, image, org(t)), trust(t))
	if err != nil {
		t.Fatal(err)
	}
	if f.Version != "1.2.3" || f.Counter != 3 || f.Target.Board != "qemu-aarch64" || f.StoreFormat != 4 || f.Downgrade ||
		f.ImageSize != int64(len(image)) || !f.Key.Equal(org(t).Public()) {
		t.Errorf("got %+v", f.System)
	}
	var last int64
	if err := f.Check(t.Context(), func(done, total int64) { last = done }); err != nil || last != f.PayloadSize {
		t.Errorf("check: %v after %d bytes", err, last)
	}
	r, err := f.Image()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, image) {
		t.Errorf("image: %d bytes, %v", len(got), err)
	}
}

func TestChangedPayloadIsFoundInCheckAndInImage(t *testing.T) {
	b := system(t, picture(1<<20), org(t))
	b[len(b)-1000] ^= 1
	f, err := openSystem(b, trust(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Check(t.Context(), nil); !errors.Is(err, bundle.ErrDamaged) {
		t.Errorf("check: %v", err)
	}
	r, err := f.Image()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, bundle.ErrDamaged) {
		t.Errorf("image: %v", err)
	}
}
