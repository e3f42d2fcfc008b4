package telemetry

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"longwire/links/meter"
)

func TestFiguresAreInTheTextFormat(t *testing.T) {
	f := Figures{
		Sums: map[meter.Key]meter.Totals{
			{Peer: "hq", Link: "HF \"one\"\n", Kind: "chat", Class: "routine"}:           {Stanzas: 3, Raw: 900, Folded: 600, Compressed: 200, Wire: 240, Air: 7500 * time.Millisecond},
			{Peer: "hq", Link: "HF", Kind: "presence", Class: "presence", Dir: meter.In}: {Stanzas: 1, Wire: 20},
		},
		Queues:  []QueueFigure{{"hq", 5, 2, 1000, time.Minute}},
		Links:   []LinkFigure{{"HF", "hq", true}, {"SatCom", "hq", false}},
		Budgets: []meter.Standing{{Budget: meter.Budget{Peer: "hq"}, Spent: time.Minute}},
		Record:  State{Written: 7, Dropped: 1},
	}
	var b strings.Builder
	if _, err := f.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="([^"\\]|\\.)*"(,[a-z]+="([^"\\]|\\.)*")*\})? [0-9.e+-]+)$`)
	for _, l := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		if !line.MatchString(l) {
			t.Errorf("%q", l)
		}
	}
	for _, want := range []string{
		`longwire_air_seconds_total{peer="hq",link="HF \"one\"\n",dir="out",kind="chat",class="routine"} 7.5`,
		`longwire_bytes_total{peer="hq",link="HF",dir="in",kind="presence",class="presence",stage="wire"} 20`,
		`longwire_queue_stanzas{peer="hq",state="queued"} 3`, `longwire_link_up{link="HF",peer="hq"} 1`, `longwire_link_up{link="SatCom",peer="hq"} 0`,
		`longwire_budget_used_seconds{peer="hq"} 60`, `longwire_telemetry_lines_total{fate="lost"} 1`,
	} {
		if !strings.Contains(b.String(), want+"\n") {
			t.Errorf("missing %s in\n%s", want, b.String())
		}
	}
}
