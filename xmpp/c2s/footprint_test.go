package c2s_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"longwire/store"
	"longwire/xmpp/sasl"
)

// TestFootprint tells what an idle client with TLS costs: FOOTPRINT=1000 go test -run Footprint -v ./xmpp/c2s. The clients
// run in a process of their own. With FOOTPRINT_PROFILE=dir it leaves profiles of heap and goroutines there.
func TestFootprint(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("FOOTPRINT"))
	if n == 0 {
		t.Skip("set FOOTPRINT to a number of clients")
	}
	if addr := os.Getenv("FOOTPRINT_SERVER"); addr != "" {
		crowd(t, addr, n)
		return
	}
	runtime.MemProfileRate = 8 << 10
	r := newRig(t)
	if err := r.db.Update(func(tx *store.Tx) error {
		a, err := tx.Account("alice@field.net")
		for i := 0; i < n && err == nil; i++ {
			a.JID = "u" + itoa(i) + "@field.net"
			err = tx.PutAccount(a)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	_, before, _ := measured(t)
	cmd := exec.Command(os.Args[0], "-test.run=TestFootprint", "-test.v")
	cmd.Env = append(os.Environ(), "FOOTPRINT_SERVER="+r.tls)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	b := make([]byte, 4096)
	for got := ""; !strings.Contains(got, "all are there"); {
		k, err := out.Read(b)
		if got += string(b[:k]); err != nil {
			t.Fatalf("clients: %v: %s", err, got)
		}
	}
	time.Sleep(8 * time.Second) // until all are at rest
	rss, after, ms := measured(t)
	kib := func(n uint64) float64 { return float64(n) / 1024 }
	t.Logf("%d clients: RSS %.1f MiB, before %.1f MiB; per client %.1f KiB", n, kib(after)/1024, kib(before)/1024, kib(after-before)/float64(n))
	t.Logf("per client after a collection: heap %.1f KiB, %d objects, stacks %.1f KiB", kib(ms.HeapAlloc)/float64(n), ms.HeapObjects/uint64(n), kib(ms.StackInuse)/float64(n))
	_ = rss
	if dir := os.Getenv("FOOTPRINT_PROFILE"); dir != "" {
		for _, p := range []string{"heap", "goroutine"} {
			f, err := os.Create(dir + "/" + p + ".pprof")
			if err != nil {
				t.Fatal(err)
			}
			pprof.Lookup(p).WriteTo(f, 0)
			f.Close()
		}
	}
}

// measured is the resident memory in bytes, before and after a collection, and what that left.
func measured(t *testing.T) (collected, rss uint64, ms runtime.MemStats) {
	resident := func() uint64 {
		b, err := os.ReadFile("/proc/self/statm")
		if err != nil {
			t.Skip(err)
		}
		var size, pages uint64
		fmt.Sscan(string(b), &size, &pages)
		return pages * uint64(os.Getpagesize())
	}
	rss = resident()
	runtime.ReadMemStats(&ms)
	t.Logf("heap in use %d KiB, idle %d, released %d; stacks %d KiB; sys %d", ms.HeapInuse>>10, ms.HeapIdle>>10, ms.HeapReleased>>10, ms.StackInuse>>10, ms.Sys>>10)
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&ms)
	return resident(), rss, ms
}

// crowd logs n clients in and keeps them until its input ends.
func crowd(t *testing.T, addr string, n int) {
	conf := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"xmpp-client"}}
	for i := range n {
		cl := dial(t, addr)
		cl.nc = tls.Client(cl.nc, conf)
		cl.send(header)
		cl.until("</stream:features>")
		cl.send(auth("PLAIN", sasl.Encode([]byte("\x00u"+itoa(i)+"\x00secret"))))
		cl.until("</success>")
		cl.send(header)
		cl.until("</stream:features>")
		cl.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>x</resource></bind></iq><presence/>")
		cl.until("type='result'")
		cl.until("<presence ")
		cl.until("/>")
	}
	fmt.Println("all are there")
	io.Copy(io.Discard, os.Stdin)
}
