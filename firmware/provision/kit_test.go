package provision

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longwire/board"
	"longwire/images/bundle"
)

// node is a longwire.toml that a kit could run on.
const node = `domains = ["field.net"]
[clients]
listen = ["127.0.0.1:0"]
direct_tls = []
`

// fakeS5066D is a check that finds a fault where the document says so.
const fakeS5066D = `#!/bin/sh
[ "$1 $2" = "check --config" ] || exit 9
if /bin/grep -q wrong "$3"; then echo "$3:1: address: it is wrong"; exit 1; fi
exit 0
`

// bench is a kit with its makers.
type bench struct {
	testing.TB
	o   Options
	org bundle.Signer
}

func signer(t testing.TB, name string) bundle.Signer {
	t.Helper()
	s, err := bundle.NewSigner(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newBench(t testing.TB) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{TB: t, org: signer(t, "Headquarters"), o: Options{
		Data: filepath.Join(dir, "data"), S5066D: filepath.Join(dir, "s5066d"), Scratch: dir, Board: "qemu-aarch64",
	}}
	if err := os.Mkdir(b.o.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.o.S5066D, []byte(fakeS5066D), 0o700); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) open() *Kit {
	b.Helper()
	k, err := Open(b.o)
	if err != nil {
		b.Fatal(err)
	}
	return k
}

// settings is a bundle's content for the kit "field".
func settings(counter uint64) bundle.Config {
	return bundle.Config{Head: bundle.Head{Counter: counter, Target: bundle.Target{Name: "field"}}, Name: "field", Fleet: "blue",
		Docs: bundle.Documents{Node: node + fmt.Sprintf("# number %d\n", counter)}}
}

func (b *bench) encode(c bundle.Config, s bundle.Signer, recipient string) []byte {
	b.Helper()
	raw, err := c.Encode(s, recipient)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

// plan judges a bundle that must be good.
func (b *bench) plan(k *Kit, raw []byte, anew bool) *Plan {
	b.Helper()
	verdict, _, plan, err := k.Judge(raw, anew)
	if err != nil || verdict != Ready {
		b.Fatalf("verdict %d, %v", verdict, err)
	}
	return plan
}

// keep applies a bundle for good.
func (b *bench) keep(k *Kit, raw []byte) {
	b.Helper()
	if err := errors.Join(k.Apply(b.plan(k, raw, true)), k.Keep()); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) document(k *Kit, want string) {
	b.Helper()
	if doc, err := k.Document(NodeFile); err != nil || !strings.Contains(string(doc), want) {
		b.Errorf("in force is %q, %v; want %q", doc, err, want)
	}
}

// stick makes a folder that plays a stick.
func (b *bench) stick(files map[string][]byte) *board.Stick {
	b.Helper()
	dir := b.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	s, err := board.FolderStick(dir)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Unmount() })
	return s
}

// snapshot is every byte, name and mode of a folder.
func snapshot(t testing.TB, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		fmt.Fprintf(&out, "%s %v ", rel, st.Mode())
		switch {
		case st.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			fmt.Fprintln(&out, "->", target)
			return err
		case st.Mode().IsRegular():
			b, err := os.ReadFile(path)
			fmt.Fprintln(&out, hexSum(b))
			return err
		}
		fmt.Fprintln(&out)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestANewKitHasAKeyForLife(t *testing.T) {
	b := newBench(t)
	k := b.open()
	id, key := k.ID(), k.PublicKey()
	if !strings.HasPrefix(id, "kit-") || !strings.HasPrefix(key, "age1") || !k.Virgin() || k.Name() != id {
		t.Errorf("a new kit: %s %s %v", id, key, k.Virgin())
	}
	if k := b.open(); k.ID() != id || k.PublicKey() != key {
		t.Errorf("opened again: %s %s", k.ID(), k.PublicKey())
	}
	if st, err := os.Stat(filepath.Join(k.root, keyName)); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", st.Mode(), err)
	}
}

func TestApplyTrialKeep(t *testing.T) {
	b := newBench(t)
	k := b.open()
	if err := k.Apply(b.plan(k, b.encode(settings(1), b.org, k.PublicKey()), false)); err != nil {
		t.Fatal(err)
	}
	k = b.open()
	if m := k.Meta(); m.Trial == nil || m.Trial.Previous != 0 || m.Name != "field" || m.Fleet != "blue" || m.Number != 1 {
		t.Fatalf("on trial: %+v", m)
	}
	if err := k.Keep(); err != nil {
		t.Fatal(err)
	}
	k = b.open()
	if m := k.Meta(); m.Trial != nil || m.Counter != 1 || len(m.Trust) != 1 {
		t.Errorf("kept: %+v", m)
	}
	b.document(k, "# number 1")
	b.keep(k, b.encode(settings(2), b.org, ""))
	b.document(b.open(), "# number 2")
	if len(k.generations()) > 2 {
		t.Errorf("generations %v lie about", k.generations())
	}
}

