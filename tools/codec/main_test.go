package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const traffic1 = `{"s":0,"d":"AB","k":"msg-chat","x":"<message from='a@x.test/r1' id='b3e1a1a2-6d2c-4a51-9c83-0f7a52d1e001' to='b@y.test/r2' type='chat'><body>The convoy left at six and is on its way</body></message>"}
{"s":0,"d":"BA","k":"receipt","x":"<message from='b@y.test/r2' id='b3e1a1a2-6d2c-4a51-9c83-0f7a52d1e002' to='a@x.test/r1'><received id='b3e1a1a2-6d2c-4a51-9c83-0f7a52d1e001' xmlns='urn:xmpp:receipts'/></message>"}

{"s":0,"d":"AB","k":"sm-r","x":"<r xmlns='urn:xmpp:sm:3'/>"}
`

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "traffic.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func call(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	var o, e bytes.Buffer
	code = program().Run(args, &o, &e)
	return code, o.String(), e.String()
}

func TestMeasurePrintsARowOfEachMethod(t *testing.T) {
	code, out, errs := call(t, "measure", file(t, traffic1))
	if code != 0 {
		t.Fatal(errs)
	}
	for _, m := range methods() {
		if strings.Count(out, m.name) < 2 {
			t.Errorf("no row of %s in\n%s", m.name, out)
		}
	}
	if !strings.Contains(out, class35) {
		t.Errorf("the message of 40 characters is not counted in\n%s", out)
	}
}

func TestAMalformedLineIsNamed(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`{"s":0`, "JSON"},
		{`{"d":"AB","k":"x","x":"<iq/>"}`, "session"},
		{`{"s":0,"d":"up","k":"x","x":"<iq/>"}`, "direction"},
		{`{"s":0,"d":"AB","x":"<iq/>"}`, "kind"},
		{`{"s":0,"d":"AB","k":"x"}`, "stanza"},
		{`{"s":0,"d":"AB","k":"x","x":"<iq>"}`, "XML"},
		{`{"s":0,"d":"AB","k":"x","x":"<iq/><iq/>"}`, "elements"},
		{`{"s":0,"d":"AB","k":"x","x":"<odd/>"}`, "message, presence or iq"},
		{`{"s":"0","d":"AB","k":"x","x":"<iq/>"}`, "s is a JSON string"},
		{`[]`, "the line is a JSON array"},
		{"\xff\xfe\x00", "JSON"},
		{strings.Repeat("x", longest+1), "longer than"},
	} {
		path := file(t, traffic1+c.line+"\n")
		code, _, errs := call(t, "measure", path)
		if code != 1 || !strings.Contains(errs, path+":5: ") || !strings.Contains(errs, c.want) {
			t.Errorf("%s: %d %q", c.line, code, errs)
		}
	}
}

func TestFilesAsEditorsLeaveThem(t *testing.T) {
	odd := `{"s":0,"d":"AB","k":"x","x":"<message a='1\n2'><body>3\n<![CDATA[<\n>]]></body></message>"}`
	path := file(t, "\ufeff"+strings.ReplaceAll(traffic1+odd+"\n", "\n", "\r\n"))
	if code, _, errs := call(t, "measure", "--only", "mix", path); code != 0 {
		t.Error(errs)
	}
}

func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	empty, dir := file(t, "\n"), t.TempDir()
	for _, c := range []struct {
		want string
		args []string
	}{
		{"no stanza", []string{"measure", empty}},
		{"directory", []string{"measure", dir}},
		{"no such file", []string{"measure", dir + "/none"}},
		{"no method", []string{"measure", "--only", "zstd", empty}},
		{"no vector", []string{"vectors", file(t, "")}},
		{"1 or more", []string{"soak", "--count", "0"}},
	} {
		code, _, errs := call(t, c.args...)
		if code == 0 || !strings.Contains(errs, c.want) || strings.Contains(errs, "codec: codec:") {
			t.Errorf("%v: %d %q", c.args, code, errs)
		}
	}
}

func TestMeaningIsComparedNotSpelling(t *testing.T) {
	a := `<message from='a@x.test' to='b@y.test'><body>1 &lt; 2</body><x xmlns='n'/></message>`
	for _, c := range []struct {
		b    string
		same bool
	}{
		{`<message to="b@y.test" from="a@x.test"><body>1 &#60; 2</body><p:x xmlns:p='n'></p:x></message>`, true},
		{`<message to='b@y.test' from='a@x.test'><body>1 &lt; 2</body><x xmlns='m'/></message>`, false},
		{`<message to='b@y.test' from='a@x.test'><body>1 &lt; 2 </body><x xmlns='n'/></message>`, false},
		{`<message to='b@y.test' from='a@x.test'><body>1 &lt; 2</body><x xmlns=''/></message>`, false},
		{`<message to='b@y.test' from='a@x.test'><x xmlns='n'/><body>1 &lt; 2</body></message>`, false},
	} {
		if err := same([]byte(a), []byte(c.b)); (err == nil) != c.same {
			t.Errorf("%s: %v", c.b, err)
		}
	}
}

func TestSkeletonsMaskWhatTemplatesAreFilledWith(t *testing.T) {
	for _, c := range []struct{ a, b string }{
		{"Convoy of 20 vehicles left Camp Lindgren at 1200", "convoy of two TANKERS left the dam at 12:15"},
		{"Weather at Hill 238: heavy snow", "weather at LZ Sparrow: dry"},
	} {
		if a, b := skeleton(c.a), skeleton(c.b); a != b && !strings.Contains(b, "the") {
			t.Errorf("%q and %q", a, b)
		}
	}
	if a, b := skeleton("He left an hour ago"), skeleton("Who left the keys here"); a == b {
		t.Errorf("both are %q", a)
	}
}

func TestTrainTellsWhatPhrasesSave(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.jsonl": traffic1, "plain-english.txt": "the tide turns at noon\n", "LICENSE": "free\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	phrases, into := file(t, "The convoy left at six\n"), t.TempDir()
	code, out, errs := call(t, "train", "--phrases", phrases, "--into", into, dir)
	if code != 0 || !strings.Contains(out, "with phrases") {
		t.Fatalf("%d %s\n%s", code, errs, out)
	}
	for _, name := range []string{"data.z", "LICENSE"} {
		if _, err := os.Stat(filepath.Join(into, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestRandomStanzasComeBack(t *testing.T) {
	for _, method := range []string{"light", "mix"} {
		if code, _, errs := call(t, "soak", "--method", method, "--count", "300", "--seed", "3"); code != 0 {
			t.Errorf("%s: %s", method, errs)
		}
	}
}
