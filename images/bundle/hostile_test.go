package bundle_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"longwire/images/bundle"
)

// refused checks that an error is one of ours, with both halves in plain words.
func refused(t *testing.T, what string, err error, reasons ...error) {
	t.Helper()
	var e *bundle.Error
	if !errors.As(err, &e) || e.Problem == "" || e.Remedy == "" {
		t.Errorf("%s: not refused in plain words: %v", what, err)
		return
	}
	for _, r := range reasons {
		if errors.Is(err, r) {
			return
		}
	}
	t.Errorf("%s: refused as %v (%v), want one of %v", what, e.Reason, err, reasons)
}

func TestConfigCutAnywhereSaysSo(t *testing.T) {
	for _, to := range []string{"", recipient(t)} {
		b := encode(t, config(t), org(t), to)
		for n := range b {
			_, err := bundle.ReadHead(b[:n], trust(t))
			refused(t, fmt.Sprintf("%d of %d bytes", n, len(b)), err, bundle.ErrTruncated)
		}
	}
	c := config(t)
	c.Docs.Node = strings.Repeat("# a long comment\n", 55000)
	b := encode(t, c, org(t), "")
	for n := 0; n < len(b); n += 1 << 10 {
		_, err := bundle.ReadHead(b[:n], trust(t))
		refused(t, fmt.Sprintf("%d of %d bytes", n, len(b)), err, bundle.ErrTruncated)
	}
}

func TestSystemCutAnywhereSaysSo(t *testing.T) {
	b := system(t, picture(1<<20), org(t))
	check := func(n int) {
		_, err := openSystem(b[:n], trust(t))
		refused(t, fmt.Sprintf("%d of %d bytes", n, len(b)), err, bundle.ErrTruncated)
	}
	for n := range 1 << 10 {
		check(n)
	}
	for n := 1 << 10; n < len(b); n += 1 << 10 {
		check(n)
	}
}

func TestNoChangedByteGetsThrough(t *testing.T) {
	b := encode(t, config(t), org(t), recipient(t))
	for i := range b {
		for _, bit := range []byte{1, 0x20, 0x80} {
			c := bytes.Clone(b)
			c[i] ^= bit
			_, err := bundle.ReadHead(c, trust(t))
			refused(t, fmt.Sprintf("byte %d ^ %#x", i, bit), err,
				bundle.ErrNotBundle, bundle.ErrNewer, bundle.ErrKind, bundle.ErrUntrusted, bundle.ErrSignature, bundle.ErrDamaged, bundle.ErrTruncated, bundle.ErrTooLarge)
		}
	}
	b = system(t, picture(2000), org(t))
	for i := range b {
		c := bytes.Clone(b)
		c[i] ^= 1
		f, err := openSystem(c, trust(t))
		if err == nil {
			err = f.Check(t.Context(), nil)
		}
		refused(t, fmt.Sprintf("system, byte %d", i), err,
			bundle.ErrNotBundle, bundle.ErrNewer, bundle.ErrKind, bundle.ErrUntrusted, bundle.ErrSignature, bundle.ErrDamaged, bundle.ErrTruncated)
	}
}

func TestWhatIsBehindTheEndIsRefused(t *testing.T) {
	_, err := bundle.ReadHead(append(encode(t, config(t), org(t), ""), 0), trust(t))
	refused(t, "config", err, bundle.ErrDamaged)
	_, err = openSystem(append(system(t, picture(5000), org(t)), 0), trust(t))
	refused(t, "system", err, bundle.ErrDamaged)
}