func TestUndoGoesBackAndRemembers(t *testing.T) {
	b := newBench(t)
	k := b.open()
	b.keep(k, b.encode(settings(1), b.org, ""))
	bad := b.encode(settings(2), b.org, "")
	if err := errors.Join(k.Apply(b.plan(k, bad, true)), k.Undo([]string{"the node does not answer"})); err != nil {
		t.Fatal(err)
	}
	k = b.open()
	b.document(k, "# number 1")
	if m := k.Meta(); m.Counter != 2 || m.Number != 1 || !m.failed(b.digest(bad)) || m.Trial != nil {
		t.Errorf("undone: %+v", m)
	}
	// The stick is still plugged in.
	if v, _, _, err := k.Judge(bad, false); v != Bad || err == nil || !strings.Contains(err.Error(), "tried it already") || !strings.Contains(err.Error(), "the node does not answer") {
		t.Errorf("again: %v, %v", v, err)
	}
	// A person has plugged it in again.
	b.keep(k, bad)
	b.document(k, "# number 2")
	if m := k.Meta(); m.failed(b.digest(bad)) {
		t.Error("it is still held to have failed")
	}
}

func (b *bench) digest(raw []byte) string { return hexSum(raw) }

func TestUndoOfTheFirstBundleLeavesAVirginKit(t *testing.T) {
	b := newBench(t)
	k := b.open()
	raw := b.encode(settings(5), b.org, "")
	if err := errors.Join(k.Apply(b.plan(k, raw, false)), k.Undo(nil)); err != nil {
		t.Fatal(err)
	}
	k = b.open()
	if m := k.Meta(); !k.Virgin() || len(m.Trust) != 0 || k.Has(NodeFile) {
		t.Fatalf("undone: %+v", m)
	}
	if v, _, _, err := k.Judge(b.encode(settings(4), b.org, ""), true); v != Bad {
		t.Errorf("an older one of the same organisation: %v, %v", v, err)
	}
	if v, _, _, err := k.Judge(b.encode(settings(1), signer(t, "Others"), ""), true); v != Ready {
		t.Errorf("another organisation's first one: %v, %v", v, err)
	}
}

func TestATrialHasThreeStarts(t *testing.T) {
	b := newBench(t)
	k := b.open()
	if err := k.Apply(b.plan(k, b.encode(settings(1), b.org, ""), false)); err != nil {
		t.Fatal(err)
	}
	for start := 1; start <= MaxBoots; start++ {
		k = b.open()
		if over, err := k.Boot(); over || err != nil || k.Trial().Boots != start {
			t.Fatalf("start %d: over %v, %v, %+v", start, over, err, k.Trial())
		}
	}
	if over, err := b.open().Boot(); !over || err != nil {
		t.Errorf("after %d starts: over %v, %v", MaxBoots, over, err)
	}
}

func TestAnchorsOfTheImageAreTheOnlyOnes(t *testing.T) {
	b := newBench(t)
	b.o.Anchors = []bundle.Key{b.org.Public()}
	k := b.open()
	other := signer(t, "Others")
	if v, _, _, err := k.Judge(b.encode(settings(1), other, ""), true); v != Bad || err == nil {
		t.Errorf("a stranger on a virgin kit: %v, %v", v, err)
	}
	c := settings(1)
	c.Trust = []bundle.Key{other.Public()}
	if v, _, _, err := k.Judge(b.encode(c, b.org, ""), true); v != Bad || !strings.Contains(fmt.Sprint(err), "does not accept") {
		t.Errorf("giving the kit away: %v, %v", v, err)
	}
	b.keep(k, b.encode(settings(1), b.org, ""))
}

func TestTrustPassesOn(t *testing.T) {
	b := newBench(t)
	k := b.open()
	b.keep(k, b.encode(settings(1), b.org, ""))
	next := signer(t, "Next")
	c := settings(2)
	c.Trust = []bundle.Key{next.Public()}
	b.keep(k, b.encode(c, b.org, ""))
	if v, _, _, _ := k.Judge(b.encode(settings(3), b.org, ""), true); v != Bad {
		t.Errorf("the old key: %v", v)
	}
	b.keep(k, b.encode(settings(3), next, ""))
}

func TestADamagedGenerationGivesWayToTheOneBefore(t *testing.T) {
	b := newBench(t)
	k := b.open()
	b.keep(k, b.encode(settings(1), b.org, ""))
	b.keep(k, b.encode(settings(2), b.org, ""))
	path := filepath.Join(k.Current(), NodeFile)
	if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	k = b.open()
	if doc, err := k.Document(NodeFile); err != nil || !bytes.HasPrefix(doc, []byte("domains")) {
		t.Errorf("after the damage: %q, %v", doc, err)
	}
	if m := k.Meta(); m.Trial != nil || len(m.Trust) == 0 {
		t.Errorf("after the damage: %+v", m)
	}
}

