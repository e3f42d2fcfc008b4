package board_test

import (
	"strings"
	"testing"

	"longwire/board"
)

// As Linux 6.1 sent it when a stick was put in.
const stickIn = "add@/devices/platform/4010000000.pcie/pci0000:00/0000:00:02.0/usb1/1-1/1-1:1.0/host0/target0:0:0/0:0:0:0/block/sda/sda1\x00" +
	"ACTION=add\x00DEVPATH=/devices/platform/4010000000.pcie/pci0000:00/0000:00:02.0/usb1/1-1/1-1:1.0/host0/target0:0:0/0:0:0:0/block/sda/sda1\x00" +
	"SUBSYSTEM=block\x00MAJOR=8\x00MINOR=1\x00DEVNAME=sda1\x00DEVTYPE=partition\x00DISKSEQ=9\x00PARTN=1\x00SEQNUM=1234\x00"

func TestParseUevent(t *testing.T) {
	e, err := board.ParseUevent([]byte(stickIn))
	if err != nil || e.Action != "add" || !strings.HasSuffix(e.Devpath, "/block/sda/sda1") || e.Subsystem != "block" || e.Devname != "sda1" || e.Devtype != "partition" {
		t.Errorf("%+v, %v", e, err)
	}
	for _, bad := range []string{"", "\x00", "add\x00", "@/x\x00", "add@x\x00", "add@/x", "libudev\x00", strings.Repeat("x", 5000)} {
		if e, err := board.ParseUevent([]byte(bad)); err == nil {
			t.Errorf("%q: %+v", bad, e)
		}
	}
}

func FuzzUevent(f *testing.F) {
	f.Add([]byte(stickIn))
	f.Add([]byte("remove@/devices/x\x00SUBSYSTEM=input\x00DEVNAME=input/event0\x00"))
	f.Add([]byte("libudev\x00\xfe\xed\xca\xfe\x28\x00\x00\x00"))
	f.Add([]byte("a@/\x00=\x00\x00DEVNAME\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := board.ParseUevent(b)
		if err != nil {
			return
		}
		again, err := board.ParseUevent([]byte(e.Action + "@" + e.Devpath + "\x00SUBSYSTEM=" + e.Subsystem + "\x00DEVNAME=" + e.Devname +
			"\x00DEVTYPE=" + e.Devtype + "\x00"))
		if len(b) < 2048 && (err != nil || again != e) {
			t.Errorf("%+v became %+v, %v", e, again, err)
		}
	})
}