func TestOtherFilesAreToldAsSuch(t *testing.T) {
	config, system := encode(t, config(t), org(t), ""), system(t, picture(5000), org(t))
	key, err := org(t).Public().MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]struct {
		read   func([]byte, []bundle.Key) error
		b      []byte
		reason error
	}{
		"a picture":                {readHead, []byte("\x89PNG\r\n\x1a\n plus what follows in a picture, which is a lot"), bundle.ErrNotBundle},
		"zeros":                    {readHead, make([]byte, 4096), bundle.ErrNotBundle},
		"nothing":                  {readHead, nil, bundle.ErrTruncated},
		"a key":                    {readHead, key, bundle.ErrNotBundle},
		"a later envelope":         {readHead, append([]byte{0xd2, 0x84, 0x58, 0x60, 0xa4, 0x01, 0x38, 0x31, 0x03, 0x78, 0x25}, "application/vnd.longwire.config+cbor and so on"...), bundle.ErrNewer},
		"a system as settings":     {readHead, system, bundle.ErrKind},
		"a manifest as settings":   {readHead, system[12:], bundle.ErrKind},
		"settings as a system":     {readSystem, config, bundle.ErrKind},
		"zeros as a system":        {readSystem, make([]byte, 4096), bundle.ErrNotBundle},
		"nothing as a system":      {readSystem, nil, bundle.ErrTruncated},
		"a key as a system":        {readSystem, key, bundle.ErrNotBundle},
		"settings in a system":     {readSystem, append(bundle.Preamble(len(config)), config...), bundle.ErrDamaged},
		"a manifest without end":   {readSystem, append(bundle.Preamble(uint32(1<<31)), system[12:]...), bundle.ErrDamaged},
		"more than settings have":  {readHead, make([]byte, bundle.MaxConfig+1), bundle.ErrTooLarge},
		"settings of a gigantic n": {readHead, append(bytes.Clone(config[:82]), 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), bundle.ErrTooLarge},
	} {
		refused(t, name, f.read(f.b, trust(t)), f.reason)
	}
}

func readHead(b []byte, trust []bundle.Key) error {
	v, err := bundle.ReadHead(b, trust)
	if err == nil {
		_, err = v.Config(identity)
	}
	return err
}

func readSystem(b []byte, trust []bundle.Key) error {
	_, err := openSystem(b, trust)
	return err
}

func TestOnlyTrustedKeysAreObeyed(t *testing.T) {
	b := encode(t, config(t), stranger(t), "")
	_, err := bundle.ReadHead(b, trust(t))
	refused(t, "a stranger's", err, bundle.ErrUntrusted)
	if !strings.Contains(err.Error(), stranger(t).Public().ID()) || !strings.Contains(err.Error(), org(t).Public().ID()) {
		t.Errorf("it does not say who: %v", err)
	}
	_, err = openSystem(system(t, picture(5000), stranger(t)), trust(t))
	refused(t, "a stranger's system", err, bundle.ErrUntrusted)
	// A key with our name is not ours, and one that says it is ours has to sign like it.
	b = encode(t, config(t), stranger(t), "")
	copy(b[bytes.Index(b, stranger(t).Public().Public):], org(t).Public().Public)
	_, err = bundle.ReadHead(b, trust(t))
	refused(t, "another key id", err, bundle.ErrSignature)
	if _, err := bundle.ReadHead(encode(t, config(t), stranger(t), ""), append(trust(t), stranger(t).Public())); err != nil {
		t.Errorf("two trusted keys: %v", err)
	}
}

func TestFirstUseTellsWhoSigned(t *testing.T) {
	v, err := bundle.ReadHead(encode(t, config(t), stranger(t), ""), nil)
	if err != nil || !v.FirstUse || !v.Key.Equal(stranger(t).Public()) || v.Key.Name != "Somebody Else" {
		t.Errorf("%+v, %v", v, err)
	}
	f, err := openSystem(system(t, picture(5000), stranger(t)), nil)
	if err != nil || !f.FirstUse || !f.Key.Equal(stranger(t).Public()) || f.Key.Name != "Somebody Else" {
		t.Errorf("%+v, %v", f, err)
	}
	b := encode(t, config(t), stranger(t), "")
	b[len(b)-1] ^= 1
	_, err = bundle.ReadHead(b, nil)
	refused(t, "a wrong signature at first use", err, bundle.ErrSignature)
	if v, err = bundle.ReadHead(encode(t, config(t), org(t), ""), trust(t)); err != nil || v.FirstUse {
		t.Errorf("later: %+v, %v", v, err)
	}
}

// good is a payload as Encode makes it, as a map to spoil.
func good() map[any]any {
	return map[any]any{0: 1, 1: 1, 2: 7, 6: "Example Relief", 16: "field", 19: docs(nil)}
}

func docs(more map[any]any) []byte {
	m := map[any]any{0: 1, 1: "domains = []\n"}
	for k, v := range more {
		m[k] = v
	}
	return pack(m)
}

func goodSystem() map[any]any {
	return map[any]any{0: 1, 1: 2, 2: 7, 3: map[any]any{4: "rpi4"}, 16: "1.0", 17: 5000, 18: make([]byte, 32), 19: 4, 20: make([]byte, 32), 21: "zstd"}
}

