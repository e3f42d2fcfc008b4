package c2s

import (
	"testing"
	"testing/synctest"
	"time"
)

// Throttle lets tests count failures of addresses that they do not have.
type Throttle struct{ throttle }

// AtOneMinute runs f at a time when no minute ends.
func AtOneMinute(t *testing.T, f func(*Throttle)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute + time.Second)))
		f(new(Throttle))
	})
}

func (t *Throttle) SetMax(n int)                       { t.setMax(n) }
func (t *Throttle) Failed(account, addr string)        { t.failed(account, addr) }
func (t *Throttle) Succeeded(account, addr string)     { t.succeeded(account, addr) }
func (t *Throttle) AddressMustWait(addr string) bool   { return t.addressMustWait(addr) }
func (t *Throttle) MustWait(account, addr string) bool { return t.mustWait(account, addr) }

// HostOf is what an address counts as.
func HostOf(addr string) string { return hostOf(addr) }
