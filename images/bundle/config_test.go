package bundle_test

import (
	"errors"
	"reflect"
	"testing"

	"longwire/images/bundle"
)

func TestConfigComesBackAsItWasWritten(t *testing.T) {
	for _, to := range []string{"", recipient(t)} {
		want := config(t)
		v, err := bundle.ReadHead(encode(t, want, org(t), to), trust(t))
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Config(identity)
		if err != nil {
			t.Fatal(err)
		}
		want.Kind, want.Organisation, want.Sealed = bundle.KindConfig, "Example Relief", to != ""
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("got  %+v\nwant %+v", *got, want)
		}
	}
}

func TestSealedSettingsOpenForTheirKitOnly(t *testing.T) {
	b := encode(t, config(t), org(t), recipient(t))
	v, err := bundle.ReadHead(b, trust(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Config(""); !errors.Is(err, bundle.ErrSealed) {
		t.Errorf("without a key: %v", err)
	}
	other, _, err := bundle.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Config(other); !errors.Is(err, bundle.ErrSealedToOther) {
		t.Errorf("with another kit's key: %v", err)
	}
}
