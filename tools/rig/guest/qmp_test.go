package guest

import (
	"bufio"
	"net"
	"strings"
	"testing"
)

// monitorWith answers each command with the lines that the play has for it.
func monitorWith(t *testing.T, play map[string]string) *monitor {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { far.Close() })
	go func() {
		far.Write([]byte(`{"QMP": {"version": {}, "capabilities": []}}` + "\n"))
		for in := bufio.NewScanner(far); in.Scan(); {
			for command, lines := range play {
				if strings.Contains(in.Text(), `"`+command+`"`) {
					far.Write([]byte(lines))
				}
			}
		}
	}()
	play["qmp_capabilities"] = `{"return": {}}` + "\n"
	m, err := newMonitor(t.Context(), near)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMonitorTellsAnswersEventsAndErrorsApart(t *testing.T) {
	m := monitorWith(t, map[string]string{
		"query-status": `{"event": "RESET", "data": {"guest": true}}` + "\n" + `{"return": {"running": true}}` + "\n",
		"device_del":   `{"return": {}}` + "\n" + `{"event": "DEVICE_DELETED", "data": {"device": "stick", "path": "/x"}}` + "\n",
		"device_add":   `{"error": {"class": "GenericError", "desc": "no such bus"}}` + "\n",
	})
	var st struct{ Running bool }
	if err := m.execute(t.Context(), "query-status", nil, &st); err != nil || !st.Running {
		t.Errorf("status %v, %v", st, err)
	}
	if n := m.count("RESET"); n != 1 {
		t.Errorf("%d resets", n)
	}
	if err := m.execute(t.Context(), "device_add", nil, nil); err == nil || err.Error() != "qmp: device_add: GenericError: no such bus" {
		t.Errorf("an error of QEMU: %v", err)
	}
	gone := m.expect("DEVICE_DELETED", "stick")
	if err := m.execute(t.Context(), "device_del", nil, nil); err != nil {
		t.Error(err)
	}
	<-gone
}
