package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longwire/firmware/config"
)

func TestEachFaultOfACodecIsTold(t *testing.T) {
	for _, c := range []struct{ name, peer, want string }{
		{"method", `codec.method = "zip"`, `n.toml:10: peer.codec.method: "zip" is unknown; write one of: auto, mix, light, none`},
		{"name", `codec.names = ["alice@x.net", "@"]`, `n.toml:10: peer.codec.names: "@" is not an address; write it as in "bob@field.net"`},
		{"phrase", `codec.phrases = ["ok", " "]`, `n.toml:10: peer.codec.phrases: " " is no text; take it out`},
		{"file", `codec.phrases_file = "none.txt"`, `n.toml:10: peer.codec.phrases_file: no such file or directory; write the name of a file with one phrase a line`},
		{"much", `codec.phrases = ["` + strings.Repeat("x", 300<<10) + `"]`, `n.toml:10: peer.codec: names, texts and phrases have 307200 bytes; keep to 262144`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := config.Parse("n.toml", []byte(hfWith("", c.peer)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestPhrasesOfAFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.txt"), []byte("# ours\nNothing heard\n\n  at the pier \r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(filepath.Join(dir, "n.toml"), []byte(hfWith("", "s5066.mapping = \"longwire\"\ncodec = { phrases = [\"one\"], phrases_file = \"p.txt\", names = [\"Bob@Field.Net\"] }")))
	if err != nil {
		t.Fatal(err)
	}
	codec := &c.Peers[0].Codec
	if got := codec.AllPhrases(); !slices.Equal(got, []string{"one", "Nothing heard", "at the pier"}) {
		t.Errorf("%q", got)
	}
	if codec.Names[0] != "bob@field.net" || len(c.Warnings) > 0 {
		t.Errorf("%q, %v", codec.Names, c.Warnings)
	}
	c, err = config.Parse(filepath.Join(dir, "n.toml"), []byte(hfWith("", `codec.phrases = ["one"]`)))
	if err != nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings.Error(), "no link on which they count") {
		t.Errorf("%v, %v", c.Warnings, err)
	}
}

// Over IP a codec is used by itself only where the configuration says that the peer is a Longwire node, and where thinking costs less than sending.
func TestCodecByItself(t *testing.T) {
	for _, tt := range []struct {
		link config.Link
		how  string
		want string
	}{
		{config.Link{Type: config.LinkIP, Compress: true, ZeroRTT: true, Class: "satcom"}, config.CodecAuto, config.CodecMix},
		{config.Link{Type: config.LinkIP, Compress: true, ZeroRTT: true, Rate: 9600}, config.CodecAuto, config.CodecMix},
		{config.Link{Type: config.LinkIP, Compress: true, ZeroRTT: true, Rate: 1_000_000}, config.CodecAuto, config.CodecNone},
		{config.Link{Type: config.LinkIP, Compress: true, ZeroRTT: true}, config.CodecAuto, config.CodecNone},
		{config.Link{Type: config.LinkIP, Compress: true, Class: "satcom", Rate: 9600}, config.CodecAuto, config.CodecNone},
		{config.Link{Type: config.LinkIP, ZeroRTT: true, Class: "satcom"}, config.CodecAuto, config.CodecNone},
		{config.Link{Type: config.LinkIP, Compress: true, ZeroRTT: true}, config.CodecLight, config.CodecLight},
	} {
		p := config.Peer{Codec: config.PeerCodec{Method: tt.how}}
		if got := new(config.Config).CodecOn(&tt.link, &p); got != tt.want {
			t.Errorf("%+v, %s: %s, want %s", tt.link, tt.how, got, tt.want)
		}
	}
}
