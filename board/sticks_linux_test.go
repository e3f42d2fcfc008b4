package board_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/board"
	"longwire/board/boardtest"
)

// watch runs play on a machine whose sticks are watched, and returns what was told, as "+sda1", "-sda1".
func watch(t *testing.T, before, play func(m *boardtest.Machine)) (told []string, events []board.StickEvent) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := boardtest.NewMachine(t)
		before(m)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			err := board.SticksFrom(ctx, board.Profile{Root: m.Root}, m.Feed(), func(e board.StickEvent) {
				sign := "-"
				if e.Present {
					sign = "+"
				}
				told, events = append(told, sign+filepath.Base(e.Device)), append(events, e)
			})
			if err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Minute)
		play(m)
		time.Sleep(20 * time.Second)
		cancel()
		wg.Wait()
	})
	return told, events
}

func nothing(*boardtest.Machine) {}

func TestSticksThatAreThereAtTheStart(t *testing.T) {
	told, events := watch(t, func(m *boardtest.Machine) {
		m.Plug("ata1", "sda", boardtest.Part{Number: 1, Data: boardtest.Ext4()})
		m.Plug("usb1", "sdb", boardtest.Part{Number: 1, Data: boardtest.FAT()})
	}, nothing)
	if !slices.Equal(told, []string{"+sdb1"}) || !events[0].Coldplug || events[0].Problem != "" {
		t.Errorf("%v %+v", told, events)
	}
}

// Its drivers may be loaded after us: then it was not put in just now either.
func TestSticksThatAreFoundSoonAfterTheStart(t *testing.T) {
	told, events := watch(t, func(m *boardtest.Machine) {
		go func() {
			time.Sleep(10 * time.Second)
			m.Plug("usb1", "sda", boardtest.Part{Number: 1, Data: boardtest.FAT()})
		}()
	}, nothing)
	if !slices.Equal(told, []string{"+sda1"}) || !events[0].Coldplug {
		t.Errorf("%v %+v", told, events)
	}
}

func TestSticksComeAndGo(t *testing.T) {
	told, events := watch(t, nothing, func(m *boardtest.Machine) {
		m.Plug("usb2", "sda", boardtest.Part{Number: 10, Data: boardtest.Ext4()}, boardtest.Part{Number: 2, Data: boardtest.FAT()},
			boardtest.Part{Number: 1, Data: make([]byte, 4096)})
		time.Sleep(10 * time.Second)
		m.Pull("sda")
		time.Sleep(10 * time.Second)
		m.Plug("usb2", "sda", boardtest.Part{Data: boardtest.Ext4()})
	})
	if !slices.Equal(told, []string{"+sda2", "-sda2", "+sda"}) || events[0].Coldplug {
		t.Errorf("%v", told)
	}
}

// A contact that bounces, and a stick that is changed quickly.
func TestSticksAreDebounced(t *testing.T) {
	told, _ := watch(t, nothing, func(m *boardtest.Machine) {
		for range 5 {
			m.Plug("usb1", "sda", boardtest.Part{Number: 1, Data: boardtest.FAT()})
			time.Sleep(50 * time.Millisecond)
			m.Pull("sda")
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		m.Plug("usb1", "sda", boardtest.Part{Number: 1, Data: boardtest.FAT()})
		time.Sleep(10 * time.Second)
		m.Pull("sda")
		m.Plug("usb1", "sda", boardtest.Part{Number: 2, Data: boardtest.FAT()})
	})
	if !slices.Equal(told, []string{"+sda1", "-sda1", "+sda2"}) {
		t.Errorf("%v", told)
	}
}

func TestStickNodeMayComeLate(t *testing.T) {
	told, _ := watch(t, nothing, func(m *boardtest.Machine) {
		m.Plug("usb1", "sda", boardtest.Part{Number: 1, Data: boardtest.FAT()})
		late := filepath.Join(m.Root, "dev/sda1")
		os.Rename(late, late+"-")
		time.Sleep(3 * time.Second)
		os.Rename(late+"-", late)
	})
	if !slices.Equal(told, []string{"+sda1"}) {
		t.Errorf("%v", told)
	}
}

func TestSticksAfterLostEvents(t *testing.T) {
	told, _ := watch(t, func(m *boardtest.Machine) {
		m.Plug("usb1", "sda", boardtest.Part{Number: 1, Data: boardtest.FAT()})
	}, func(m *boardtest.Machine) {
		m.Mute(func() {
			m.Pull("sda")
			m.Plug("usb1", "sdb", boardtest.Part{Number: 1, Data: boardtest.FAT()})
		})
		m.Feed().Say("")
	})
	slices.Sort(told)
	if !slices.Equal(told, []string{"+sda1", "+sdb1", "-sda1"}) {
		t.Errorf("lost events: %v", told)
	}
}

func TestSticksThatCannotBeUsed(t *testing.T) {
	exfat := make([]byte, 4096)
	copy(exfat[3:], "EXFAT   ")
	for want, part := range map[string]boardtest.Part{
		"it holds exFAT; format the stick as FAT32": {Number: 1, Data: exfat},
		"no file system that is known":              {Number: 1, Data: make([]byte, 4096)},
		"unexpected EOF":                            {Data: []byte("short")},
	} {
		told, events := watch(t, nothing, func(m *boardtest.Machine) { m.Plug("usb1", "sda", part) })
		if !slices.Equal(told, []string{"+sda"}) || !strings.Contains(events[0].Problem, want) {
			t.Errorf("%v %+v\nlacks %q", told, events, want)
		}
	}
}

func TestOtherUeventsAreIgnored(t *testing.T) {
	told, _ := watch(t, nothing, func(m *boardtest.Machine) {
		m.Plug("ata1", "sda", boardtest.Part{Number: 1, Data: boardtest.FAT()})
		for _, message := range []string{"libudev\x00\xfe\xed\xca\xfe", "add@/devices/x\x00SUBSYSTEM=net\x00", "add", "\x00", "add@/../../etc\x00SUBSYSTEM=block\x00",
			"add@/\x00SUBSYSTEM=block\x00", "remove@/devices/none\x00SUBSYSTEM=block\x00DEVTYPE=disk\x00"} {
			m.Feed().Say(message)
		}
	})
	if len(told) > 0 {
		t.Errorf("%v", told)
	}
}

func TestKernelFeedCloses(t *testing.T) {
	feed, err := board.OpenFeed()
	if err != nil {
		t.Skip("no netlink here: ", err)
	}
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := feed.Recv(); err != nil {
				ended <- err
				return
			}
		}
	}()
	time.Sleep(50 * time.Millisecond)
	feed.Close()
	soon(t, "closing", func() { <-ended })
}

func TestFilesystemSignatures(t *testing.T) {
	ntfs := make([]byte, 4096)
	copy(ntfs[3:], "NTFS    ")
	bad := boardtest.FAT()
	bad[13] = 3
	for _, c := range []struct {
		want string
		head []byte
	}{{"vfat", boardtest.FAT()}, {"ext4", boardtest.Ext4()}, {"NTFS", ntfs}, {"", bad}, {"", make([]byte, 4096)}, {"", nil}} {
		if got := board.Filesystem(c.head); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
