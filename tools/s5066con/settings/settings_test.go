package settings_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"longwire/tools/s5066con/settings"
)

func TestWhatIsSavedIsThereAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "longwire", "s5066con.json")
	s, err := settings.Load(path)
	if err != nil || len(s.Servers) != 0 {
		t.Fatal(s, err)
	}
	sap := uint8(0)
	s.Own = "hq"
	s.Put(settings.Server{Name: "a", Address: "x"})
	s.Put(settings.Server{Name: "A", Network: "vsock", Address: "2:5066", SAP: &sap, Mode: "non-arq", Broadcast: "16.0.0.5", Rate: 75, Goodput: 50})
	s.Stations = map[string]string{"1.1.0.2": "field"}
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := settings.Load(path)
	if err != nil || !reflect.DeepEqual(got, s) || len(got.Servers) != 1 || *got.Find("a").SAP != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if !got.Remove("a") || got.Remove("a") || got.Find("a") != nil {
		t.Error("it cannot be removed once")
	}
	if list, _ := os.ReadDir(filepath.Dir(path)); len(list) != 1 {
		t.Errorf("left behind: %v", list)
	}
}

func TestAFileOfVersion1IsRead(t *testing.T) {
	s, err := settings.Load("testdata/v1.json")
	if err != nil || s.Own != "hq" || len(s.Servers) != 2 || *s.Servers[1].SAP != 14 || s.Stations["1.1.0.2"] != "field" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestABadOrLaterFileIsLeftAlone(t *testing.T) {
	for text, says := range map[string]string{`{"version":2}`: "version 2", `{}`: "version 0", `x`: "mend it"} {
		path := filepath.Join(t.TempDir(), "s.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := settings.Load(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestServersAsTheyAreTyped(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.5": "tcp 10.0.0.5", "hq:7066": "tcp hq:7066", "tcp:hq:7066": "tcp hq:7066", "[::1]:5066": "tcp [::1]:5066",
		"serial:/dev/ttyUSB0@9600": "serial /dev/ttyUSB0@9600", "vsock:2:5066": "vsock 2:5066", "": "", "tcp:": "tcp tcp:", "a\nb": "",
	} {
		v, err := settings.Parse(text)
		if got := v.Network + " " + v.Address; (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
