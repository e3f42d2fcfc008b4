package fmuc_test

import (
	"reflect"
	"strings"
	"testing"

	"longwire/xmpp/fmuc"
	"longwire/xmpp/markup"
)

const rooms = "chat.field.net"

func parseSync(t *testing.T, xml string) (fmuc.Sync, error) {
	t.Helper()
	e, err := markup.ParseElement([]byte(xml))
	if err != nil {
		t.Fatalf("%s: %v", xml, err)
	}
	return fmuc.ParseSync(e, rooms)
}

func TestSyncElementIsReadAsItWasWritten(t *testing.T) {
	for _, xml := range []string{
		"<s xmlns='urn:x-longwire:fmuc:0'/>",
		"<s xmlns='urn:x-longwire:fmuc:0' v='?C7VKMPUa5k' h='kx7A' m='20'>+Bob</s>",
		"<s xmlns='urn:x-longwire:fmuc:0' w=''>=</s>",
		"<s xmlns='urn:x-longwire:fmuc:0' v='?C7VKMPUa5k' w='C7WFu4K71' h='kx7A'>-Bob\t307\tnoise &amp; more\n+The Boss\tcarl\tmM\n&gt;Rob\tbob\t\tBobby</s>",
		"<s xmlns='urn:x-longwire:fmuc:0' f='C7VKMPUa5k C7WFu4K7b4'/>",
	} {
		s, err := parseSync(t, xml)
		if err != nil {
			t.Errorf("%s: %v", xml, err)
			continue
		}
		raw := string(s.Element(rooms).Raw)
		if again, err := parseSync(t, raw); err != nil || !reflect.DeepEqual(again, s) {
			t.Errorf("%s was written as %s: %+v, %v", xml, raw, again, err)
		}
	}
}

func TestBadSyncElementIsRefused(t *testing.T) {
	for _, in := range []string{"v='x'", "v='?C7VKMPUa'", "m='-1'", "m='many'", "h='" + strings.Repeat("x", 9) + "'", "f='!'", "w='C7VKMPUa0'"} {
		if s, err := parseSync(t, "<s xmlns='urn:x-longwire:fmuc:0' "+in+"/>"); err == nil {
			t.Errorf("%s was read as %+v", in, s)
		}
	}
	for _, text := range []string{"Bob", "+Bob\tx\tZ", "*Bob"} {
		if s, err := parseSync(t, "<s xmlns='urn:x-longwire:fmuc:0'>"+text+"</s>"); err == nil {
			t.Errorf("%q was read as %+v", text, s)
		}
	}
}

func FuzzParseSync(f *testing.F) {
	f.Add("<s xmlns='urn:x-longwire:fmuc:0' v='?C7VKMPUa5k' h='kx7A' m='20'>+Bob</s>")
	f.Add("<s xmlns='urn:x-longwire:fmuc:0' w='C7WFu4K71' f='C7VKMPUa5k'>=</s>")
	f.Fuzz(func(t *testing.T, xml string) {
		e, err := markup.ParseElement([]byte(xml))
		if err != nil {
			return
		}
		s, err := fmuc.ParseSync(e, rooms)
		if err != nil {
			return
		}
		raw := s.Element(rooms).Raw
		again, err := markup.ParseElement(raw)
		if err != nil {
			t.Fatalf("%q was written as %q: %v", xml, raw, err)
		}
		if _, err := fmuc.ParseSync(again, rooms); err != nil {
			t.Fatalf("%q was written as %q: %v", xml, raw, err)
		}
	})
}
