package device

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// storeFaultName is the file in the kit's folder with the fault that the node's store had last while nothing was on trial.
const storeFaultName = "store-fault"

// maxStoreFault bounds it.
const maxStoreFault = 4 << 10

// storeFault tells whether a fault of the store counts. One that was there before a trial is no fault of the trial's: a flash that is full, or a
// record that is damaged, stays so whatever the settings or the system, and must not keep a kit from better ones. The lamp tells of it all the same.
func (d *daemon) storeFault(fault string) (counts bool) {
	if d.kit.Trial() != nil || d.system != nil && d.system.Trial() {
		return fault != "" && cutFault(fault) != d.storeKnown()
	}
	if fault = cutFault(fault); fault == d.storeKnown() {
		return fault != ""
	}
	var err error
	if fault == "" {
		err = os.Remove(d.storeFaultFile())
	} else {
		err = os.WriteFile(d.storeFaultFile(), []byte(fault), 0o600)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.log.Error("the store's fault cannot be noted", "err", err)
	}
	return fault != ""
}

// storeKnown is the fault before the trial, also if that began before the last start.
func (d *daemon) storeKnown() string {
	b, err := os.ReadFile(d.storeFaultFile())
	if err != nil || len(b) > maxStoreFault {
		return ""
	}
	return string(b)
}

func (d *daemon) storeFaultFile() string { return filepath.Join(d.kit.Root(), storeFaultName) }

func cutFault(s string) string { return s[:min(len(s), maxStoreFault)] }
