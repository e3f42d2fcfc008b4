package main

import (
	"strings"
	"testing"
)

func TestTellTests(t *testing.T) {
	out := `{"Action":"run","Package":"longwire/links/vsock","Test":"TestA"}
{"Action":"output","Package":"longwire/links/vsock","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"longwire/links/vsock","Test":"TestA","Output":"    a_test.go:1: NOT TESTED: no kernel\n"}
{"Action":"output","Package":"longwire/links/vsock","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}
{"Action":"skip","Package":"longwire/links/vsock","Test":"TestA"}
{"Action":"output","Package":"longwire/links/vsock","Test":"TestB/part","Output":"    b_test.go:1: broken\n"}
{"Action":"fail","Package":"longwire/links/vsock","Test":"TestB/part"}
{"Action":"fail","Package":"longwire/links/vsock","Test":"TestB"}
no JSON
{"Action":"pass","Package":"longwire/links/vsock","Test":"TestC"}
{"Action":"fail","Package":"longwire/links/vsock"}
`
	var got []result
	if n := tellTests([]byte(out), func(r result) { got = append(got, r) }); n != 3 || len(got) != 3 {
		t.Fatalf("%d told, %+v", n, got)
	}
	a, b, c := got[0], got[1], got[2]
	if !a.Skip || a.OK || a.Name != "links/vsock TestA" || strings.TrimSpace(a.Detail) != "a_test.go:1: NOT TESTED: no kernel" {
		t.Errorf("%+v", a)
	}
	if b.Skip || b.OK || !strings.Contains(b.Detail, "broken") {
		t.Errorf("%+v", b)
	}
	if !c.OK || c.Skip {
		t.Errorf("%+v", c)
	}
}
