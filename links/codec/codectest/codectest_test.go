package codectest_test

import (
	"testing"

	"longwire/links/codec/codectest"
)

// Machines of every architecture code alike.
func TestVectors(t *testing.T) {
	list, err := codectest.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Error("there are none")
	}
	for _, v := range list {
		t.Run(v.Name, func(t *testing.T) {
			if err := v.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}
