package subnet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/sis"
	"longwire/links/subnet"
)

// What a client was given and may not have read comes again, before all that is new; what the sender was promised nothing of does not.
func TestClientThatVanishesGetsItsDataAgain(t *testing.T) {
	play(t, "", func(t *testing.T) {
		x := newWorld(t, 2, 1200, subnet.Config{})
		a := x.bind(0, sis.Binding{SAP: 6})
		byClient := sis.UnidataRequest{DestinationSAP: 6, DeliveryMode: mode(sis.ARQ, sis.ClientConfirmation)}
		byNode := sis.UnidataRequest{DestinationSAP: 6}

		b := x.bind(1, sis.Binding{SAP: 6, Vanish: true})
		a.send(1, byClient, "one")
		a.send(1, byNode, "not promised")
		a.send(1, byClient, "two")
		time.Sleep(time.Minute)
		expect(t, "B", texts(b.heard()), "one", "not promised", "two")
		b.Close()
		synctest.Wait()

		b = x.bind(1, sis.Binding{SAP: 6, Vanish: true})
		a.send(1, byClient, "three")
		time.Sleep(time.Minute)
		expect(t, "B, back", texts(b.heard()), "one", "two", "three")
		b.Close()
		synctest.Wait()
		time.Sleep(5 * time.Minute)
		b = x.bind(1, sis.Binding{SAP: 6})
		time.Sleep(time.Second)
		expect(t, "B, back again", texts(b.heard()), "one", "two", "three")

		b.Close() // with S_UNBIND_REQUEST: it has taken all
		synctest.Wait()
		b = x.bind(1, sis.Binding{SAP: 6, Vanish: true})
		time.Sleep(time.Minute)
		expect(t, "B, after a goodbye", texts(b.heard()))

		a.send(1, byClient, "old")
		time.Sleep(20 * time.Minute)
		b.Close()
		synctest.Wait()
		b = x.bind(1, sis.Binding{SAP: 6})
		time.Sleep(time.Minute)
		expect(t, "B, long after", texts(b.heard()))
		expect(t, "A", outcomes(a.heard()), "confirmed not promised", "confirmed one", "confirmed two", "confirmed three", "confirmed old")
	})
}

// Only so much is kept.
func TestWhatIsKeptForAClientIsBounded(t *testing.T) {
	play(t, "", func(t *testing.T) {
		x := newWorld(t, 2, 9600, subnet.Config{})
		a, b := x.bind(0, sis.Binding{SAP: 6, Window: 100}), x.bind(1, sis.Binding{SAP: 6, Vanish: true})
		for range 80 {
			a.send(1, sis.UnidataRequest{DestinationSAP: 6, DeliveryMode: mode(sis.ARQ, sis.ClientConfirmation)}, "x")
		}
		time.Sleep(5 * time.Minute)
		if n := len(texts(b.heard())); n != 80 {
			t.Fatalf("%d arrived", n)
		}
		b.Close()
		synctest.Wait()
		b = x.bind(1, sis.Binding{SAP: 6})
		time.Sleep(time.Second)
		if n := len(texts(b.heard())); n != 64 {
			t.Errorf("%d came again, want 64", n)
		}
	})
}
