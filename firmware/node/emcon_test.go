package node_test

import (
	"bytes"
	"strings"
	"testing"

	"longwire/firmware/node"
	"longwire/firmware/supervise"
)

// What keeps the command from being remembered does not keep it from being obeyed: a link that is said to be silent is.
func TestEMCONHoldsThoughItCannotBeKept(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	n, err := node.New(write(t, t.TempDir(), half("headquarters.net", "field.net", freePort(t), freePort(t), "")), node.Options{Log: supervise.NewLog(&log)})
	if err != nil {
		t.Fatal(err)
	}
	silent := func() bool {
		e, ok := n.Explain("field.net")
		return ok && strings.Contains(e.Links[0].Why, "emission control")
	}
	if silent() {
		t.Fatal("silent from the beginning")
	}
	if err := n.Store().Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.SetEMCON("IP link", true); err == nil || !strings.Contains(err.Error(), "the link is silent now") || !silent() {
		t.Errorf("on: %v, silent %v", err, silent())
	}
	if err := n.SetEMCON("IP link", false); err == nil || !strings.Contains(err.Error(), "stays silent") || !silent() {
		t.Errorf("off: %v, silent %v", err, silent())
	}
}