func pack(v any) []byte {
	m, err := cbor.EncOptions{Sort: cbor.SortCoreDeterministic}.EncMode()
	if err != nil {
		panic(err)
	}
	b, err := m.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func signConfig(t *testing.T, payload []byte) []byte {
	t.Helper()
	b, err := bundle.SignConfig(payload, org(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func signSystem(t *testing.T, payload []byte) []byte {
	t.Helper()
	b, err := bundle.SignSystem(payload, org(t))
	if err != nil {
		t.Fatal(err)
	}
	return append(append(bundle.Preamble(len(b)), b...), "data"...)
}

// What is signed rightly and wrongly made is refused, and the field is named.
func TestWronglyMadeBundlesAreToldByField(t *testing.T) {
	if err := readHead(signConfig(t, pack(good())), trust(t)); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	if err := readSystem(signSystem(t, pack(goodSystem())), trust(t)); err != nil {
		t.Fatalf("the good system: %v", err)
	}
	long := strings.Repeat("x", 2000)
	for _, c := range []struct {
		key, value any // in the payload; a value of nil takes the key out
		reason     error
		words      string
	}{
		{0, nil, bundle.ErrInvalid, "no version"},
		{0, 2, bundle.ErrNewer, "is of version 2, and this system knows 1"},
		{0, "1", bundle.ErrInvalid, `"version" must be a number, and is text`},
		{1, 2, bundle.ErrInvalid, "it says system"},
		{1, uint64(1) << 40, bundle.ErrInvalid, "it says kind 255"},
		{2, nil, bundle.ErrInvalid, "counter 0"},
		{2, -1, bundle.ErrInvalid, `"counter" must be a number, and is a negative number`},
		{2, 1.5, bundle.ErrInvalid, `"counter" must be a number, and is a fraction`},
		{2, uint64(1) << 63, bundle.ErrInvalid, "counter"},
		{3, "field", bundle.ErrInvalid, `"target" must be a table, and is text`},
		{3, map[any]any{"x": 1}, bundle.ErrInvalid, `"target"`},
		{3, map[any]any{1: 5}, bundle.ErrInvalid, `"target.kit_id" must be text, and is a number`},
		{3, map[any]any{2: "../../etc"}, bundle.ErrInvalid, "the kit's name"},
		{3, map[any]any{5: "x"}, bundle.ErrNewer, "field 5"},
		{4, "today", bundle.ErrInvalid, `"created"`},
		{5, long, bundle.ErrInvalid, `"note" has 2000 bytes`},
		{6, "evil\x1b[2J", bundle.ErrInvalid, "not plain text"},
		{7, true, bundle.ErrNewer, "field 7"},
		{16, nil, bundle.ErrInvalid, "the kit has no name"},
		{16, []byte("field"), bundle.ErrInvalid, `"name" must be text, and is bytes`},
		{16, "Field", bundle.ErrInvalid, "small letters"},
		{16, "field\n", bundle.ErrInvalid, "small letters"},
		{16, "..", bundle.ErrInvalid, "small letters"},
		{17, false, bundle.ErrInvalid, `"fleet"`},
		{18, map[any]any{}, bundle.ErrInvalid, `"trust" must be a list, and is a table`},
		{18, []any{map[any]any{1: []byte("short")}}, bundle.ErrInvalid, "a public key has 32 bytes, not 5"},
		{18, []any{1, 2}, bundle.ErrInvalid, `"trust"`},
		{18, make([]any, 1000), bundle.ErrInvalid, "too many parts"},
		{19, "text", bundle.ErrInvalid, `"documents" must be bytes, and is text`},
		{19, nil, bundle.ErrInvalid, "either open or sealed"},
		{20, []byte("age"), bundle.ErrInvalid, "either open or sealed"},
		{19, []byte{}, bundle.ErrInvalid, "it is not CBOR"},
		{19, docs(map[any]any{0: 9}), bundle.ErrNewer, "version 9"},
		{19, docs(map[any]any{1: 1}), bundle.ErrInvalid, `"longwire.toml" must be text, and is a number`},
		{19, docs(map[any]any{1: "a\x00b"}), bundle.ErrInvalid, "not text"},
		{19, docs(map[any]any{2: []byte("a")}), bundle.ErrInvalid, `"s5066d.toml"`},
		{19, docs(map[any]any{4: []byte("cert")}), bundle.ErrInvalid, "both a certificate and"},
		{19, docs(map[any]any{7: "x"}), bundle.ErrNewer, "field 7"},
		{"name", "field", bundle.ErrInvalid, "numbers as keys"},
		{-1, "field", bundle.ErrInvalid, "numbers as keys"},
		{21, cbor.Tag{Number: 0, Content: "x"}, bundle.ErrInvalid, "a CBOR tag"},
		{21, []any{[]any{[]any{[]any{[]any{}}}}}, bundle.ErrInvalid, "too many parts"},
	} {
		m := good()
		if m[c.key] = c.value; c.value == nil {
			delete(m, c.key)
		}
		err := readHead(signConfig(t, pack(m)), trust(t))
		refused(t, fmt.Sprintf("%v: %v", c.key, c.value), err, c.reason)
		if err != nil && !strings.Contains(err.Error(), c.words) {
			t.Errorf("%v: %.40v: it says %q, without %q", c.key, c.value, err, c.words)
		}
	}
	for _, c := range []struct {
		key, value any
		reason     error
		words      string
	}{
		{0, 2, bundle.ErrNewer, "is of version 2"},
		{1, 1, bundle.ErrInvalid, "it says config"},
		{3, nil, bundle.ErrInvalid, "must be for a board"},
		{16, nil, bundle.ErrInvalid, "must have a version"},
		{17, 0, bundle.ErrInvalid, "an image of 0 bytes"},
		{17, uint64(1) << 63, bundle.ErrInvalid, "cannot be"},
		{18, nil, bundle.ErrInvalid, `"image digest" must have 32 bytes, and has 0`},
		{18, make([]byte, 31), bundle.ErrInvalid, `"image digest"`},
		{19, 3, bundle.ErrDamaged, "1 bytes behind the end"},
		{19, 5, bundle.ErrTruncated, "1 of its"},
		{20, make([]byte, 33), bundle.ErrInvalid, `"payload digest" has 33 bytes`},
		{21, "xz", bundle.ErrNewer, `compressed by "xz"`},
		{22, 1, bundle.ErrInvalid, `"downgrade" must be yes or no, and is a number`},
		{22, cbor.SimpleValue(22), bundle.ErrInvalid, `"downgrade" must be yes or no, and is nothing`},
		{23, "one", bundle.ErrInvalid, `"store format"`},
		{24, 2, bundle.ErrInvalid, "the oldest store format 2"},
		{25, "x", bundle.ErrNewer, "field 25"},
	} {
		m := goodSystem()
		if m[c.key] = c.value; c.value == nil {
			delete(m, c.key)
		}
		err := readSystem(signSystem(t, pack(m)), trust(t))
		refused(t, fmt.Sprintf("system %v: %v", c.key, c.value), err, c.reason)
		if err != nil && !strings.Contains(err.Error(), c.words) {
			t.Errorf("system %v: %.40v: it says %q, without %q", c.key, c.value, err, c.words)
		}
	}
}

func TestFieldsThatMayBeIgnoredAre(t *testing.T) {
	m := good()
	m[128], m[4000] = "new", []any{1, 2}
	if err := readHead(signConfig(t, pack(m)), trust(t)); err != nil {
		t.Error(err)
	}
}

// What a decoder of another kind might take is refused.
func TestLooseEncodingsAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"a key twice":            "a3 00 01 00 01 01 01",
		"an indefinite map":      "bf 00 01 01 01 ff",
		"an indefinite string":   "a2 00 01 10 7f 61 61 ff",
		"no map":                 "83 01 02 03",
		"null":                   "f6",
		"bytes behind it":        "a1 00 01 00",
		"text that is not UTF-8": "a2 00 01 10 61 ff",
		"a map that is cut":      "a5 00 01 01 01",
		"nothing":                "",
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if len(b) == 0 {
			b = []byte{}
		}
		refused(t, name, readHead(signConfig(t, b), trust(t)), bundle.ErrInvalid)
	}
}

func TestNoiseIsRefused(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		b := make([]byte, r.IntN(400))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		if err := readHead(b, trust(t)); err == nil {
			t.Fatalf("%x passed", b)
		}
		if err := readSystem(b, trust(t)); err == nil {
			t.Fatalf("%x passed", b)
		}
	}
}