func TestResetForgetsAllButTheClock(t *testing.T) {
	b := newBench(t)
	k := b.open()
	id := k.ID()
	b.keep(k, b.encode(settings(1), b.org, ""))
	for name, text := range map[string]string{"longwire/longwire.db": "messages", "kit/clock": "1790000000\n"} {
		path := filepath.Join(b.o.Data, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(Reset(b.o.Data), FinishReset(b.o.Data)); err != nil {
		t.Fatal(err)
	}
	if got := snapshot(t, b.o.Data); strings.Count(got, "\n") != 3 || !strings.Contains(got, "kit/clock") {
		t.Errorf("left:\n%s", got)
	}
	k = b.open()
	if !k.Virgin() || k.ID() == id {
		t.Errorf("after the reset: %s, virgin %v", k.ID(), k.Virgin())
	}
}

func TestReportsAreBounded(t *testing.T) {
	b := newBench(t)
	k := b.open()
	for i := range maxReports + 5 {
		if err := k.File(k.Text(&Report{Done: fmt.Sprint("Number ", i)})); err != nil {
			t.Fatal(err)
		}
	}
	same := k.Text(&Report{Done: fmt.Sprint("Number ", maxReports+4)})
	if err := k.File(same); err != nil {
		t.Fatal(err)
	}
	if all := k.reports(); len(all) != maxReports || all[len(all)-1] != maxReports+5 {
		t.Errorf("reports %v", all)
	}
	if last, err := k.LastReport(); err != nil || last != same {
		t.Errorf("the last: %q, %v", last, err)
	}
}

func TestReportSaysAllInPlainWords(t *testing.T) {
	b := newBench(t)
	k := b.open()
	r := &Report{Stick: "USB stick /dev/sda1, vfat", Software: "v1, slot A"}
	f := k.Look(b.stick(map[string][]byte{"a\x1b[2Jb.lwb": []byte("nonsense"), "._hidden.lwb": {}, "notes.txt": {}}), true)
	r.Describe(f)
	r.Refused = f.Problem
	text := k.Text(r)
	for _, want := range []string{k.ID(), k.PublicKey(), "v1, slot A", "USB stick /dev/sda1", "a·[2Jb.lwb: this is not a Longwire bundle", "REFUSED, nothing was changed", "what to do"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "hidden") || strings.ContainsRune(text, '\x1b') || strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\n") {
		t.Errorf("the report:\n%q", text)
	}
}

func TestBundlesForOthersAreLeftAlone(t *testing.T) {
	b := newBench(t)
	k := b.open()
	b.keep(k, b.encode(settings(1), b.org, ""))
	other := settings(9)
	other.Name, other.Target.Name = "second", "second"
	s := b.stick(map[string][]byte{"second.lwb": b.encode(other, b.org, ""), "FIELD.LWB": b.encode(settings(2), b.org, ""), "._field.lwb": []byte("x")})
	f := k.Look(s, true)
	if f.Problem != nil || f.Plan == nil || f.File != "FIELD.LWB" || len(f.Configs) != 2 {
		t.Fatalf("%+v", f)
	}
	if i := slices.IndexFunc(f.Configs, func(c Found) bool { return c.Verdict == Foreign }); i < 0 || !strings.Contains(f.Configs[i].describe(), `left alone: it is for the kit "second"`) {
		t.Errorf("%+v", f.Configs)
	}
}

func TestANewKitAmongManyBundlesTakesTheOneForItsID(t *testing.T) {
	b := newBench(t)
	k := b.open()
	second := settings(1)
	second.Name, second.Target.Name = "second", "second"
	files := map[string][]byte{"field.lwb": b.encode(settings(1), b.org, ""), "second.lwb": b.encode(second, b.org, "")}
	if f := k.Look(b.stick(files), true); f.Plan != nil || f.Problem == nil || !strings.Contains(f.Problem.Problem, "has no name yet") {
		t.Errorf("two names: %+v", f)
	}
	third := settings(1)
	third.Name, third.Target = "third", bundle.Target{KitID: k.ID()}
	files["third.lwb"] = b.encode(third, b.org, k.PublicKey())
	f := k.Look(b.stick(files), true)
	if f.Problem != nil || f.Plan == nil || f.File != "third.lwb" {
		t.Fatalf("one for its id: %+v", f)
	}
	r := &Report{}
	r.Describe(f)
	if text := k.Text(r); strings.Count(text, "left alone: it is for a kit named") != 2 {
		t.Errorf("the report:\n%s", text)
	}
}

// The program that judges s5066d.toml on a kit is the one that runs on it.
func TestTheRealS5066DJudges(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds s5066d")
	}
	b := newBench(t)
	if err := os.Remove(b.o.S5066D); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", b.o.S5066D, "longwire/tools/s5066d")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	k := b.open()
	c := settings(1)
	c.Docs.SIS = "address = \"1.1.0.1\"\nspeed = 7\n"
	if v, _, _, err := k.Judge(b.encode(c, b.org, ""), true); v != Bad || !strings.Contains(fmt.Sprint(err), "s5066d.toml:2: speed") {
		t.Errorf("a wrong one: %v, %v", v, err)
	}
	c.Docs.SIS = "address = \"1.1.0.1\"\n"
	b.keep(k, b.encode(c, b.org, ""))
	if !k.Has(SISFile) {
		t.Error("s5066d.toml is not in force")
	}
}
